using System.Globalization;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>Makes untrusted text readable for what it is: nothing invisible, nothing that reorders, nothing endless.</summary>
internal static class Inert
{
    private const int Head = 4000;
    private const int Tail = 1000;
    private const int NameLength = 160;

    /// <summary>Text of many lines: line feeds and tabs stay, the middle of a very long text is left out and counted.</summary>
    public static string Block(string text)
    {
        text = text.ReplaceLineEndings("\n");
        if (text.Length <= Head + Tail)
        {
            return Visible(text, "\n\t");
        }
        var left = string.Create(CultureInfo.InvariantCulture, $"\n… {text.Length - Head - Tail:N0} characters left out …\n");
        return Visible(text[..Head], "\n\t") + left + Visible(text[^Tail..], "\n\t");
    }

    /// <summary>A name or a short value: one line.</summary>
    public static string Line(string text) =>
        Visible(text.Length <= NameLength ? text : string.Concat(text.AsSpan(0, NameLength), "…"), "");

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
