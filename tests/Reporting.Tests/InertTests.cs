using System.Globalization;
using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Reporting.Tests;

public sealed class InertTests
{
    [Fact]
    public void A_line_shows_every_character_and_has_no_line_end() => Prop.ForAll(
        ArbMap.Default.ArbFor<string>(),
        text => Inert.Line(text ?? "").EnumerateRunes().All(rune => !IsHidden(rune))).QuickCheckThrowOnFailure();

    [Fact]
    public void Plain_text_stays_as_it_is()
    {
        const string Text = "Zażółć 漢字 🙂 x² ≤ 3\n\tthen שלום.";
        Assert.Equal(Text, Inert.Block(Text));
    }

    [Fact]
    public void Whatever_is_put_into_a_hole_is_read_back_as_text() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
    {
        var html = new HtmlText();
        html.Add($"<p title=\"{text ?? ""}\">");
        var inside = html.ToString()["<p title=\"".Length..^"\">".Length];
        return inside.IndexOfAny(['<', '>', '"', '\'']) < 0 && WebUtility.HtmlDecode(inside) == WebUtility.HtmlDecode(WebUtility.HtmlEncode(text ?? ""));
    }).QuickCheckThrowOnFailure();

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
