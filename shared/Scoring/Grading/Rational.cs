using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>An exact fraction in lowest terms; the denominator is positive.</summary>
internal readonly record struct Rational : IComparable<Rational>
{
    /// <summary>Operations that would need more bits give null: answers are short, and "9^9^9^9" must not be computed.</summary>
    private const long MostBits = 20_000;

    /// <summary>2005! has 19 089 bits.</summary>
    private const int MostFactorial = 2_005;

    private Rational(BigInteger numerator, BigInteger denominator)
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        Numerator = numerator / divisor;
        Denominator = denominator / divisor;
    }

    private Rational(BigInteger integer)
    {
        Numerator = integer;
        Denominator = BigInteger.One;
    }

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    public static Rational Of(BigInteger integer) => new(integer);

    public static Rational Of(int numerator, int denominator) => new(numerator, denominator);

    public bool IsInteger => Denominator.IsOne;

    public bool IsOne => Denominator.IsOne && Numerator.IsOne;

    /// <summary>Digits with at most one decimal point, no sign: "12", "0.5", ".5", "3.".</summary>
    public static Rational OfDecimal(string digits)
    {
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? 0 : digits.Length - point - 1;
        if (point < 0)
        {
            return Of(digits.Length < 19 ? long.Parse(digits, CultureInfo.InvariantCulture) : BigInteger.Parse(digits, CultureInfo.InvariantCulture));
        }

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

    public static Rational? Factorial(Rational a)
    {
        if (!a.IsInteger || a.Numerator.Sign < 0 || a.Numerator > MostFactorial)
        {
            return null;
        }

        var product = BigInteger.One;
        for (var i = 2; i <= (int)a.Numerator; i++)
        {
            product *= i;
        }

        return Of(product);
    }

    /// <summary>n (n - 1) … (n - k + 1) / k! for whole n ≥ 0.</summary>
    public static Rational? Binomial(Rational n, Rational k)
    {
        if (n.Numerator.Sign < 0 || n.Numerator > MostBits)
        {
            return null;
        }

        if (k.Numerator.Sign < 0 || k.Numerator > n.Numerator)
        {
            return Of(0);
        }

        var (all, few) = ((int)n.Numerator, (int)BigInteger.Min(k.Numerator, n.Numerator - k.Numerator));
        var value = BigInteger.One;
        for (var i = 1; i <= few; i++)
        {
            value = value * (all - few + i) / i;
            if (value.GetBitLength() > MostBits)
            {
                return null;
            }
        }

        return Of(value);
    }

    public Rational Negated() => IsInteger ? Of(-Numerator) : new(-Numerator, Denominator);

    /// <summary>The largest integer that is not larger.</summary>
    public Rational Floor() => Of(BigInteger.Divide(Numerator - (Numerator.Sign < 0 ? Denominator - 1 : 0), Denominator));

    /// <summary>Whether the two differ by at most <paramref name="relative"/> times the larger of them.</summary>
    public bool IsNear(Rational other, Rational relative) =>
        Difference(other) * relative.Denominator <= BigInteger.Max(BigInteger.Abs(Numerator * other.Denominator), BigInteger.Abs(other.Numerator * Denominator)) * relative.Numerator;

    /// <summary>Whether the two differ by at most <paramref name="absolute"/>.</summary>
    public bool IsWithin(Rational other, Rational absolute) => Difference(other) * absolute.Denominator <= Denominator * other.Denominator * absolute.Numerator;

    private BigInteger Difference(Rational other) => BigInteger.Abs((Numerator * other.Denominator) - (other.Numerator * Denominator));

    public int CompareTo(Rational other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

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
