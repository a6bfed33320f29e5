using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// The value of a scalar expression at points chosen for its symbols: exact where it is rational, else in double precision. Two expressions
/// that agree there are equal, but for a chance that is negligible (Schwartz and Zippel's lemma).
/// </summary>
internal static class MathValue
{
    /// <summary>Points at which expressions with symbols are compared: of both signs, so that √(x²) is not x, and small and large.</summary>
    public const int Points = 8;

    /// <summary>The first points, at which rational functions are compared without rounding.</summary>
    public const int ExactPoints = 3;

    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
        9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The exact value; null where there is none, or none that is rational, or it is too long to compute.</summary>
    public static Rational? Exact(MathNode node, int point = 0) => node switch
    {
        MathNode.Number number => number.Value,
        MathNode.Symbol symbol => Coordinate(symbol.Name, point),
        MathNode.Percent percent => Exact(percent.Value, point) is { } share ? Rational.Divide(share, Rational.Of(100)) : null,
        MathNode.Apply { Second: null } apply => Exact(apply.First, point) is { } a ? Exact(apply.Name, a) : null,
        MathNode.Apply apply when Exact(apply.First, point) is { } a && Exact(apply.Second, point) is { } b => Exact(apply.Name, a, b),
        _ => null,
    };

    private static Rational? Exact(string name, Rational a) => name switch
    {
        "neg" => a.Negated(),
        "abs" => a.Numerator.Sign < 0 ? a.Negated() : a,
        "floor" => a.Floor(),
        "ceil" => a.Negated().Floor().Negated(),
        "!" => Rational.Factorial(a),
        _ => null,
    };

    private static Rational? Exact(string name, Rational a, Rational b) => name switch
    {
        "+" => Rational.Add(a, b),
        "-" => Rational.Add(a, b.Negated()),
        "*" => Rational.Multiply(a, b),
        "/" => Rational.Divide(a, b),
        "^" => Rational.Power(a, b),
        "max" => Rational.Add(a, b.Negated()) is { } more ? more.Numerator.Sign > 0 ? a : b : null,
        "min" => Rational.Add(a, b.Negated()) is { } less ? less.Numerator.Sign < 0 ? a : b : null,
        "gcd" when a.IsInteger && b.IsInteger => Rational.Of(BigInteger.GreatestCommonDivisor(a.Numerator, b.Numerator)),
        "lcm" when a.IsInteger && b.IsInteger && !a.Numerator.IsZero && !b.Numerator.IsZero =>
            Rational.Divide(Rational.Of(BigInteger.Abs(a.Numerator * b.Numerator)), Rational.Of(BigInteger.GreatestCommonDivisor(a.Numerator, b.Numerator))),
        "binom" when a.IsInteger && b.IsInteger => Rational.Binomial(a, b),
        _ => null,
    };

    /// <summary>The value at one of the points; not finite where there is none.</summary>
    /// <param name="node">A scalar expression.</param>
    /// <param name="point">From 0 to <see cref="Points"/> - 1.</param>
    /// <param name="real">Whether roots and logarithms of negative numbers have no value; they are complex otherwise.</param>
    public static Complex At(MathNode node, int point, bool real) => node switch
    {
        MathNode.Number number => number.Value.ToDouble(),
        MathNode.Constant constant => constant.Value,
        MathNode.Symbol symbol => Coordinate(symbol.Name, point).ToDouble(),
        MathNode.Percent percent => At(percent.Value, point, real) / 100,
        MathNode.Degrees degrees => At(degrees.Value, point, real) * (Math.PI / 180),
        MathNode.Apply { Second: null } apply => Applied(apply.Name, At(apply.First, point, real), real),
        MathNode.Apply { Name: "^" } apply => Power(At(apply.First, point, real), apply.Second!, point, real),
        MathNode.Apply { Name: "root" } apply => Root(At(apply.First, point, real), apply.Second!, point, real),
        MathNode.Apply apply => Applied(apply.Name, At(apply.First, point, real), At(apply.Second!, point, real), real),
        _ => double.NaN,
    };

