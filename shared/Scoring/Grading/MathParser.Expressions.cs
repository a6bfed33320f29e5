using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>Sums, products, powers, and what they are made of.</summary>
internal sealed partial class MathParser
{
    private static readonly string[] Functions =
    [
        "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "sinh", "cosh", "tanh", "coth", "sin", "cos", "tan", "cot", "sec", "csc",
        "log", "ln", "lg", "exp", "sqrt", "max", "min", "gcd", "lcm", "det",
    ];

    /// <summary>Names of letters; those that could hardly be products are also read without a backslash.</summary>
    private static readonly HashSet<string> Greek = new(
        [
            "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma",
            "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega", "ell", "hbar", "infty",
        ],
        StringComparer.Ordinal);

    private static readonly string[] Spelled = ["alpha", "beta", "gamma", "delta", "theta", "lambda", "sigma", "omega", "infty"];

    private static readonly MathNode Two = new MathNode.Number(Rational.Of(2)), Zero = new MathNode.Number(Rational.Of(0));

    private static readonly MathNode Pi = new MathNode.Constant("π", Math.PI), Euler = new MathNode.Constant("e", Math.E), Imaginary = new MathNode.Constant("i", Complex.ImaginaryOne);

    private MathNode? Sum()
    {
        MathNode? sum;
        if (Take('-'))
        {
            sum = Product() is { } negated ? new MathNode.Apply("neg", negated) : null;
        }
        else if (Peek() is ('±' or '∓') and var sign)
        {
            position++;
            sum = Product() is { } either ? new MathNode.Apply(sign.ToString(), Zero, either) : null;
        }
        else
        {
            Take('+');
            sum = Product();
        }

        while (sum is not null && Peek() is '+' or '-' or '±' or '∓')
        {
            var name = text[position++] switch { '+' => "+", '-' => "-", '±' => "±", _ => "∓" };
            sum = Product() is { } next ? new MathNode.Apply(name, sum!, next) : null;
        }

        return sum;
    }

    private MathNode? Product()
    {
        var product = Signed();
        while (product is not null)
        {
            if (Take('*'))
            {
                product = Signed() is { } next ? new MathNode.Apply("*", product, next) : null;
            }
            else if (Take('/'))
            {
                product = Signed() is { } next ? new MathNode.Apply("/", product, next) : null;
            }
            else if (Take('%'))
            {
                product = new MathNode.Percent(product);
            }
            else if (StartsFactor() && !(char.IsAsciiDigit(text[position]) && char.IsAsciiDigit(text[LastMark()])))
            {
                product = Power() is { } next ? Juxtaposed(product, next) : null;
            }
            else
            {
                break;
            }
        }

        return product;
    }

    /// <summary>A(1, 2) is the point (1, 2), anything else a product.</summary>
    private static MathNode Juxtaposed(MathNode left, MathNode right) =>
        left is MathNode.Symbol { Name: [>= 'A' and <= 'Z', ..] } && right is MathNode.Sequence { Brackets: "()" } point ? point : new MathNode.Apply("*", left, right);

    /// <summary>Where the last character before the current one is that is no blank: digits apart, as in "1 2", are no product.</summary>
    private int LastMark()
    {
        var last = position - 1;
        while (last > 0 && char.IsWhiteSpace(text[last]))
        {
            last--;
        }

        return Math.Max(last, 0);
    }

    private MathNode? Signed()
    {
        using var level = new Level(this);
        return level.TooDeep ? null
            : Take('-') ? Signed() is { } negated ? new MathNode.Apply("neg", negated) : null
            : Take('+') ? Signed()
            : Power();
    }

