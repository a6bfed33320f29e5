using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>Numerals: decimals with a repeating part, scientific notation, mixed numbers, other bases.</summary>
internal sealed partial class MathParser
{
    private const int MostExponent = 3000;

    private MathNode? Number()
    {
        var start = position;
        while (position < text.Length && (char.IsAsciiDigit(text[position]) || (text[position] == '.' && !text.AsSpan(start, position - start).Contains('.'))))
        {
            position++;
        }

        var digits = text[start..position];
        if (digits == ".")
        {
            return null;
        }

        if (Subscript() is not { } numberBase)
        {
            return null;
        }

        if (numberBase.Length > 0 && numberBase != "_10")
        {
            // A numeral in another base is compared as it is written.
            return new MathNode.Symbol(digits + numberBase);
        }

        var point = digits.IndexOf('.', StringComparison.Ordinal);
        if (point < 0)
        {
            var whole = Rational.OfDecimal(digits);
            return Mixed(whole) is { } mixed ? mixed : Scientific(whole, isDecimal: false) ?? new MathNode.Number(whole);
        }

        if (Repeating(digits, point) is { } repeating)
        {
            return new MathNode.Number(repeating);
        }

        var value = Rational.OfDecimal(digits);
        return Scientific(value, isDecimal: true) ?? new MathNode.Number(value, Decimal: true);
    }

    /// <summary>1\frac{4}{5} and 1 4/5 are mixed numbers, 2\frac{x}{5} a product.</summary>
    private MathNode.Apply? Mixed(Rational whole)
    {
        if (Part().Match(text, position) is not { Success: true } part)
        {
            return null;
        }

        position += part.Length;
        var (over, under) = (Rational.OfDecimal(part.Groups["over"].Value), Rational.OfDecimal(part.Groups["under"].Value));
        return new MathNode.Apply("+", new MathNode.Number(whole), new MathNode.Apply("/", new MathNode.Number(over), new MathNode.Number(under)));
    }

    [GeneratedRegex(@"\G(?:\s*\\frac\s*(?:\{\s*(?<over>[0-9]+)\s*\}|(?<over>[0-9]))\s*(?:\{\s*(?<under>[0-9]+)\s*\}|(?<under>[0-9]))|(?:\s+|(?<=\s))(?<over>[0-9]+)\s*/\s*(?<under>[0-9]+))", RegexOptions.CultureInvariant)]
    private static partial Regex Part();

    /// <summary>1.5e3, 2E-4, 4e3. "2e" and "2e-1" are products with e, unless written with a decimal point or a capital.</summary>
    private MathNode.Number? Scientific(Rational value, bool isDecimal)
    {
        var at = position;
        if (at >= text.Length || text[at] is not ('e' or 'E'))
        {
            return null;
        }

        var capital = text[at++] == 'E';
        var unsigned = at < text.Length && char.IsAsciiDigit(text[at]);
        var negative = at < text.Length && text[at] == '-';
        if (at < text.Length && text[at] is '+' or '-')
        {
            at++;
        }

        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        var plain = isDecimal || capital || unsigned || value.IsOne || (at > start && text[start] == '0');
        if (at == start || !plain || (at < text.Length && char.IsAsciiLetter(text[at]))
            || !int.TryParse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture, out var exponent) || exponent > MostExponent)
        {
            return null;
        }

        position = at;
        var scale = Rational.Of(BigInteger.Pow(10, exponent));
        return (negative ? Rational.Divide(value, scale) : Rational.Multiply(value, scale)) is { } scaled ? new(scaled, isDecimal) : null;
    }

    /// <summary>0.1\overline{6}, 0.\dot{3}, 0.333…, 0.142857142857…: what repeats, or is shown to repeat before an ellipsis.</summary>
    private Rational? Repeating(string digits, int point)
    {
        var mark = position;
        var fixedDigits = digits[(point + 1)..];
        string? period = null;
        if (TakeCommand("overline") || TakeCommand("dot"))
        {
            var braced = Take('{');
            var start = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]) && (braced || position == start))
            {
                position++;
            }

            period = text[start..position];
            if (period.Length == 0 || (braced && !Take('}')))
            {
                position = mark;
                return null;
            }
        }
        else if (Take('…'))
        {
            for (var length = 1; period is null && length <= fixedDigits.Length / 2; length++)
            {
                var shown = length == 1 ? 3 : 2;
                if (fixedDigits.Length >= shown * length && Enumerable.Range(1, (shown - 1) * length).All(i => fixedDigits[^i] == fixedDigits[^(i + length)]))
                {
                    period = fixedDigits[^length..];
                }
            }
        }

        if (period is null)
        {
            return null;
        }

        // 0.ab(cd) = (abcd - ab) / 9900.
        var whole = digits[..point] + fixedDigits;
        var all = BigInteger.Parse("0" + whole + period, CultureInfo.InvariantCulture) - BigInteger.Parse("0" + whole, CultureInfo.InvariantCulture);
        var divisor = (BigInteger.Pow(10, period.Length) - 1) * BigInteger.Pow(10, fixedDigits.Length);
        return Rational.Divide(Rational.Of(all), Rational.Of(divisor));
    }
}