    /// <summary>A symbol's coordinate: a fraction that depends on its name alone, so that equal names have equal values everywhere.</summary>
    private static Rational Coordinate(string symbol, int point)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in symbol)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        hash = (hash ^ ((ulong)point + 1)) * 0x9E3779B97F4A7C15UL;
        var (low, high, under) = (point / 2) switch { 0 => (53, 250, 101), 1 => (10, 96, 97), 2 => (250, 700, 103), _ => (20, 260, 107) };
        var over = low + (int)((hash >> 40) % (ulong)(high - low));
        return Rational.Of(point % 2 == 0 ? over : -over, under);
    }

    private static Complex Applied(string name, Complex a, bool real)
    {
        if (real && a is { Imaginary: 0, Real: < 0 } && name is "ln" or "log")
        {
            return double.NaN;
        }

        return name switch
        {
            "neg" => -a,
            "abs" => Complex.Abs(a),
            "floor" => a.Imaginary == 0 ? Math.Floor(a.Real) : double.NaN,
            "ceil" => a.Imaginary == 0 ? Math.Ceiling(a.Real) : double.NaN,
            "!" => Factorial(a),
            "sin" => Complex.Sin(a),
            "cos" => Complex.Cos(a),
            "tan" => Complex.Tan(a),
            "cot" => Complex.Cos(a) / Complex.Sin(a),
            "sec" => 1 / Complex.Cos(a),
            "csc" => 1 / Complex.Sin(a),
            "sinh" => Complex.Sinh(a),
            "cosh" => Complex.Cosh(a),
            "tanh" => Complex.Tanh(a),
            "coth" => 1 / Complex.Tanh(a),
            "arcsin" => real && Math.Abs(a.Real) > 1 ? double.NaN : Complex.Asin(a),
            "arccos" => real && Math.Abs(a.Real) > 1 ? double.NaN : Complex.Acos(a),
            "arctan" => Complex.Atan(a),
            "arccot" => (Math.PI / 2) - Complex.Atan(a),
            "arcsec" => Complex.Acos(1 / a),
            "arccsc" => Complex.Asin(1 / a),
            "exp" => Complex.Exp(a),
            "ln" => Complex.Log(a),
            "log" => Complex.Log10(a),
            _ => double.NaN,
        };
    }

    private static Complex Applied(string name, Complex a, Complex b, bool real) => name switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => b == Complex.Zero ? double.NaN : a / b,
        "max" => a.Imaginary == 0 && b.Imaginary == 0 ? Math.Max(a.Real, b.Real) : double.NaN,
        "min" => a.Imaginary == 0 && b.Imaginary == 0 ? Math.Min(a.Real, b.Real) : double.NaN,
        "binom" => Factorial(a) / Factorial(b) / Factorial(a - b),
        "log" => real && a is { Imaginary: 0, Real: < 0 } ? double.NaN : Complex.Log(a) / Complex.Log(b),
        _ => double.NaN,
    };

    private static Complex Power(Complex a, MathNode exponent, int point, bool real)
    {
        if (!exponent.Has(part => part is MathNode.Symbol) && Exact(exponent) is { } share && share.Denominator < 1000)
        {
            var b = share.ToDouble();
            if (share.IsInteger)
            {
                return Whole(a, b);
            }

            if (a is { Imaginary: 0, Real: < 0 } && !share.Denominator.IsEven)
            {
                // x^(2/3) is the square of the real cube root, as ∛x is real.
                return Math.Pow(-a.Real, b) * (share.Numerator.IsEven ? 1 : -1);
            }

            return b == 0.5 ? SquareRoot(a, real) : real && a is { Imaginary: 0, Real: < 0 } ? double.NaN : Complex.Pow(a, b);
        }

        var power = At(exponent, point, real);
        return real && a is { Imaginary: 0, Real: < 0 } && power != Math.Round(power.Real) ? double.NaN : Complex.Pow(a, power);
    }

    private static Complex Root(Complex a, MathNode index, int point, bool real)
    {
        if (index is MathNode.Number { Value: { IsInteger: true } degree } && degree.Numerator < 1000)
        {
            if (degree.Numerator == 2)
            {
                return SquareRoot(a, real);
            }

            if (a.Imaginary == 0 && !degree.Numerator.IsEven)
            {
                return degree.Numerator == 3 ? Math.Cbrt(a.Real) : Math.CopySign(Math.Pow(Math.Abs(a.Real), 1 / degree.ToDouble()), a.Real);
            }
        }

        return real && a is { Imaginary: 0, Real: < 0 } ? double.NaN : Complex.Pow(a, 1 / At(index, point, real));
    }

    private static Complex SquareRoot(Complex a, bool real) =>
        a.Imaginary != 0 ? Complex.Sqrt(a) : a.Real >= 0 ? Math.Sqrt(a.Real) : real ? double.NaN : new Complex(0, Math.Sqrt(-a.Real));

    /// <summary>Whole powers by multiplication: Complex.Pow is a few digits short for them.</summary>
    private static Complex Whole(Complex a, double exponent)
    {
        if (a.Imaginary == 0)
        {
            return Math.Pow(a.Real, exponent);
        }

        if (Math.Abs(exponent) > 64)
        {
            return Complex.Pow(a, exponent);
        }

        var power = Complex.One;
        for (var i = 0; i < Math.Abs(exponent); i++)
        {
            power *= a;
        }

        return exponent < 0 ? 1 / power : power;
    }

    /// <summary>Γ(a + 1), by Lanczos' approximation (g = 7, nine terms; relative error about 1e-15) and, below 1/2, Euler's reflection.</summary>
    private static Complex Factorial(Complex a)
    {
        if (a.Imaginary != 0 || Math.Abs(a.Real) > 170 || (a.Real < 0 && a.Real == Math.Round(a.Real)))
        {
            return double.NaN;
        }

        return Gamma(a.Real + 1);

        static double Gamma(double x)
        {
            if (x < 0.5)
            {
                return Math.PI / (Math.Sin(Math.PI * x) * Gamma(1 - x));
            }

            x--;
            var sum = Lanczos[0];
            for (var i = 1; i < Lanczos.Length; i++)
            {
                sum += Lanczos[i] / (x + i);
            }

            var t = x + 7.5;
            return Math.Sqrt(2 * Math.PI) * Math.Pow(t, x + 0.5) * Math.Exp(-t) * sum;
        }
    }
}
