using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>An exact fraction in lowest terms; the denominator is positive.</summary>
internal readonly record struct Rational
{
    /// <summary>Operations that would need more bits give null: answers are short, and "9^9^9^9" must not be computed.</summary>
    private const long MostBits = 20_000;

    private Rational(BigInteger numerator, BigInteger denominator)
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        Numerator = numerator / divisor;
        Denominator = denominator / divisor;
    }

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    public static Rational Of(BigInteger integer) => new(integer, 1);

    public bool IsInteger => Denominator.IsOne;

    /// <summary>Digits with at most one decimal point, no sign: "12", "0.5", ".5", "3.".</summary>
    public static Rational OfDecimal(string digits)
    {
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? 0 : digits.Length - point - 1;
        var all = digits.Replace(".", "", StringComparison.Ordinal);
        return new(BigInteger.Parse("0" + all, CultureInfo.InvariantCulture), BigInteger.Pow(10, places));
    }

    public static Rational? Add(Rational a, Rational b) =>
        Bounded(a, b) ? new Rational((a.Numerator * b.Denominator) + (b.Numerator * a.Denominator), a.Denominator * b.Denominator) : null;

    public static Rational? Multiply(Rational a, Rational b) =>
        Bounded(a, b) ? new Rational(a.Numerator * b.Numerator, a.Denominator * b.Denominator) : null;

    public static Rational? Divide(Rational a, Rational b) =>
        !b.Numerator.IsZero && Bounded(a, b) ? new Rational(a.Numerator * b.Denominator, a.Denominator * b.Numerator) : null;

    public static Rational? Power(Rational a, Rational exponent)
    {
        if (!exponent.IsInteger || BigInteger.Abs(exponent.Numerator) > MostBits)
        {
            return null;
        }

        var power = (int)exponent.Numerator;
        if (a.Bits * Math.Abs(power) > MostBits || (a.Numerator.IsZero && power <= 0))
        {
            return null;
        }

        return power >= 0
            ? new Rational(BigInteger.Pow(a.Numerator, power), BigInteger.Pow(a.Denominator, power))
            : new Rational(BigInteger.Pow(a.Denominator, -power), BigInteger.Pow(a.Numerator, -power));
    }

    public Rational Negated() => new(-Numerator, Denominator);

    /// <summary>Whether the two differ by at most <paramref name="relative"/> times the larger.</summary>
    public bool IsNear(Rational other, Rational relative)
    {
        var difference = BigInteger.Abs((Numerator * other.Denominator) - (other.Numerator * Denominator));
        var larger = BigInteger.Max(BigInteger.Abs(Numerator * other.Denominator), BigInteger.Abs(other.Numerator * Denominator));
        return difference * relative.Denominator <= larger * relative.Numerator;
    }

    /// <summary>The nearest double, also where numerator or denominator alone would overflow one.</summary>
    public double ToDouble()
    {
        var shift = (int)Math.Max(0, Bits - 1000);
        return (double)(Numerator >> shift) / (double)(Denominator >> shift);
    }

    [SuppressMessage("Globalization", "CA1305", Justification = "BigInteger prints plain digits in the invariant culture of the process.")]
    public override string ToString() => IsInteger ? Numerator.ToString() : $"{Numerator}/{Denominator}";

    private long Bits => Math.Max(Numerator.GetBitLength(), Denominator.GetBitLength());

    private static bool Bounded(Rational a, Rational b) => a.Bits + b.Bits <= MostBits;
}
