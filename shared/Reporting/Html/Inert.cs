using System.Globalization;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>Makes untrusted text readable for what it is: nothing invisible, nothing that reorders, nothing endless.</summary>
internal static class Inert
{
    /// <summary>The longest block, in characters of the text before it is made inert.</summary>
    public const int BlockLength = 5000;

    private const int NameLength = 160;

    /// <summary>Text of many lines: line feeds and tabs stay, the middle of a text longer than <paramref name="most"/> is left out and counted.</summary>
    public static string Block(string text, int most = BlockLength)
    {
        text = text.ReplaceLineEndings("\n");
        if (text.Length <= most)
        {
            return Visible(text, "\n\t");
        }
        var head = most / 5 * 4;
        var left = string.Create(CultureInfo.InvariantCulture, $"\n… {text.Length - most:N0} characters left out …\n");
        return Visible(text[..head], "\n\t") + left + Visible(text[^(most - head)..], "\n\t");
    }

    /// <summary>A name, a short value or a sentence: one line.</summary>
    public static string Line(string text, int most = NameLength) =>
        Visible(text.Length <= most ? text : string.Concat(text.AsSpan(0, most), "…"), "");

    // Controls, format characters (bidirectional overrides, zero-width), separators that break lines and private use are written out.
    private static string Visible(string text, string keep)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var hidden = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;
            if (!hidden || (rune.IsBmp && keep.Contains((char)rune.Value)))
            {
                shown.Append(rune);
            }
            else if (rune.Value < 0x20)
            {
                shown.Append((char)(0x2400 + rune.Value));
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"⟨U+{rune.Value:X4}⟩");
            }
        }
        return shown.ToString();
    }
}
