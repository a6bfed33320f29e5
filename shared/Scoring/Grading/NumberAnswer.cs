using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>The last number of a text: sign, thousands separators (commas, or blanks that do not break), decimals, fractions a/b, percent, scientific notation.</summary>
internal static partial class NumberAnswer
{
    /// <summary>Longer digit strings are no answer to anything, and slow to convert.</summary>
    private const int MostDigits = 400;

    public static string? Extract(string text)
    {
        var last = (Match?)null;
        for (var match = Number().Match(Graders.Tail(text)); match.Success; match = match.NextMatch())
        {
            last = match;
        }

        return last?.Length <= MostDigits ? last.Value : null;
    }

    public static string? First(string text) => Number().Match(Graders.Tail(text)) is { Success: true, Length: <= MostDigits } match ? match.Value : null;

    /// <summary>Whether two numbers are equal within a tolerance. 50 % is 0.5 or 50.</summary>
    public static bool AreEqual(string gold, string answer, NumberTolerance tolerance)
    {
        if (Extract(gold) is not { } accepted || Value(accepted) is not { } a || Value(answer) is not { } b)
        {
            return false;
        }

        var near = accepted.Contains('.', StringComparison.Ordinal) || answer.Contains('.', StringComparison.Ordinal);
        var (goldPercent, percent) = (accepted.EndsWith('%'), answer.EndsWith('%'));
        return Same(a, b)
            || (goldPercent && !percent && Same(Hundredth(a), b))
            || (percent && !goldPercent && Same(a, Hundredth(b)));

        bool Same(Rational x, Rational y) => tolerance.Admits(x, y, near);

        static Rational Hundredth(Rational value) => Rational.Divide(value, Rational.Of(100)) ?? value;
    }

    public static string Normalise(string number) =>
        Value(number) is { } value ? value.ToString() + (number.EndsWith('%') ? "%" : "") : number;

    /// <summary>The value of a number as <see cref="Extract"/> gives it, a percent sign left aside; null where it is none (1/0, 1e999999).</summary>
    private static Rational? Value(string number)
    {
        var match = Number().Match(number);
        if (!match.Success || match.Length > MostDigits)
        {
            return null;
        }

        var value = Rational.OfDecimal(Plain(match.Groups["whole"].Value));
        if (match.Groups["exponent"] is { Success: true } power)
        {
            var exponent = Rational.Of(BigInteger.Parse(power.Value, CultureInfo.InvariantCulture));
            if (Rational.Power(Rational.Of(10), exponent) is not { } scale || Rational.Multiply(value, scale) is not { } scaled)
            {
                return null;
            }

            value = scaled;
        }

        if (match.Groups["under"] is { Success: true } denominator)
        {
            if (Rational.Divide(value, Rational.OfDecimal(Plain(denominator.Value))) is not { } quotient)
            {
                return null;
            }

            value = quotient;
        }

        return match.Groups["sign"].Value is "-" or "−" ? value.Negated() : value;

        static string Plain(string digits) => string.Concat(digits.Where(c => c is '.' || char.IsAsciiDigit(c)));
    }

    // A minus is a sign only where it cannot be a subtraction or a hyphen: at the number, and not right after a digit, letter or bracket.
    [GeneratedRegex(
        @"(?:(?<![\w)\]}])(?<sign>[-−+]))?(?<![0-9.])\$?(?<whole>[0-9]{1,3}(?:(?:,|[\u00a0\u2009\u202f])[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE](?<exponent>[-+]?[0-9]{1,6})(?!\w))?(?:\s?/\s?(?<under>[0-9]+(?:\.[0-9]+)?))?(?<percent>\s?\\?%)?",
        RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