    private MathNode? Power()
    {
        var value = Factor();
        while (value is not null)
        {
            if (Peek() == '!' && !(position + 1 < text.Length && text[position + 1] == '='))
            {
                position++;
                value = new MathNode.Apply("!", value);
            }
            else if (Take('°'))
            {
                value = new MathNode.Degrees(value);
            }
            else if (Take('^'))
            {
                using var level = new Level(this);

                // A bare exponent is one factor; "2^3^4" is 2^(3^4).
                value = !level.TooDeep && (Peek() == '-' ? Signed() : Peek() == '{' ? Braced() : Power()) is { } exponent
                    ? new MathNode.Apply("^", value, exponent)
                    : null;
            }
            else
            {
                break;
            }
        }

        return value;
    }

    private bool StartsFactor() => Peek() is var next
        && (char.IsAsciiLetterOrDigit(next) || next is '(' or '{' or '.' or '⦃' or '⌊' or '⌈' or '…' or 'ℝ' || (next == '|' && openBars == 0)
            || (next == '\\' && !StartsCommand("end") && !StartsCommand("over") && !StartsCommand("choose")
                && !StartsCommand("pmod") && !StartsCommand("bmod") && !StartsCommand("mod")));

    private MathNode? Factor()
    {
        var next = Peek();
        switch (next)
        {
            case (>= '0' and <= '9') or '.':
                return Number();
            case '(' or '[' or '⦃' or ']':
                return Bracketed();
            case '{':
                return Braced() is { } braced ? braced is MathNode.Sequence { Brackets: "" } several ? several with { Brackets = "{}" } : braced : null;
            case '|':
                return Between('|', "abs");
            case '⌊':
                return Between('⌋', "floor");
            case '⌈':
                return Between('⌉', "ceil");
            case '\\':
                return Command();
            case 'ℝ':
                position++;
                return MathNode.Reals;
            case '…':
                position++;
                return new MathNode.Symbol("…");
        }

        return char.IsAsciiLetter(next) ? Word() : null;
    }

    private MathNode? Between(char close, string function)
    {
        position++;
        var bars = openBars;
        openBars = close == '|' ? bars + 1 : 0;
        var inside = Sum();
        openBars = bars;
        return inside is not null && Take(close) ? new MathNode.Apply(function, inside) : null;
    }

    /// <summary>A function's name, a constant, or a letter: sin, pi, x.</summary>
    private MathNode? Word()
    {
        foreach (var function in Functions)
        {
            if (StartsWith(function))
            {
                position += function.Length;
                return function == "sqrt" ? Root() : Function(function);
            }
        }

        if (StartsWith("pi"))
        {
            position += 2;
            return Pi;
        }

        foreach (var letter in Spelled)
        {
            if (StartsWith(letter))
            {
                position += letter.Length;
                return new MathNode.Symbol(letter + Subscript());
            }
        }

        return Letter(text[position++]);
    }

    private MathNode? Letter(char letter)
    {
        if (Subscript() is not { } subscript)
        {
            return null;
        }

        var name = letter + subscript + Primes();
        return name switch { "i" => Imaginary, "e" => Euler, _ => new MathNode.Symbol(name) };
    }

    /// <summary>f', f'' and f^' as one name.</summary>
    private string Primes()
    {
        if (position + 1 < text.Length && text[position] == '^' && text[position + 1] == '\'')
        {
            position++;
        }

        var start = position;
        while (position < text.Length && text[position] == '\'')
        {
            position++;
        }

        return text[start..position];
    }

    /// <returns>Empty where there is none, null where it cannot be read.</returns>
    private string? Subscript()
    {
        if (!Take('_'))
        {
            return "";
        }

        if (!Take('{'))
        {
            return Peek() == '\0' ? null : "_" + text[position++];
        }

        var close = text.IndexOf('}', position);
        if (close < 0)
        {
            return null;
        }

        var name = text[position..close].Trim();
        position = close + 1;
        return "_" + name;
    }

    private MathNode? Braced()
    {
        if (!Take('{') || Groups() is not { } inside)
        {
            return null;
        }

        // {a \over b} and {n \choose k}.
        var quotient = TakeCommand("over");
        if (quotient || TakeCommand("choose"))
        {
            return Groups() is { } under && Take('}') ? new MathNode.Apply(quotient ? "/" : "binom", inside, under) : null;
        }

        return Take('}') ? inside : null;
    }

