using System.Globalization;
using System.Text.Json;

namespace Hindsight.Generation;

/// <summary>
/// A checkpoint's chat template: a conversation in, the text of the prompt out, as <c>apply_chat_template</c> of transformers
/// renders it. Safe for use by many threads at once.
/// </summary>
/// <remarks>
/// Templates are untrusted. They are run by an interpreter of the part of Jinja they use: no .NET object can be reached, nothing
/// can be changed, and work, depth and the length of texts are limited.
/// </remarks>
public sealed class ChatTemplate
{
    private const int LongestSource = 1 << 20;
    private const long LargestFile = 64L << 20;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    private readonly IReadOnlyList<TemplateStatement> statements;
    private readonly IReadOnlyDictionary<string, string> specialTokens;
    private readonly string origin;

    /// <param name="source">The template.</param>
    /// <param name="specialTokens">Texts of <c>bos_token</c>, <c>eos_token</c>, … as the template sees them.</param>
    /// <param name="origin">Where the template comes from, for errors.</param>
    /// <exception cref="InvalidDataException">The template is broken; the message names the line.</exception>
    public ChatTemplate(string source, IReadOnlyDictionary<string, string> specialTokens, string origin = "chat template")
    {
        ArgumentNullException.ThrowIfNull(source);
        this.specialTokens = specialTokens;
        this.origin = origin;
        if (source.Length > LongestSource)
            throw new InvalidDataException($"{origin}: the chat template is longer than {LongestSource} characters.");
        UsesDate = source.Contains(TemplateFunctions.Now, StringComparison.Ordinal);
        try
        {
            statements = TemplateParser.Parse(source);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{origin}: the chat template is broken, {exception.Message}.");
        }
    }

    /// <summary>
    /// The date that a template is told where the caller names none: 26 July 2024, which the templates of Llama 3 fall back to.
    /// A fixed date keeps a prompt, and so the identity of an answer, the same from day to day.
    /// </summary>
    public static DateTimeOffset DefaultDate { get; } = new(2024, 7, 26, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whether the template asks for the date, so that the date belongs to what identifies a prompt.</summary>
    public bool UsesDate { get; }

    /// <summary>
    /// Reads the template of a checkpoint folder: <c>chat_template.jinja</c>, else <c>chat_template</c> in
    /// <c>tokenizer_config.json</c> (of several named ones the one called "default"), else <c>chat_template.json</c>.
    /// </summary>
    /// <returns>Null where the folder has none, as base models do.</returns>
    /// <exception cref="InvalidDataException">A file is broken; the message names it.</exception>
    public static ChatTemplate? Load(string folder)
    {
        try
        {
            return LoadFrom(folder);
        }
        catch (InvalidOperationException)
        {
            // What JsonElement throws for a string with half a surrogate pair.
            throw new InvalidDataException($"{folder}: the chat template or a special token is not valid Unicode.");
        }
    }

    private static ChatTemplate? LoadFrom(string folder)
    {
        var configPath = Path.Combine(folder, "tokenizer_config.json");
        using var config = Read(configPath);
        var tokens = config is null ? [] : SpecialTokens(config.RootElement);

        var jinjaPath = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(jinjaPath))
        {
            if (new FileInfo(jinjaPath).Length > 4L * LongestSource)
                throw new InvalidDataException($"{jinjaPath}: the chat template is longer than {LongestSource} characters.");
            return new ChatTemplate(File.ReadAllText(jinjaPath), tokens, jinjaPath);
        }
        if (config is not null && Source(config.RootElement, configPath) is { } source)
            return new ChatTemplate(source, tokens, configPath);
        var jsonPath = Path.Combine(folder, "chat_template.json");
        using var json = Read(jsonPath);
        return json is not null && Source(json.RootElement, jsonPath) is { } other ? new ChatTemplate(other, tokens, jsonPath) : null;
    }

    /// <summary>The text of the prompt.</summary>
    /// <param name="addGenerationPrompt">Whether to end with the beginning of the assistant's turn.</param>
    /// <param name="date">What <c>strftime_now</c> tells the template; <see cref="DefaultDate"/> where null.</param>
    /// <param name="variables">Further variables (<c>tools</c>, <c>enable_thinking</c>, …). One called <c>messages</c> takes the
    /// place of <paramref name="messages"/>, for turns with more than a role and a text.</param>
    /// <exception cref="InvalidDataException">The template refuses the conversation (in its own words, after the line) or goes
    /// beyond a limit.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, DateTimeOffset? date = null,
        IReadOnlyDictionary<string, JsonElement>? variables = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var scope = new TemplateScope(null);
        foreach (var (name, function) in TemplateFunctions.All)
            scope.Set(name, function);
        foreach (var (name, token) in specialTokens)
            scope.Set(name, token);
        scope.Set("messages", messages.Select(Message).ToList());
        scope.Set("add_generation_prompt", addGenerationPrompt);
        scope.Set("tools", null);
        scope.Set("documents", null);
        foreach (var (name, value) in variables ?? new Dictionary<string, JsonElement>())
            scope.Set(name, PythonValue.FromJson(value));

        var rendering = new TemplateRendering(date ?? DefaultDate);
        try
        {
            TemplateStatement.ExecuteAll(statements, rendering, new TemplateScope(scope));
        }
        catch (Exception exception) when (exception is InvalidDataException or OverflowException)
        {
            throw Refusal(exception);
        }
        catch (InvalidOperationException exception) when (exception.InnerException is InvalidDataException cause)
        {
            // Sorting wraps what a comparison throws.
            throw Refusal(cause);
        }
        return rendering.Output;

        InvalidDataException Refusal(Exception cause) =>
            new(string.Create(CultureInfo.InvariantCulture, $"{origin}, line {rendering.Line}: {cause.Message}"));
    }

    private static object? Message(ChatMessage message)
    {
        var dictionary = new TemplateDictionary();
        dictionary["role"] = message.Role;
        dictionary["content"] = message.Content;
        return dictionary;
    }

    private static Dictionary<string, string> SpecialTokens(JsonElement config)
    {
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in config.EnumerateObject().Where(property => property.Name.EndsWith("_token", StringComparison.Ordinal)))
        {
            var value = property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("content", out var content) ? content : property.Value;
            if (value.ValueKind == JsonValueKind.String)
                tokens[property.Name] = value.GetString()!;
        }
        return tokens;
    }

    private static string? Source(JsonElement config, string path)
    {
        if (!config.TryGetProperty("chat_template", out var template) || template.ValueKind == JsonValueKind.Null)
            return null;
        if (template.ValueKind == JsonValueKind.String)
            return template.GetString();
        if (template.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{path}: chat_template is neither a string nor a list of named templates.");
        foreach (var named in template.EnumerateArray())
        {
            if (named.ValueKind == JsonValueKind.Object
                && named.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default"
                && named.TryGetProperty("template", out var source) && source.ValueKind == JsonValueKind.String)
                return source.GetString();
        }
        throw new InvalidDataException($"{path}: none of the chat templates is called 'default'.");
    }

    private static JsonDocument? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > LargestFile)
                throw new InvalidDataException($"{path}: the file is larger than {LargestFile >> 20} MiB.");
            var document = JsonDocument.Parse(stream, Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : throw new InvalidDataException($"{path}: the file is not a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: the file is not valid JSON ({exception.Message}).");
        }
    }
}
