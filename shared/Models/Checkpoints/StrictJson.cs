using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindsight.Models;

/// <summary>
/// JSON from files we did not write: valid UTF-8, no duplicate names (two readers may otherwise understand two different files),
/// bounded depth and size. All that is wrong is an <see cref="InvalidDataException"/> that names the file.
/// </summary>
internal static class StrictJson
{
    private const int SmallFile = 16 << 20;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public static byte[] ReadFile(string path, long maxBytes = SmallFile)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (file.Length > maxBytes)
        {
            throw new InvalidDataException($"{path} has {file.Length} bytes; such a file has at most {maxBytes}.");
        }

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Parses <paramref name="utf8"/> and hands the root to <paramref name="read"/>.</summary>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, string name, Func<JsonElement, T> read)
    {
        if (!Utf8.IsValid(utf8.Span))
        {
            throw new InvalidDataException($"{name} is not valid UTF-8.");
        }

        try
        {
            using var document = JsonDocument.Parse(utf8, Options);
            return read(document.RootElement);
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{name} is not valid JSON: {Shown(fault.Message)}", fault);
        }
        catch (InvalidOperationException fault)
        {
            // The parser accepts "\ud800" and objects only when the string is read.
            throw new InvalidDataException($"{name} has a string with half of a surrogate pair.", fault);
        }
    }

    /// <summary>Text of unknown origin for an error message: quoted, cut to 100 characters, without control characters.</summary>
    public static string Quoted(string text) => $"\"{Shown(text.Length > 100 ? text[..100] + "…" : text)}\"";

    private static string Shown(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            shown.Append(char.IsControl(character) || char.IsSurrogate(character) || char.GetUnicodeCategory(character)
                is System.Globalization.UnicodeCategory.Format ? '?' : character);
        }

        return shown.ToString();
    }
}
