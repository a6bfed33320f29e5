using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>The value of a scalar expression: exact where it is rational, else in double precision at points chosen for its symbols.</summary>
internal static class MathValue
{
    /// <summary>Points at which expressions with symbols are compared: of both signs, so that √(x²) is not x.</summary>
    public const int Points = 6;

    public static Rational? Exact(MathNode node) => node switch
    {
        MathNode.Number number => number.Value,
        MathNode.Apply { Name: "neg" } apply => Exact(apply.First)?.Negated(),
        MathNode.Apply { Second: { } second } apply when Exact(apply.First) is { } a && Exact(second) is { } b => apply.Name switch
        {
            "+" => Rational.Add(a, b),
            "-" => Rational.Add(a, b.Negated()),
            "*" => Rational.Multiply(a, b),
            "/" => Rational.Divide(a, b),
            "^" => Rational.Power(a, b),
            _ => null,
        },
        _ => null,
    };

    /// <summary>Whether a number in it was written with a decimal point.</summary>
    public static bool HasDecimal(MathNode node) => node switch
    {
        MathNode.Number number => number.Decimal,
        MathNode.Apply apply => HasDecimal(apply.First) || (apply.Second is { } second && HasDecimal(second)),
        MathNode.Percent percent => HasDecimal(percent.Value),
        _ => false,
    };

    /// <summary>The value at one of the points; not finite where there is none.</summary>
    public static Complex At(MathNode node, int point) => node switch
    {
        MathNode.Number number => number.Value.ToDouble(),
        MathNode.Constant constant => constant.Value,
        MathNode.Symbol symbol => Coordinate(symbol.Name, point),
        MathNode.Apply apply => Applied(apply.Name, At(apply.First, point), apply.Second is { } second ? At(second, point) : null),
        MathNode.Percent percent => At(percent.Value, point) / 100,
        _ => double.NaN,
    };

    /// <summary>Whether two scalars are equal at every point where both are defined; needs two such points, of both signs where there are symbols.</summary>
    public static bool AreEqual(MathNode a, MathNode b)
    {
        var near = HasDecimal(a) || HasDecimal(b);
        if (Exact(a) is { } x && Exact(b) is { } y)
        {
            return x == y || (near && x.IsNear(y, NumberAnswer.DecimalTolerance));
        }

        var compared = 0;
        for (var point = 0; point < Points; point++)
        {
            var (u, v) = (At(a, point), At(b, point));
            if (!Complex.IsFinite(u) || !Complex.IsFinite(v))
            {
                continue;
            }

            if (Complex.Abs(u - v) > 1e-12 + ((near ? 1e-6 : 1e-9) * Math.Max(Complex.Abs(u), Complex.Abs(v))))
            {
                return false;
            }

            compared++;
        }

        return compared >= 2;
    }

    private static double Coordinate(string symbol, int point)
    {
        var size = 0.5 + (2 * RandomStream.For((ulong)point, symbol).NextDouble());
        return point % 2 == 0 ? size : -size;
    }

    private static Complex Applied(string name, Complex a, Complex? second) => name switch
    {
        "+" => a + second!.Value,
        "-" => a - second!.Value,
        "*" => a * second!.Value,
        "/" => second == Complex.Zero ? double.NaN : a / second!.Value,
        "^" => Power(a, second!.Value),
        "root" => Power(a, 1 / second!.Value),
        "neg" => -a,
        "abs" => Complex.Abs(a),
        "!" => Factorial(a),
        "binom" => Factorial(a) / Factorial(second!.Value) / Factorial(a - second.Value),
        "sin" => Complex.Sin(a),
        "cos" => Complex.Cos(a),
        "tan" => Complex.Tan(a),
        "cot" => 1 / Complex.Tan(a),
        "sec" => 1 / Complex.Cos(a),
        "csc" => 1 / Complex.Sin(a),
        "sinh" => Complex.Sinh(a),
        "cosh" => Complex.Cosh(a),
        "tanh" => Complex.Tanh(a),
        "arcsin" => Complex.Asin(a),
        "arccos" => Complex.Acos(a),
        "arctan" => Complex.Atan(a),
        "exp" => Complex.Exp(a),
        "ln" => Complex.Log(a),
        "log" => second is { } b ? Complex.Log(a) / Complex.Log(b) : Complex.Log10(a),
        _ => double.NaN,
    };

    private static Complex Power(Complex a, Complex exponent)
    {
        // Whole powers by multiplication: Complex.Pow is a few digits short for them.
        if (exponent.Imaginary == 0 && exponent.Real == Math.Round(exponent.Real) && Math.Abs(exponent.Real) <= 64)
        {
            var power = Complex.One;
            for (var i = 0; i < Math.Abs(exponent.Real); i++)
            {
                power *= a;
            }

            return exponent.Real < 0 ? 1 / power : power;
        }

        return exponent == 0.5 ? Complex.Sqrt(a) : Complex.Pow(a, exponent);
    }

    private static Complex Factorial(Complex a)
    {
        if (a.Imaginary != 0 || a.Real < 0 || a.Real > 170 || a.Real != Math.Round(a.Real))
        {
            return double.NaN;
        }

        var product = 1.0;
        for (var i = 2; i <= a.Real; i++)
        {
            product *= i;
        }

        return product;
    }
}