    /// <summary>An argument of \frac and the like: {…}, or a single digit, letter or command.</summary>
    private MathNode? Argument()
    {
        var next = Peek();
        if (next == '{')
        {
            return Braced();
        }

        if (char.IsAsciiDigit(next))
        {
            return new MathNode.Number(Rational.Of(text[position++] - '0'));
        }

        return next == '\\' || next == '(' ? Factor() : char.IsAsciiLetter(next) ? Letter(text[position++]) : null;
    }

    private MathNode.Apply? Fraction() => Argument() is { } over && Argument() is { } under ? new MathNode.Apply("/", over, under) : null;

    private MathNode.Apply? Root()
    {
        var index = Take('[') ? Sum() is { } written && Take(']') ? written : null : Two;

        // \sqrt30 means √30 outside TeX's own rules, and is written so.
        return index is not null && (char.IsAsciiDigit(Peek()) ? Number() : Argument()) is { } radicand ? new MathNode.Apply("root", radicand, index) : null;
    }

    /// <summary>A function with its argument: in brackets, or the factors up to the next operator or function (sin 2x cos y).</summary>
    private MathNode? Function(string name)
    {
        using var level = new Level(this);
        MathNode? power = null, logBase = null;
        if (level.TooDeep || (name == "log" && Take('_') && (logBase = Argument()) is null) || (Take('^') && (power = Peek() == '-' ? Signed() : Argument()) is null))
        {
            return null;
        }

        MathNode? argument;
        if (Peek() is '(' or '{' or '[' or '⦃')
        {
            argument = Power();
        }
        else
        {
            argument = Signed();
            while (argument is not null && StartsFactor() && !StartsFunction())
            {
                argument = Power() is { } next ? new MathNode.Apply("*", argument, next) : null;
            }

            if (argument is not null && Take('/'))
            {
                // "sin pi/6"
                argument = Signed() is { } under ? new MathNode.Apply("/", argument, under) : null;
            }
        }

        if (argument is null)
        {
            return null;
        }

        if (name is "max" or "min" or "gcd" or "lcm")
        {
            return argument is MathNode.Sequence { Items: { Count: > 0 } items } ? items.Aggregate((a, b) => new MathNode.Apply(name, a, b)) : null;
        }

        if (power is MathNode.Apply { Name: "neg", First: MathNode.Number { Value.IsOne: true } } && name is "sin" or "cos" or "tan" or "cot" or "sec" or "csc")
        {
            return new MathNode.Apply("arc" + name, argument);
        }

        MathNode value = name == "lg" ? new MathNode.Apply("log", argument) : new MathNode.Apply(name, argument, logBase);
        return power is null ? value : new MathNode.Apply("^", value, power);
    }

    private bool StartsFunction()
    {
        Peek();
        var at = position + (text[position] == '\\' ? 1 : 0);
        return Array.Exists(Functions, function => string.CompareOrdinal(text, at, function, 0, function.Length) == 0);
    }

    private MathNode? Command()
    {
        using var level = new Level(this);
        var start = ++position;
        while (position < text.Length && char.IsAsciiLetter(text[position]))
        {
            position++;
        }

        var name = text[start..position];
        return level.TooDeep ? null : name switch
        {
            "frac" => Fraction(),
            "binom" => Argument() is { } n && Argument() is { } k ? new MathNode.Apply("binom", n, k) : null,
            "sqrt" => Root(),
            "pi" => Pi,
            "emptyset" => MathNode.Nothing,
            "begin" => Matrix(),
            "overline" or "vec" or "hat" => Argument() is { } marked ? new MathNode.Apply(name, marked) : null,
            _ when Array.IndexOf(Functions, name) >= 0 => Function(name),
            _ when Greek.Contains(name) => Subscript() is { } subscript ? new MathNode.Symbol(name + subscript + Primes()) : null,
            _ => null,
        };
    }
}
