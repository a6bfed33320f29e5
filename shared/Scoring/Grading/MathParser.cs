using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// Reads an answer in the plain notation of <see cref="MathNotation"/>: lists, tuples, intervals, sets, matrices, relations and
/// expressions with implicit multiplication. Depth and length are bounded; what it cannot read is no expression.
/// </summary>
internal sealed class MathParser
{
    private const int MostCharacters = 1000, MostDepth = 40;

    private const string Relations = "=<>≤≥≠∈≈";

    private static readonly string[] Functions =
        ["arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "sqrt"];

    private static readonly HashSet<string> Greek = new(
        [
            "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
            "rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega",
            "infty", "emptyset", "varnothing",
        ],
        StringComparer.Ordinal);

    private readonly string _text;
    private int _at;
    private int _depth;

    // Within |…| the next bar closes; it does not open another absolute value.
    private int _openBars;

    private MathParser(string text) => _text = text;

    /// <returns>Null when the text is no expression that can be read, or is too long or too deep.</returns>
    public static MathNode? Parse(string text)
    {
        if (text.Length is 0 or > MostCharacters)
        {
            return null;
        }

        try
        {
            var parser = new MathParser(text);
            var node = parser.Groups();
            return parser.Peek() == '\0' ? node : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // a, b; c, d — semicolons part groups where there are commas as well, and values where there are none.
    private MathNode Groups()
    {
        if (++_depth > MostDepth)
        {
            throw Unreadable();
        }

        var groups = new List<MathNode> { Items() };
        while (Take(';'))
        {
            groups.Add(Items());
        }

        _depth--;
        return groups.Count == 1 ? groups[0] : new MathNode.Sequence("", groups);
    }

    private MathNode Items()
    {
        var items = new List<MathNode> { Related() };
        while (Take(','))
        {
            items.Add(Related());
        }

        return items.Count == 1 ? items[0] : new MathNode.Sequence("", items);
    }

    private MathNode Related()
    {
        var terms = new List<MathNode> { United() };
        var operators = new List<char>();
        while (Relations.Contains(Peek(), StringComparison.Ordinal) && Peek() != '\0')
        {
            operators.Add(_text[_at++]);
            terms.Add(United());
        }

        return operators.Count == 0 ? terms[0] : new MathNode.Relation(terms, operators);
    }

    private MathNode United()
    {
        var sets = new List<MathNode> { Sum() };
        while (Take('∪'))
        {
            sets.Add(Sum());
        }

        return sets.Count == 1 ? sets[0] : new MathNode.Union(sets);
    }

    private MathNode Sum()
    {
        MathNode sum;
        if (Take('-'))
        {
            sum = new MathNode.Apply("neg", Product());
        }
        else if (Take('±'))
        {
            sum = new MathNode.Apply("±", new MathNode.Number(Rational.Of(0), false), Product());
        }
        else
        {
            Take('+');
            sum = Product();
        }

        while (Peek() is '+' or '-' or '±')
        {
            sum = new MathNode.Apply(_text[_at++].ToString(), sum, Product());
        }

        return sum;
    }

    private MathNode Product()
    {
        var product = Signed();
        while (true)
        {
            if (Take('*'))
            {
                product = new MathNode.Apply("*", product, Signed());
            }
            else if (Take('/'))
            {
                product = new MathNode.Apply("/", product, Signed());
            }
            else if (Take('%'))
            {
                product = new MathNode.Percent(product);
            }
            else if (StartsFactor())
            {
                product = new MathNode.Apply("*", product, Power());
            }
            else
            {
                return product;
            }
        }
    }

    private MathNode Signed()
    {
        if (++_depth > MostDepth)
        {
            throw Unreadable();
        }

        var node = Take('-') ? new MathNode.Apply("neg", Signed()) : Power();
        _depth--;
        return node;
    }

    private MathNode Power()
    {
        var value = Factor();
        while (true)
        {
            if (Peek() == '!' && !(_at + 1 < _text.Length && _text[_at + 1] == '='))
            {
                _at++;
                value = new MathNode.Apply("!", value);
            }
            else if (Take('^'))
            {
                if (++_depth > MostDepth)
                {
                    throw Unreadable();
                }

                // A bare exponent is one factor; "2^3^4" is 2^(3^4).
                value = new MathNode.Apply("^", value, Peek() == '-' ? Signed() : Peek() == '{' ? Braced() : Power());
                _depth--;
            }
            else
            {
                return value;
            }
        }
    }

    private bool StartsFactor() => Peek() is var next
        && (char.IsAsciiLetterOrDigit(next) || next is '(' or '{' or '.' or '⦃' || (next == '|' && _openBars == 0)
            || (next == '\\' && !_text.AsSpan(_at).StartsWith(@"\end")));

    private MathNode Factor()
    {
        var next = Peek();
        if (char.IsAsciiDigit(next) || next == '.')
        {
            return Number();
        }

        if (next is '(' or '[' or '⦃')
        {
            return Bracketed();
        }

        if (next == '{')
        {
            var braced = Braced();
            return braced is MathNode.Sequence { Brackets: "" } several ? several with { Brackets = "{}" } : braced;
        }

        if (next == '|')
        {
            _at++;
            _openBars++;
            var inside = Sum();
            _openBars--;
            return Take('|') ? new MathNode.Apply("abs", inside) : throw Unreadable();
        }

        if (next == '\\')
        {
            return Command();
        }

        if (char.IsAsciiLetter(next))
        {
            foreach (var function in Functions)
            {
                if (string.CompareOrdinal(_text, _at, function, 0, function.Length) == 0)
                {
                    _at += function.Length;
                    return function == "sqrt" ? Root() : Function(function);
                }
            }

            if (string.CompareOrdinal(_text, _at, "pi", 0, 2) == 0)
            {
                _at += 2;
                return Pi;
            }

            _at++;
            return Letter(next);
        }

        throw Unreadable();
    }

    private static MathNode Pi => new MathNode.Constant("π", Math.PI);

    private MathNode Letter(char letter)
    {
        var subscript = Subscript();
        var primes = 0;
        while (_at < _text.Length && _text[_at] == '\'')
        {
            _at++;
            primes++;
        }

        return (letter, subscript.Length + primes) switch
        {
            ('i', 0) => new MathNode.Constant("i", Complex.ImaginaryOne),
            ('e', 0) => new MathNode.Constant("e", Math.E),
            _ => new MathNode.Symbol(letter + subscript + new string('\'', primes)),
        };
    }

    private string Subscript()
    {
        if (!Take('_'))
        {
            return "";
        }

        if (!Take('{'))
        {
            return Peek() == '\0' ? throw Unreadable() : "_" + _text[_at++];
        }

        var close = _text.IndexOf('}', _at);
        if (close < 0)
        {
            throw Unreadable();
        }

        var name = _text[_at..close].Trim();
        _at = close + 1;
        return "_" + name;
    }

    private MathNode Number()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiDigit(_text[_at]) || (_text[_at] == '.' && !_text.AsSpan(start, _at - start).Contains('.'))))
        {
            _at++;
        }

        var digits = _text[start.._at];
        if (digits == ".")
        {
            throw Unreadable();
        }

        if (Subscript() is { Length: > 0 } numberBase)
        {
            // A numeral in another base is compared as it is written.
            return new MathNode.Symbol(digits + numberBase);
        }

        var value = new MathNode.Number(Rational.OfDecimal(digits), digits.Contains('.', StringComparison.Ordinal));

        // 1\frac{4}{5} is a mixed number, 2\frac{x}{5} a product.
        var mark = _at;
        if (value is { Decimal: false } && Peek() == '\\' && TakeCommand() == "frac"
            && Fraction() is MathNode.Apply { First: MathNode.Number { Decimal: false }, Second: MathNode.Number { Decimal: false } } part)
        {
            return new MathNode.Apply("+", value, part);
        }

        _at = mark;
        return value;
    }

