using System.Globalization;
using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// The fields of a JSON object that was written by others, read with their bounds. A field that is null counts as absent, as it does in
/// transformers. Every error names the file, the field and its value.
/// </summary>
internal readonly struct JsonFields
{
    private readonly JsonElement root;
    private readonly string file;
    private readonly string prefix;

    public JsonFields(JsonElement root, string file, string prefix = "")
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{file} holds {(prefix.Length == 0 ? "" : $"a field {prefix.TrimEnd('.')} with ")}{Kind(root)} where an object belongs.");
        }

        (this.root, this.file, this.prefix) = (root, file, prefix);
    }

    /// <summary>The file's name for messages.</summary>
    public string File => file;

    public JsonElement? Find(string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Whether a field is there at all; one that is null is, and some families mean something by it.</summary>
    public bool Has(string field) => root.TryGetProperty(field, out _);

    public JsonFields? Object(string field) => Find(field) is { } value ? new JsonFields(value, file, $"{prefix}{field}.") : null;

    public string? Text(string field) => Find(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(field, value, "a string");

    public bool Flag(string field, bool absent) => Find(field) is not { } value ? absent : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(field, value, "true or false"),
    };

    public int Size(string field, int most, int? absent = null, int least = 1)
    {
        if (Find(field) is not { } value)
        {
            return absent ?? throw new InvalidDataException($"{file} lacks the field {prefix}{field}.");
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var size) && size >= least && size <= most
            ? size
            : throw Wrong(field, value, $"a whole number from {least} to {most}");
    }

    public double Positive(string field, double most, double? absent = null)
    {
        if (Find(field) is not { } value)
        {
            return absent ?? throw new InvalidDataException($"{file} lacks the field {prefix}{field}.");
        }

        return IsPositive(value, most, out var number)
            ? number
            : throw Wrong(field, value, string.Create(CultureInfo.InvariantCulture, $"a number above 0 and at most {most}"));
    }

    /// <summary>A list of numbers above 0.</summary>
    public double[] Positives(string field, double most)
    {
        var value = Find(field) ?? throw new InvalidDataException($"{file} lacks the field {prefix}{field}.");
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => IsPositive(item, most, out _))
            ? [.. value.EnumerateArray().Select(item => item.GetDouble())]
            : throw Wrong(field, value, string.Create(CultureInfo.InvariantCulture, $"a list of numbers above 0 and at most {most}"));
    }

    /// <summary>A token id or a list of them; empty where the field is absent.</summary>
    public int[] TokenIds(string field)
    {
        if (Find(field) is not { } value)
        {
            return [];
        }

        var fields = this;
        int Id(JsonElement id) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number)
            ? number
            : throw fields.Wrong(field, value, "a token id or a list of token ids");
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Id)] : [Id(value)];
    }

    public InvalidDataException Wrong(string field, JsonElement value, string expected) =>
        new($"{file} has {prefix}{field} = {Shown(value)}; expected {expected}.");

    public InvalidDataException NotSupported(string field, JsonElement value, string reason) =>
        new($"{file} has {prefix}{field} = {Shown(value)}; {reason}.");

    private static bool IsPositive(JsonElement value, double most, out double number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out number) && number > 0 && number <= most;
    }

    private static string Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => StrictJson.Quoted(value.GetString()!),
        JsonValueKind.Object or JsonValueKind.Array when value.GetRawText().Length > 60 => Kind(value),
        JsonValueKind.Object or JsonValueKind.Array => string.Concat(value.GetRawText().Where(character => !char.IsControl(character))),
        _ => value.GetRawText() is { Length: > 40 } number ? number[..40] + "…" : value.GetRawText(),
    };

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        _ => value.GetRawText(),
    };
}
