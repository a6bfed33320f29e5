using System.Globalization;
using System.Runtime.CompilerServices;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What a piece of a sentence is, and so how it is written out.</summary>
internal enum PieceKind
{
    /// <summary>Our own words and numbers.</summary>
    Own,

    /// <summary>An interval: our own, printed more quietly than the number it belongs to.</summary>
    Range,

    /// <summary>Untrusted text of one line.</summary>
    Foreign,
}

internal readonly record struct Piece(PieceKind Kind, string Text);

/// <summary>
/// A sentence as an interpolated string keeps it: only what stands literally in our source is taken for our own words,
/// every string put into a hole is untrusted. So no sink can forget to escape.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Prose
{
    private readonly List<Piece> pieces;

    public Prose(int literalLength, int formattedCount) => pieces = new List<Piece>(2 * formattedCount + Math.Sign(literalLength));

    public IReadOnlyList<Piece> Pieces => pieces;

    /// <summary>The sentence as plain text, what is untrusted in it made inert.</summary>
    public string Inert => string.Concat(pieces.Select(piece => piece.Kind == PieceKind.Foreign ? Reporting.Inert.Line(piece.Text) : piece.Text));

    public void AppendLiteral(string words) => pieces.Add(new(PieceKind.Own, words));

    public void AppendFormatted(string untrusted) => pieces.Add(new(PieceKind.Foreign, untrusted));

    public void AppendFormatted(Prose prose) => pieces.AddRange(prose.pieces);

    public void AppendFormatted(long number) => AppendLiteral(number.ToString("N0", CultureInfo.InvariantCulture));

    /// <summary>A share with its interval, in percent.</summary>
    public void AppendFormatted(Estimate share)
    {
        AppendFormatted(Number.Percent(share.Value));
        pieces.Add(new(PieceKind.Range, $" ({Number.Tenths(100 * share.Low)}–{Number.Tenths(100 * share.High)})"));
    }

    /// <summary>An interval, already formatted by us.</summary>
    public static Prose Ranged(string interval)
    {
        var prose = new Prose(0, 0);
        prose.pieces.Add(new(PieceKind.Range, interval));
        return prose;
    }

    public static Prose Join(string separator, IEnumerable<Prose> parts)
    {
        var all = new Prose(0, 0);
        foreach (var part in parts)
        {
            if (all.pieces.Count > 0)
            {
                all.AppendLiteral(separator);
            }
            all.AppendFormatted(part);
        }
        return all;
    }
}

/// <summary>Numbers as people read them.</summary>
internal static class Number
{
    private const string NoBreakSpace = "\u00a0";
    private const string Minus = "\u2212";

    /// <summary>One decimal, without a negative zero.</summary>
    public static string Tenths(double value)
    {
        var rounded = Math.Round(value, 1, MidpointRounding.AwayFromZero);
        return (rounded < 0 ? Minus : "") + Math.Abs(rounded).ToString("F1", CultureInfo.InvariantCulture);
    }

    public static Prose Percent(double share) => Own(Tenths(100 * share) + NoBreakSpace + "%");

    public static Prose Percent(double? share) => share is { } value ? Percent(value) : $"–";

    public static Prose Decimal(double value) => Own(Plain(value));

    /// <summary>An amount of money: hundredths at least, and as many as four decimals for small amounts.</summary>
    public static Prose Money(double amount) => Own(amount.ToString("#,0.00##", CultureInfo.InvariantCulture));

    public static Prose Fixed(double value) => Own(Tenths(value));

    public static Prose Or(Estimate? share) => share is null ? (Prose)$"–" : $"{share}";

    /// <summary>A difference of shares with its interval, in percentage points.</summary>
    public static Prose Points(Estimate difference)
    {
        var prose = Own(Signed(difference.Value) + NoBreakSpace + "points");
        return $"{prose}{Prose.Ranged($" ({Signed(difference.Low)} to {Signed(difference.High)})")}";
    }

    public static Prose Count(int number, string singular, string plural) => Own(
        string.Create(CultureInfo.InvariantCulture, $"{number:N0}{NoBreakSpace}{(number == 1 ? singular : plural)}"));

    public static string Plain(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Signed(double share) => (Math.Round(100 * share, 1, MidpointRounding.AwayFromZero) > 0 ? "+" : "") + Tenths(100 * share);

    private static Prose Own(string text)
    {
        var prose = new Prose(1, 0);
        prose.AppendLiteral(text);
        return prose;
    }
}