    private MathNode Bracketed()
    {
        var open = _text[_at++];
        var bars = _openBars;
        _openBars = 0;
        if (Take(open == '⦃' ? '⦄' : ')'))
        {
            _openBars = bars;
            return open == '⦃' ? new MathNode.Sequence("{}", []) : throw Unreadable();
        }

        var inside = Groups();
        _openBars = bars;
        var close = Peek();
        if (close is not (')' or ']' or '⦄') || (open == '⦃') != (close == '⦄'))
        {
            throw Unreadable();
        }

        _at++;
        IReadOnlyList<MathNode> items = inside is MathNode.Sequence { Brackets: "" } several ? several.Items : [inside];
        return open switch
        {
            '⦃' => new MathNode.Sequence("{}", items),
            '(' or '[' when items.Count == 1 && (open == '(') == (close == ')') => items[0],
            _ => new MathNode.Sequence($"{open}{close}", items),
        };
    }

    private MathNode Braced()
    {
        if (!Take('{'))
        {
            throw Unreadable();
        }

        var inside = Groups();
        return Take('}') ? inside : throw Unreadable();
    }

    /// <summary>An argument of \frac and the like: {…}, or a single digit, letter or command.</summary>
    private MathNode Argument()
    {
        var next = Peek();
        if (next == '{')
        {
            return Braced();
        }

        if (char.IsAsciiDigit(next))
        {
            return new MathNode.Number(Rational.OfDecimal(_text[_at++].ToString()), false);
        }

        return next == '\\' || char.IsAsciiLetter(next) || next == '(' ? Factor() : throw Unreadable();
    }

