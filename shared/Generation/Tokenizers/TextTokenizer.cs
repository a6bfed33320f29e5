using System.Text;

namespace Hindsight.Generation;

/// <summary>
/// Text to token ids and back, as a checkpoint's tokenizer.json describes it. Safe for use by many threads at once.
/// </summary>
/// <remarks>
/// The steps are those of the Hugging Face tokenizers library: added tokens are cut out, the text between them is normalised,
/// split into words and encoded, ids of the template (a beginning-of-text token, say) are put around it. <c>truncation</c> and
/// <c>padding</c> in the file are not applied: a prompt is never shortened silently.
/// </remarks>
public sealed class TextTokenizer
{
    private readonly TokenizerParts parts;
    private readonly AddedTokens found;
    private readonly AddedTokens foundNormalized;
    private readonly Dictionary<int, string> normalizedContents;
    private readonly HashSet<int> special;

    internal TextTokenizer(TokenizerParts parts)
    {
        this.parts = parts;
        found = new AddedTokens(parts.AddedTokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        var normalized = parts.AddedTokens.Where(token => token.Normalized).Select(token => (Token: token, Text: Normalize(token.Content))).ToList();
        foundNormalized = new AddedTokens(normalized);
        normalizedContents = normalized.ToDictionary(token => token.Token.Id, token => token.Text);
        special = [.. parts.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        VocabularySize = parts.Tokens.Keys.Max() + 1;
    }

    /// <summary>The highest token id plus one. A model may have more rows than that, never fewer.</summary>
    public int VocabularySize { get; }

    /// <summary>Reads <c>tokenizer.json</c> in a checkpoint folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing, broken, or uses what is not supported; the message names it.</exception>
    public static TextTokenizer Load(string folder) => new(TokenizerFile.Read(Path.Combine(folder, TokenizerFile.Name)));

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text; a lone surrogate counts as U+FFFD. Special tokens written out in it become their ids.</param>
    /// <param name="addSpecialTokens">Whether to add what the file's post-processor puts around a text. False for rendered chat templates.</param>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        if (addSpecialTokens)
            ids.AddRange(parts.Before);
        var atStart = true;
        foreach (var (piece, id) in found.Split(WithoutLoneSurrogates(text)))
        {
            if (id is { } added)
                ids.Add(added);
            else
                EncodeBetween(piece, atStart, ids);
            atStart = false;
        }
        if (addSpecialTokens)
            ids.AddRange(parts.After);
        return ids;
    }

    /// <summary>The text of ids. Ids that the vocabulary lacks decode to nothing, broken UTF-8 to U+FFFD.</summary>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = new List<string>(ids.Count);
        foreach (var id in ids)
        {
            if (skipSpecialTokens && special.Contains(id))
                continue;
            // A token found in normalised text is decoded from that form, so that the decoder can undo what the normalizer did.
            if (normalizedContents.TryGetValue(id, out var token) || parts.Tokens.TryGetValue(id, out token))
                tokens.Add(token);
        }
        return parts.Decoder is { } decoder ? string.Concat(decoder.Decode(tokens)) : string.Join(' ', tokens);
    }

    /// <summary>Whether an id is a special token (end of text, start of a turn, …).</summary>
    public bool IsSpecial(int id) => special.Contains(id);

    private void EncodeBetween(string text, bool atStart, List<int> ids)
    {
        foreach (var (piece, id) in foundNormalized.Split(Normalize(text)))
        {
            if (id is { } added)
            {
                ids.Add(added);
            }
            else
            {
                foreach (var word in parts.PreTokenizer?.Split(piece, atStart) ?? [piece])
                    parts.Model.Encode(word, ids);
            }
            atStart = false;
        }
    }

    private string Normalize(string text) => parts.Normalizer?.Normalize(text) ?? text;

    private static string WithoutLoneSurrogates(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            clean.Append(rune);
        return clean.ToString();
    }
}
