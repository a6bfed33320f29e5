using System.Globalization;
using System.Text.Json;

namespace Hindsight.Generation;

/// <summary>
/// Reads a tokenizer.json, which is untrusted. What it asks for and is not supported is refused by name, never passed over.
/// </summary>
internal sealed class TokenizerFile
{
    public const string Name = "tokenizer.json";

    private const long LargestFile = 128L << 20;
    private const int HighestId = (1 << 24) - 1;
    private const int LongestAddedToken = 1000;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    private readonly string path;
    private bool writesBytes;

    private TokenizerFile(string path) => this.path = path;

    public static TokenizerParts Read(string path)
    {
        var file = new TokenizerFile(path);
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > LargestFile)
                throw file.Problem($"the file is larger than {LargestFile >> 20} MiB");
            using var document = JsonDocument.Parse(stream, Strict);
            return file.Parts(document.RootElement);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException($"{path} does not exist: save the tokenizer in its fast form (tokenizer.save_pretrained) beside the weights.");
        }
        catch (JsonException exception)
        {
            throw file.Problem($"the file is not valid JSON ({exception.Message})");
        }
        catch (InvalidOperationException)
        {
            // What JsonElement throws for a string with half a surrogate pair.
            throw file.Problem("a string is not valid Unicode");
        }
        catch (ArgumentException exception)
        {
            throw file.Problem(exception.Message);
        }
    }

    private TokenizerParts Parts(JsonElement root)
    {
        var model = Required(Object(root, "the file"), "model");
        var vocabulary = Vocabulary(model);
        var tokens = new Dictionary<int, string>(vocabulary.Count);
        foreach (var (token, id) in vocabulary)
        {
            if (!tokens.TryAdd(id, token))
                throw Problem($"the vocabulary gives the id {id} to '{tokens[id]}' and to '{token}'");
        }
        var added = Optional(root, "added_tokens") is { } list ? Array(list, "added_tokens").Select(Added).ToList() : [];
        foreach (var token in added)
        {
            if (!tokens.TryAdd(token.Id, token.Content) && tokens[token.Id] != token.Content)
                throw Problem($"the added token '{token.Content}' has the id {token.Id}, which belongs to '{tokens[token.Id]}'");
            if (vocabulary.TryGetValue(token.Content, out var id) && id != token.Id)
                throw Problem($"the added token '{token.Content}' has the id {token.Id} here and {id} in the vocabulary");
        }
        var (before, after) = Optional(root, "post_processor") is { } processor ? Template(processor) : ([], []);
        if (before.Concat(after).Cast<int?>().FirstOrDefault(id => !tokens.ContainsKey(id!.Value)) is { } unknown)
            throw Problem($"post_processor puts in the id {unknown}, which is no token");
        return new TokenizerParts(
            added,
            Optional(root, "normalizer") is { } normalizer ? Normalizer(normalizer) : null,
            Optional(root, "pre_tokenizer") is { } preTokenizer ? PreTokenizer(preTokenizer) : null,
            Model(model, vocabulary),
            tokens, before, after,
            Optional(root, "decoder") is { } decoder ? Decoder(decoder) : null);
    }

    private Dictionary<string, int> Vocabulary(JsonElement model)
    {
        // GPT-2's own file has no type; the library reads such a model by its fields.
        if (Optional(model, "type") is { } type && Text(type, "model.type") is var name && name != "BPE")
            throw Unsupported("model", name);
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in Object(Required(model, "vocab"), "model.vocab").EnumerateObject())
            vocabulary.Add(entry.Name, Id(entry.Value, $"the token '{entry.Name}'"));
        return vocabulary.Count > 0 ? vocabulary : throw Problem("the vocabulary is empty");
    }

    private BpeModel Model(JsonElement model, Dictionary<string, int> vocabulary)
    {
        if (Optional(model, "dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.TryGetDouble(out var rate) && rate == 0))
            throw Unsupported("model.dropout", dropout.GetRawText());
        foreach (var field in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (Optional(model, field) is { } affix && Text(affix, field) is { Length: > 0 } text)
                throw Unsupported($"model.{field}", text);
        }
        return new BpeModel(
            vocabulary,
            [.. Array(Required(model, "merges"), "model.merges").Select(Merge)],
            Optional(model, "unk_token") is { } unknown ? Text(unknown, "model.unk_token") : null,
            Flag(model, "fuse_unk"),
            Flag(model, "ignore_merges"),
            Flag(model, "byte_fallback"));
    }

    private (string, string) Merge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            return (Text(merge[0], "a merge"), Text(merge[1], "a merge"));
        var text = Text(merge, "a merge");
        var blank = text.IndexOf(' ', StringComparison.Ordinal);
        if (blank <= 0 || blank == text.Length - 1 || text.IndexOf(' ', blank + 1) >= 0)
            throw Problem($"the merge '{text}' is not two tokens with a blank between");
        return (text[..blank], text[(blank + 1)..]);
    }

    private AddedToken Added(JsonElement token)
    {
        var content = Text(Required(token, "content"), "added_tokens.content");
        if (content.Length > LongestAddedToken)
            throw Problem($"an added token is longer than {LongestAddedToken} characters");
        return new AddedToken(Id(Required(token, "id"), $"the added token '{content}'"), content,
            Flag(token, "special"), Flag(token, "single_word"), Flag(token, "lstrip"), Flag(token, "rstrip"), Flag(token, "normalized"));
    }

    private TextNormalizer Normalizer(JsonElement normalizer) => Type(normalizer, "normalizer") switch
    {
        "Sequence" => new TextNormalizer.Sequence([.. Array(Required(normalizer, "normalizers"), "normalizers").Select(Normalizer)]),
        "NFC" => new TextNormalizer.Nfc(),
        "NFD" => new TextNormalizer.Nfd(),
        "Lowercase" => new TextNormalizer.Lowercase(),
        "Prepend" => new TextNormalizer.Prepend(Text(Required(normalizer, "prepend"), "prepend")),
        "Replace" => new TextNormalizer.Replace(Pattern(normalizer), Text(Required(normalizer, "content"), "content")),
        "Strip" => new TextNormalizer.Strip(Flag(normalizer, "strip_left"), Flag(normalizer, "strip_right")),
        var other => throw Unsupported("normalizer", other),
    };

    private PreTokenizer PreTokenizer(JsonElement step) => Type(step, "pre_tokenizer") switch
    {
        "Sequence" => new PreTokenizer.Sequence([.. Array(Required(step, "pretokenizers"), "pretokenizers").Select(PreTokenizer)]),
        "Split" => new PreTokenizer.Pattern(Pattern(step), Behavior(step), Flag(step, "invert")),
        "ByteLevel" => ByteLevel(step),
        "Digits" => new PreTokenizer.Pattern(
            new TextPattern(@"\p{N}"), Flag(step, "individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous, Invert: false),
        "Metaspace" => new PreTokenizer.Metaspace(Character(Required(step, "replacement"), "replacement"), Prepend(step), Flag(step, "split", otherwise: true)),
        var other => throw Unsupported("pre_tokenizer", other),
    };

    private PreTokenizer.ByteLevel ByteLevel(JsonElement step)
    {
        // A second one would write each character of the first as two bytes.
        if (writesBytes)
            throw Problem("pre_tokenizer has ByteLevel more than once");
        writesBytes = true;
        return new PreTokenizer.ByteLevel(
            Flag(step, "add_prefix_space", otherwise: true),
            Flag(step, "use_regex", otherwise: true) ? new TextPattern(Generation.PreTokenizer.ByteLevel.WordPattern) : null);
    }

    private TokenDecoder Decoder(JsonElement decoder) => Type(decoder, "decoder") switch
    {
        "Sequence" => new TokenDecoder.Sequence([.. Array(Required(decoder, "decoders"), "decoders").Select(Decoder)]),
        "ByteLevel" => new TokenDecoder.ByteLevel(),
        "Replace" => new TokenDecoder.Replace(Pattern(decoder), Text(Required(decoder, "content"), "content")),
        "ByteFallback" => new TokenDecoder.ByteFallback(),
        "Fuse" => new TokenDecoder.Fuse(),
        "Strip" => new TokenDecoder.Strip(Character(Required(decoder, "content"), "content"), Count(decoder, "start"), Count(decoder, "stop")),
        "Metaspace" => new TokenDecoder.Metaspace(Character(Required(decoder, "replacement"), "replacement"), Prepend(decoder)),
        var other => throw Unsupported("decoder", other),
    };

    /// <summary>The ids that a post-processor puts before and after a text.</summary>
    private (IReadOnlyList<int> Before, IReadOnlyList<int> After) Template(JsonElement processor)
    {
        switch (Type(processor, "post_processor"))
        {
            case "ByteLevel":
                // Moves offsets only.
                return ([], []);
            case "Sequence":
                var (before, after) = (new List<int>(), new List<int>());
                foreach (var step in Array(Required(processor, "processors"), "processors"))
                {
                    var (stepBefore, stepAfter) = Template(step);
                    before.InsertRange(0, stepBefore);
                    after.AddRange(stepAfter);
                }
                return (before, after);
            case "TemplateProcessing":
                return SingleTemplate(processor);
            case var other:
                throw Unsupported("post_processor", other);
        }
    }

    private (List<int> Before, List<int> After) SingleTemplate(JsonElement processor)
    {
        var special = Object(Required(processor, "special_tokens"), "special_tokens");
        var (before, after) = (new List<int>(), new List<int>());
        var seen = false;
        foreach (var item in Array(Required(processor, "single"), "single"))
        {
            if (Optional(item, "Sequence") is { } sequence)
            {
                if (seen || Text(Required(sequence, "id"), "Sequence.id") != "A")
                    throw Problem("post_processor.single must hold the text ('A') once");
                seen = true;
            }
            else
            {
                var name = Text(Required(Required(item, "SpecialToken"), "id"), "SpecialToken.id");
                (seen ? after : before).AddRange(
                    Array(Required(Required(special, name), "ids"), $"special_tokens.{name}.ids").Select(id => Id(id, $"post_processor's '{name}'")));
            }
        }
        return seen ? (before, after) : throw Problem("post_processor.single must hold the text ('A') once");
    }

    private TextPattern Pattern(JsonElement step)
    {
        var pattern = Required(step, "pattern");
        if (Optional(pattern, "String") is { } literal)
            return TextPattern.Literal(Text(literal, "pattern.String"));
        var source = Text(Required(pattern, "Regex"), "pattern.Regex");
        try
        {
            return new TextPattern(source);
        }
        catch (ArgumentException exception)
        {
            throw Problem($"the pattern '{source}' cannot be used ({exception.Message})");
        }
    }

    private SplitBehavior Behavior(JsonElement step) => Text(Required(step, "behavior"), "behavior") switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw Unsupported("behavior", other),
    };

    private PrependScheme Prepend(JsonElement step)
    {
        if (Optional(step, "prepend_scheme") is not { } scheme)
            return Flag(step, "add_prefix_space", otherwise: true) ? PrependScheme.Always : PrependScheme.Never;
        return Text(scheme, "prepend_scheme") switch
        {
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            "always" => PrependScheme.Always,
            var other => throw Unsupported("prepend_scheme", other),
        };
    }

    private string Type(JsonElement step, string part) => Text(Required(Object(step, part), "type"), $"{part}.type");

    private JsonElement Required(JsonElement element, string field) =>
        Object(element, $"what holds '{field}'").TryGetProperty(field, out var value) ? value : throw Problem($"the field '{field}' is missing");

    private static JsonElement? Optional(JsonElement element, string field) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private JsonElement Object(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Object ? element : throw Problem($"{what} is not an object");

    private JsonElement.ArrayEnumerator Array(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Problem($"{what} is not a list");

    private string Text(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Problem($"{what} is not a string");

    private char Character(JsonElement element, string what) =>
        Text(element, what) is [var character] ? character : throw Problem($"{what} is not one character");

    private bool Flag(JsonElement element, string field, bool otherwise = false) => Optional(element, field) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Problem($"the field '{field}' is neither true nor false"),
    };

    private int Count(JsonElement element, string field) =>
        Required(element, field) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var count) && count >= 0
            ? count
            : throw Problem($"the field '{field}' is not a count");

    private int Id(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id) && id is >= 0 and <= HighestId
            ? id
            : throw Problem($"{what} has no id between 0 and {HighestId}");

    private InvalidDataException Unsupported(string part, string value) => Problem($"{part} '{value}' is not supported");

    private InvalidDataException Problem(string problem) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}: {problem}."));
}
