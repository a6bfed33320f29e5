using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>
/// Reads an answer in the plain notation of <see cref="MathNotation"/>: lists, tuples, intervals, sets, matrices, relations and
/// expressions with implicit multiplication. Depth and length are bounded; what it cannot read is no expression.
/// </summary>
internal sealed partial class MathParser
{
    private const int MostCharacters = 1000, MostDepth = 40;

    private const string Relations = "=<>≤≥≠∈≈", SetOperators = "∪∩∖";

    private readonly string text;
    private int position;
    private int depth;

    // Within |…| the next bar closes; it does not open another absolute value.
    private int openBars;

    private MathParser(string text) => this.text = text;

    /// <returns>Null when the text is no expression that can be read, or is too long or too deep.</returns>
    public static MathNode? Parse(string text)
    {
        if (text.Length is 0 or > MostCharacters)
        {
            return null;
        }

        var parser = new MathParser(text);
        return parser.Groups() is { } node && parser.Peek() == '\0' ? node : null;
    }

    // a, b; c, d — semicolons part groups where there are commas as well, and values where there are none.
    private MathNode? Groups()
    {
        using var level = new Level(this);
        return level.TooDeep ? null : Listed(';', () => Listed(',', Related));
    }

    private MathNode? Listed(char separator, Func<MathNode?> read)
    {
        var first = read();
        if (first is null || Peek() != separator)
        {
            return first;
        }

        var items = new List<MathNode> { first };
        while (Take(separator))
        {
            if (read() is not { } item)
            {
                return null;
            }

            items.Add(item);
        }

        return new MathNode.Sequence("", items);
    }

    private MathNode? Related()
    {
        if (Combined() is not { } first)
        {
            return null;
        }

        if (Peek() == ':')
        {
            return Ratio(first);
        }

        List<MathNode>? terms = null;
        List<char>? operators = null;
        while (Peek() is not '\0' and var relation && Relations.Contains(relation, StringComparison.Ordinal))
        {
            position++;
            if (Combined() is not { } term)
            {
                return null;
            }

            (terms ??= [first]).Add(term);
            (operators ??= []).Add(relation);
        }

        MathNode related = terms is null ? first : new MathNode.Relation(terms, operators!);
        if (!TakeCommand("pmod") && !TakeCommand("bmod") && !TakeCommand("mod"))
        {
            return related;
        }

        return Argument() is { } modulus ? new MathNode.Modulo(related, modulus) : null;
    }

    /// <summary>a : b is a quotient, a : b : c the quotients b/a and c/a.</summary>
    private MathNode? Ratio(MathNode first)
    {
        var others = new List<MathNode>();
        while (Take(':'))
        {
            if (Sum() is not { } part)
            {
                return null;
            }

            others.Add(part);
        }

        return others.Count == 1
            ? new MathNode.Apply("/", first, others[0])
            : new MathNode.Sequence(":", [.. others.Select(part => new MathNode.Apply("/", part, first))]);
    }

    private MathNode? Combined()
    {
        var sets = Sum();
        while (sets is not null && Peek() is not '\0' and var joint && SetOperators.Contains(joint, StringComparison.Ordinal))
        {
            position++;
            if (Sum() is not { } next)
            {
                return null;
            }

            sets = sets is MathNode.Combined left && left.Operator == joint
                ? left with { Sets = [.. left.Sets, next] }
                : new MathNode.Combined(joint, [sets, next]);
        }

        return sets;
    }

    /// <summary>(a, b), [a, b), ]a, b[ and {a, b}; brackets around one value only group it.</summary>
    private MathNode? Bracketed()
    {
        var open = text[position++];
        var bars = openBars;
        openBars = 0;
        var bracketed = open == '⦃' ? Set() : Tuple(open);
        openBars = bars;
        return bracketed;
    }

    private MathNode? Tuple(char open)
    {
        if (Groups() is not { } inside)
        {
            return null;
        }

        var close = Peek();
        if (close is not (')' or ']' or '['))
        {
            return null;
        }

        position++;
        if (open == ']' || close == '[')
        {
            // ]a, b[ is how some countries write (a, b).
            (open, close) = (open == ']' ? '(' : open, close == '[' ? ')' : close);
        }

        var items = inside is MathNode.Sequence { Brackets: "" } several ? several.Items : [inside];
        return items.Count == 1 && (open == '(') == (close == ')') ? items[0] : new MathNode.Sequence($"{open}{close}", items);
    }

    private MathNode? Set()
    {
        if (Take('⦄'))
        {
            return MathNode.Nothing;
        }

        if (Builder().Match(text, position) is { Success: true })
        {
            // {x ∈ ℝ | condition}: the condition alone says which.
            openBars = 1;
            var variable = Combined();
            var named = variable is not null && (!Take('∈') || Combined() is not null);
            openBars = 0;
            return named && (Take('∣') || Take(':') || Take('|')) && Groups() is { } condition && Take('⦄') ? condition : null;
        }

        return Groups() is { } inside && Take('⦄')
            ? new MathNode.Sequence("{}", inside is MathNode.Sequence { Brackets: "" } several ? several.Items : [inside])
            : null;
    }

    // A look ahead instead of a trial: nested trials would read the innermost set twice for every level.
    [GeneratedRegex(@"\G\s*[A-Za-z(\\][^⦃⦄|∣:]{0,40}[|∣:]", RegexOptions.CultureInvariant)]
    private static partial Regex Builder();

    private char Peek()
    {
        while (position < text.Length && char.IsWhiteSpace(text[position]))
        {
            position++;
        }

        return position < text.Length ? text[position] : '\0';
    }

    private bool Take(char wanted)
    {
        if (Peek() != wanted || wanted == '\0')
        {
            return false;
        }

        position++;
        return true;
    }

    private bool StartsWith(string word) => string.CompareOrdinal(text, position, word, 0, word.Length) == 0;

    /// <summary>Whether a command, \name, comes next.</summary>
    private bool StartsCommand(string name) =>
        Peek() == '\\' && string.CompareOrdinal(text, position + 1, name, 0, name.Length) == 0
        && (position + 1 + name.Length is var end && (end >= text.Length || !char.IsAsciiLetter(text[end])));

    private bool TakeCommand(string name)
    {
        if (!StartsCommand(name))
        {
            return false;
        }

        position += name.Length + 1;
        return true;
    }

    /// <summary>One more level of nesting, until disposed.</summary>
    private readonly ref struct Level
    {
        private readonly MathParser parser;

        public Level(MathParser parser)
        {
            this.parser = parser;
            parser.depth++;
        }

        public bool TooDeep => parser.depth > MostDepth;

        public void Dispose() => parser.depth--;
    }
}
