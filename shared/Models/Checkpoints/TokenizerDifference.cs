using System.Globalization;
using System.Text.Json;

namespace Hindsight.Models;

/// <summary>Whether two folders' tokenizer.json mean the same token ids.</summary>
internal static class TokenizerDifference
{
    // The Qwen and Llama 3 files have 7 to 17 MB.
    private const long MostBytes = 256 << 20;

    // How a trainer filled its batches; it changes no token.
    private static readonly string[] PassedOver = ["truncation", "padding"];

    /// <summary>Where the two first differ, as a path into the JSON; null where they do not.</summary>
    public static string? First(string folder, string otherFolder)
    {
        var (path, otherPath) = (Checkpoint.Inside(folder, CheckpointFiles.Tokenizer), Checkpoint.Inside(otherFolder, CheckpointFiles.Tokenizer));
        var (text, other) = (StrictJson.ReadFile(path, MostBytes), StrictJson.ReadFile(otherPath, MostBytes));
        return text.AsSpan().SequenceEqual(other)
            ? null
            : StrictJson.Read(text, path, a => StrictJson.Read(other, otherPath, b => First(a, b, "")));
    }

    private static string? First(JsonElement a, JsonElement b, string at)
    {
        var here = at.Length == 0 ? "the top" : at;
        if (a.ValueKind != b.ValueKind)
        {
            return here;
        }

        switch (a.ValueKind)
        {
            case JsonValueKind.Object:
                // A dictionary, as looking a property up in a JsonElement is linear and a vocabulary has 150 000.
                var rest = b.EnumerateObject().ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal);
                foreach (var property in a.EnumerateObject())
                {
                    var inner = Within(at, property.Name);
                    var found = rest.Remove(property.Name, out var value);
                    if (at.Length == 0 && PassedOver.Contains(property.Name))
                    {
                        continue;
                    }

                    if ((found ? First(property.Value, value, inner) : inner) is { } difference)
                    {
                        return difference;
                    }
                }

                var added = rest.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => at.Length > 0 || !PassedOver.Contains(name));
                return added is null ? null : Within(at, added);

            case JsonValueKind.Array:
                return a.EnumerateArray().Zip(b.EnumerateArray())
                    .Select((pair, index) => First(pair.First, pair.Second, string.Create(CultureInfo.InvariantCulture, $"{at}[{index}]")))
                    .FirstOrDefault(difference => difference is not null)
                    ?? (a.GetArrayLength() == b.GetArrayLength() ? null : $"the length of {here}");

            case JsonValueKind.String:
                return a.GetString() == b.GetString() ? null : here;

            default:
                return a.GetRawText() == b.GetRawText() ? null : here;
        }
    }

    private static string Within(string at, string name)
    {
        var isPlain = name.Length > 0 && name.All(character => char.IsAsciiLetter(character) || character == '_');
        var shown = isPlain ? name : StrictJson.Quoted(name);
        return at.Length == 0 ? shown : $"{at}.{shown}";
    }
}