    private MathNode Fraction() => new MathNode.Apply("/", Argument(), Argument());

    private MathNode Root()
    {
        if (!Take('['))
        {
            // \sqrt30 means √30 outside TeX's own rules, and is written so.
            return new MathNode.Apply("root", char.IsAsciiDigit(Peek()) ? Number() : Argument(), new MathNode.Number(Rational.Of(2), false));
        }

        var index = Sum();
        return Take(']') ? new MathNode.Apply("root", Argument(), index) : throw Unreadable();
    }

    /// <summary>A function with its argument: in brackets, or the factors up to the next operator or function (sin 2x cos y).</summary>
    private MathNode Function(string name)
    {
        if (++_depth > MostDepth)
        {
            throw Unreadable();
        }

        MathNode? power = null;
        MathNode? logBase = null;
        if (name == "log" && Take('_'))
        {
            logBase = Argument();
        }

        if (Take('^'))
        {
            power = Peek() == '-' ? throw Unreadable() : Argument();
        }

        MathNode argument;
        if (Peek() is '(' or '{' or '[')
        {
            argument = Power();
        }
        else
        {
            argument = Signed();
            while (StartsFactor() && !StartsFunction())
            {
                argument = new MathNode.Apply("*", argument, Power());
            }
        }

        _depth--;
        var value = new MathNode.Apply(name, argument, logBase);
        return power is null ? value : new MathNode.Apply("^", value, power);
    }

    private bool StartsFunction()
    {
        Peek();
        var at = _at + (_text[_at] == '\\' ? 1 : 0);
        return Functions.Any(function => string.CompareOrdinal(_text, at, function, 0, function.Length) == 0);
    }

    private string TakeCommand()
    {
        var start = ++_at;
        while (_at < _text.Length && char.IsAsciiLetter(_text[_at]))
        {
            _at++;
        }

        return _text[start.._at];
    }

    private MathNode Command()
    {
        if (++_depth > MostDepth)
        {
            throw Unreadable();
        }

        var name = TakeCommand();
        var node = name switch
        {
            "frac" => Fraction(),
            "binom" => new MathNode.Apply("binom", Argument(), Argument()),
            "sqrt" => Root(),
            "pi" => Pi,
            "begin" => Matrix(),
            "overline" or "vec" or "hat" or "bar" or "overrightarrow" => new MathNode.Apply(name, Argument()),
            _ when Functions.Contains(name) => Function(name),
            _ when Greek.Contains(name) => new MathNode.Symbol(name + Subscript()),
            _ => throw Unreadable(),
        };
        _depth--;
        return node;
    }

    private MathNode.Sequence Matrix()
    {
        if (!Take('{'))
        {
            throw Unreadable();
        }

        var close = _text.IndexOf('}', _at);
        var kind = close < 0 ? throw Unreadable() : _text[_at..close];
        _at = close + 1;
        if (kind == "array" && Take('{'))
        {
            close = _text.IndexOf('}', _at);
            _at = close < 0 ? throw Unreadable() : close + 1;
        }
        else if (!kind.EndsWith("matrix", StringComparison.Ordinal) && kind != "array")
        {
            throw Unreadable();
        }

        var rows = new List<MathNode>();
        var row = new List<MathNode>();
        var end = $@"\end{{{kind}}}";
        while (true)
        {
            Peek();
            if (string.CompareOrdinal(_text, _at, end, 0, end.Length) == 0)
            {
                _at += end.Length;
                if (row.Count > 0)
                {
                    rows.Add(new MathNode.Sequence("m", row));
                }

                return new MathNode.Sequence("m", rows);
            }

            row.Add(Sum());
            if (Take('⏎'))
            {
                rows.Add(new MathNode.Sequence("m", row));
                row = [];
            }
            else if (!Take('&') && Peek() != '\\')
            {
                throw Unreadable();
            }
        }
    }

    private char Peek()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }

        return _at < _text.Length ? _text[_at] : '\0';
    }

    private bool Take(char wanted)
    {
        if (Peek() != wanted || wanted == '\0')
        {
            return false;
        }

        _at++;
        return true;
    }

    private static FormatException Unreadable() => new();
}
