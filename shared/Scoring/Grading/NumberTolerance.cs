using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>How far a number may be from the gold number: at most the larger of an absolute and a relative bound, both checked without rounding.</summary>
public sealed record NumberTolerance
{
    private readonly Rational absolute, relative;

    private readonly bool onlyDecimals;

    private NumberTolerance(Rational absolute, Rational relative, bool onlyDecimals) =>
        (this.absolute, this.relative, this.onlyDecimals) = (absolute, relative, onlyDecimals);

    /// <summary>
    /// What holds where nothing is declared: numbers are equal exactly, but one written with a decimal point equals another within 10⁻⁶ of the
    /// larger, six digits, as they are usually given.
    /// </summary>
    public static NumberTolerance Digits { get; } = new(Rational.Of(0), Rational.Of(1, 1_000_000), onlyDecimals: true);

    /// <param name="absolute">The largest difference, at least 0.</param>
    /// <param name="relative">The largest difference as a share of the larger number, at least 0 and less than 1.</param>
    /// <exception cref="InvalidDataException">A bound is out of its range.</exception>
    public static NumberTolerance Of(decimal absolute, decimal relative)
    {
        if (absolute < 0 || relative is < 0 or >= 1)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"A number's tolerance is {absolute} absolute and {relative} relative: use at least 0 for the first, and from 0 to less than 1 for the second."));
        }

        return new(Exact(absolute), Exact(relative), onlyDecimals: false);
    }

    /// <param name="x">A number.</param>
    /// <param name="y">Another.</param>
    /// <param name="hasDecimal">Whether one of them was written with a decimal point.</param>
    internal bool Admits(Rational x, Rational y, bool hasDecimal) =>
        x == y || ((hasDecimal || !onlyDecimals) && (x.IsNear(y, relative) || x.IsWithin(y, absolute)));

    private static Rational Exact(decimal value) => Rational.OfDecimal(value.ToString(CultureInfo.InvariantCulture));
}
