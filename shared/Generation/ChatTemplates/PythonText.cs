using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>Strings and numbers as Python treats them: indexed by code point, written as <c>str</c> and <c>repr</c> write them.</summary>
internal static class PythonText
{
    /// <summary>What <c>str.isspace</c> is true for, and so what <c>strip</c> takes off: .NET's whitespace and four separators.</summary>
    public static readonly char[] Whitespace = [.. Enumerable.Range(0, 0x10000).Select(unit => (char)unit).Where(IsWhitespace)];

    public static bool IsWhitespace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    public static int Length(string text) => HasSurrogates(text) ? text.EnumerateRunes().Count() : text.Length;

    /// <summary>The code points of a text, each as a string.</summary>
    public static List<object?> Characters(string text)
    {
        var characters = new List<object?>(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var length = char.IsSurrogatePair(text, i) ? 2 : 1;
            characters.Add(text.Substring(i, length));
            i += length;
        }
        return characters;
    }

    public static bool HasSurrogates(string text) => text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');

    public static string Float(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        // .NET and Python agree on the shortest digits that read back as the same number, not on how to lay them out.
        var written = value.ToString("R", CultureInfo.InvariantCulture);
        var sign = written.StartsWith('-') ? "-" : "";
        var parts = written.TrimStart('-').Split('E');
        var whole = parts[0].Split('.');
        var digits = string.Concat(whole).TrimStart('0');
        var exponent = whole[0].Length - 1 - (string.Concat(whole).Length - digits.Length) + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        digits = digits.TrimEnd('0');
        if (digits.Length == 0)
            return sign + "0.0";
        return sign + exponent switch
        {
            < -4 or >= 16 => string.Create(CultureInfo.InvariantCulture, $"{digits[0]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}"),
            < 0 => "0." + new string('0', -exponent - 1) + digits,
            _ when digits.Length <= exponent + 1 => digits.PadRight(exponent + 1, '0') + ".0",
            _ => digits[..(exponent + 1)] + "." + digits[(exponent + 1)..],
        };
    }

    /// <summary>A string in quotes: single ones unless it holds only those.</summary>
    public static string Quoted(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var quoted = new StringBuilder().Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '\\' => @"\\",
                '\n' => @"\n",
                '\r' => @"\r",
                '\t' => @"\t",
                var value when value == quote => $"\\{quote}",
                var value when IsPrintable(rune) => rune.ToString(),
                <= 0xFF => $"\\x{rune.Value:x2}",
                <= 0xFFFF => $"\\u{rune.Value:x4}",
                _ => $"\\U{rune.Value:x8}",
            });
        }
        return quoted.Append(quote).ToString();
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>The lines of a text without their ends, at all that <c>str.splitlines</c> takes for one.</summary>
    public static List<string> Lines(string text, bool keepEnds = false)
    {
        var lines = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029'))
                continue;
            var end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                i++;
            lines.Add(text[start..(keepEnds ? i + 1 : end)]);
            start = i + 1;
        }
        if (start < text.Length)
            lines.Add(text[start..]);
        return lines;
    }

    /// <summary>Each run of letters with a capital first, the rest small, as <c>str.title</c> does.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var afterLetter = false;
        foreach (var character in text)
        {
            title.Append(afterLetter ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
            afterLetter = char.IsLetter(character);
        }
        return title.ToString();
    }

    public static string Capitalized(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();
}
