namespace Hindsight.Scoring;

/// <summary>
/// Whether two mathematical answers are the same: as simplified text, or by value. Lists and sets have no order, tuples have; x = 5 equals
/// 5; an inequality in one unknown equals its interval; a percentage equals its number and its hundredth.
/// </summary>
internal static class MathEquality
{
    private const int MostPieces = 40, ShortestWord = 4;

    public static bool AreEqual(string gold, string answer)
    {
        if (string.IsNullOrWhiteSpace(answer))
        {
            return false;
        }

        var (a, b) = (MathNotation.Simplify(gold), MathNotation.Simplify(answer));
        var (foldedA, foldedB) = (Folded(a), Folded(b));
        if (foldedA == foldedB)
        {
            return foldedA.Length > 0;
        }

        // Words are not products of letters: "listen" is not "silent".
        if (foldedA.Length >= ShortestWord && foldedB.Length >= ShortestWord && foldedA.All(char.IsAsciiLetter) && foldedB.All(char.IsAsciiLetter))
        {
            return false;
        }

        return MathParser.Parse(a) is { } x && MathParser.Parse(b) is { } y && Same(Expand(x), Expand(y));
    }

    /// <summary>Blanks and grouping braces of single characters removed, lower case where it is words.</summary>
    public static string Folded(string simple)
    {
        var folded = string.Concat(simple.Where(c => !char.IsWhiteSpace(c)));
        return folded.Length > 1 && folded.All(char.IsAsciiLetter) ? folded.ToLowerInvariant() : folded.Trim('(', ')') is { Length: 1 } one ? one : folded;
    }

    private static bool Same(MathNode gold, MathNode answer)
    {
        (gold, answer) = (WithoutName(gold), WithoutName(answer));
        switch (gold, answer)
        {
            case (MathNode.Relation a, MathNode.Relation b):
                return SameRelation(a, b) || (AsInterval(a) is { } i && AsInterval(b) is { } j && Same(i, j));
            case (MathNode.Relation a, MathNode.Sequence or MathNode.Union):
                return AsInterval(a) is { } interval && Same(interval, answer);
            case (MathNode.Sequence or MathNode.Union, MathNode.Relation b):
                return AsInterval(b) is { } other && Same(gold, other);
            case (MathNode.Union a, MathNode.Union b):
                return InAnyOrder(a.Sets, b.Sets);
            case (MathNode.Sequence a, MathNode.Sequence b):
                return SameSequence(a, b);
            case (MathNode.Sequence { Items: [var only] }, _):
                return Same(only, answer);
            case (_, MathNode.Sequence { Items: [var only] }):
                return Same(gold, only);
            case (MathNode.Percent a, MathNode.Percent b):
                return Same(a.Value, b.Value);
            case (MathNode.Percent a, _):
                return Same(a.Value, answer) || MathValue.AreEqual(a, answer) || HundredthEqual(a, answer);
            case (_, MathNode.Percent b):
                return Same(gold, b.Value) || MathValue.AreEqual(gold, b) || HundredthEqual(b, gold);
            case (MathNode.Relation or MathNode.Sequence or MathNode.Union, _) or (_, MathNode.Relation or MathNode.Sequence or MathNode.Union):
                return false;
            default:
                return MathValue.AreEqual(gold, answer);
        }
    }

    private static bool HundredthEqual(MathNode.Percent percent, MathNode other) =>
        MathValue.AreEqual(new MathNode.Apply("/", percent.Value, new MathNode.Number(Rational.Of(100), false)), other);

    /// <summary>What a name is set equal to: the right side of x = 5, f(x) = 5, (p, q) = (3, 2) or x ∈ S, and the end of a calculation (2 + 3 = 5).</summary>
    private static MathNode WithoutName(MathNode node)
    {
        if (node is not MathNode.Relation relation)
        {
            return node;
        }

        var (terms, operators) = (relation.Terms, relation.Operators);
        var rounded = operators.ToList().IndexOf('≈');
        if (rounded > 0)
        {
            // x = 1/3 ≈ 0.333: the exact value is meant.
            return WithoutName(new MathNode.Relation([.. terms.Take(rounded + 1)], [.. operators.Take(rounded)]));
        }

        return operators.All(o => o is '=' or '≈' or '∈') && (IsName(terms[0]) || terms.Count > 2 || !terms.SelectMany(Symbols).Any()) ? terms[^1]
            : operators is ['='] && IsName(terms[1]) && !IsName(terms[0]) ? terms[0]
            : node;
    }

    private static bool IsName(MathNode node) => node switch
    {
        MathNode.Symbol => true,
        MathNode.Constant constant => constant.Name is "e" or "i",
        MathNode.Apply { Name: "*", Second: { } second } apply => IsName(apply.First) && (IsName(second) || second is MathNode.Number),
        MathNode.Apply { Name: "abs" or "overline" or "vec" or "overrightarrow" } apply => IsName(apply.First),
        MathNode.Sequence sequence => sequence.Items.Count > 0 && sequence.Items.All(IsName),
        _ => false,
    };

    private static bool SameRelation(MathNode.Relation a, MathNode.Relation b)
    {
        if (a.Operators.SequenceEqual(b.Operators) && Pairwise(a.Terms, b.Terms))
        {
            return true;
        }

        if (a.Operators.Select(Flipped).Reverse().SequenceEqual(b.Operators) && Pairwise([.. a.Terms.Reverse()], b.Terms))
        {
            return true;
        }

        // Equations (and ≠) are the same when one is a multiple of the other.
        return a.Operators is [var o] && b.Operators is [var p] && o == p && o is '=' or '≠' && Proportional(Difference(a), Difference(b));
    }

    private static MathNode.Apply Difference(MathNode.Relation relation) => new("-", relation.Terms[0], relation.Terms[1]);

    private static bool Proportional(MathNode a, MathNode b)
    {
        System.Numerics.Complex? ratio = null;
        var compared = 0;
        for (var point = 0; point < MathValue.Points; point++)
        {
            var quotient = MathValue.At(a, point) / MathValue.At(b, point);
            if (!System.Numerics.Complex.IsFinite(quotient) || quotient == 0)
            {
                return false;
            }

            ratio ??= quotient;
            if (System.Numerics.Complex.Abs(quotient - ratio.Value) > 1e-9 * System.Numerics.Complex.Abs(ratio.Value))
            {
                return false;
            }

            compared++;
        }

        return compared >= 2;
    }

    private static char Flipped(char relation) => relation switch { '<' => '>', '>' => '<', '≤' => '≥', '≥' => '≤', _ => relation };

    /// <summary>The interval that an inequality in one unknown describes: a &lt; x ≤ b, or one that is linear in x.</summary>
    private static MathNode.Sequence? AsInterval(MathNode.Relation relation)
    {
        var infinity = new MathNode.Symbol("infty");
        var below = new MathNode.Apply("neg", infinity);
        var (terms, operators) = (relation.Terms, relation.Operators);
        if (terms.Count == 3 && IsName(terms[1]))
        {
            return operators switch
            {
                ['<' or '≤', '<' or '≤'] => new((operators[0] == '<' ? "(" : "[") + (operators[1] == '<' ? ")" : "]"), [terms[0], terms[2]]),
                ['>' or '≥', '>' or '≥'] => new((operators[1] == '>' ? "(" : "[") + (operators[0] == '>' ? ")" : "]"), [terms[2], terms[0]]),
                _ => null,
            };
        }

        if (terms.Count != 2 || operators[0] is not ('<' or '>' or '≤' or '≥'))
        {
            return null;
        }

        var direction = operators[0];
        MathNode bound;
        if (IsName(terms[0]))
        {
            bound = terms[1];
        }
        else if (IsName(terms[1]))
        {
            (bound, direction) = (terms[0], Flipped(direction));
        }
        else
        {
            // a x + b against 0, seen from three points.
            var difference = Difference(relation);
            var symbols = Symbols(difference).Distinct().Take(2).ToList();
            if (symbols.Count != 1)
            {
                return null;
            }

            var x = new MathNode.Symbol(symbols[0]);
            var (p, q, r) = (Sample(x, difference, 0), Sample(x, difference, 1), Sample(x, difference, 2));
            var slope = (q.F - p.F) / (q.X - p.X);
            if (!double.IsFinite(slope) || slope == 0 || Math.Abs(p.F + (slope * (r.X - p.X)) - r.F) > 1e-9 * (1 + Math.Abs(r.F)))
            {
                return null;
            }

            bound = new MathNode.Constant("bound", p.X - (p.F / slope));
            direction = slope < 0 ? Flipped(direction) : direction;
        }

        return direction switch
        {
            '<' => new("()", [below, bound]),
            '≤' => new("(]", [below, bound]),
            '>' => new("()", [bound, infinity]),
            _ => new("[)", [bound, infinity]),
        };

        static (double X, double F) Sample(MathNode x, MathNode f, int point) =>
            (MathValue.At(x, point).Real, MathValue.At(f, point) is { Imaginary: 0 } value ? value.Real : double.NaN);
    }

    private static IEnumerable<string> Symbols(MathNode node) => node switch
    {
        MathNode.Symbol symbol => [symbol.Name],
        MathNode.Apply apply => Symbols(apply.First).Concat(apply.Second is { } second ? Symbols(second) : []),
        MathNode.Percent percent => Symbols(percent.Value),
        _ => [],
    };

    private static bool SameSequence(MathNode.Sequence gold, MathNode.Sequence answer)
    {
        var (a, b) = (gold.Brackets, answer.Brackets);
        if (a == b && a is not ("" or "{}"))
        {
            return Pairwise(gold.Items, answer.Items);
        }

        if ((a is "" or "{}") && (b is "" or "{}"))
        {
            return InAnyOrder(gold.Items, answer.Items) || Pairwise(Flat(gold), Flat(answer));
        }

        // A list or set beside a tuple: braces and brackets are often left out or mixed up, the order is then what counts.
        return ((a is "" or "{}" && b is "()" or "[]" or "m") || (b is "" or "{}" && a is "()" or "[]" or "m"))
            && (Pairwise(gold.Items, answer.Items) || Pairwise(Flat(gold), Flat(answer)));
    }

    private static List<MathNode> Flat(MathNode.Sequence sequence) =>
        [.. sequence.Items.Select(WithoutName).SelectMany(item => item is MathNode.Sequence { Brackets: "" or "()" } inner ? Flat(inner) : [item])];

    private static bool Pairwise(IReadOnlyList<MathNode> gold, IReadOnlyList<MathNode> answer) =>
        gold.Count == answer.Count && gold.Zip(answer).All(pair => Same(pair.First, pair.Second));

    private static bool InAnyOrder(IReadOnlyList<MathNode> gold, IReadOnlyList<MathNode> answer)
    {
        if (gold.Count != answer.Count || gold.Count > MostPieces)
        {
            return false;
        }

        var open = answer.ToList();
        return gold.All(item => open.FindIndex(other => Same(item, other)) is >= 0 and var at && RemoveAt(at));

        bool RemoveAt(int at)
        {
            open.RemoveAt(at);
            return true;
        }
    }

    /// <summary>a ± b as the two values it stands for, also within a list.</summary>
    private static MathNode Expand(MathNode node) => node switch
    {
        MathNode.Sequence { Brackets: "" or "{}" } list => list with { Items = [.. list.Items.SelectMany(Both)] },
        MathNode.Relation { Operators: ['='] } equation when IsName(equation.Terms[0]) => Expand(equation.Terms[1]),
        MathNode.Apply when Both(node) is { Count: > 1 } both => new MathNode.Sequence("", both),
        _ => node,
    };

    private static IReadOnlyList<MathNode> Both(MathNode node) => HasPlusMinus(node) ? [Signed(node, "+"), Signed(node, "-")] : [node];

    private static bool HasPlusMinus(MathNode node) => node is MathNode.Apply apply
        && (apply.Name == "±" || HasPlusMinus(apply.First) || (apply.Second is { } second && HasPlusMinus(second)));

    private static MathNode Signed(MathNode node, string sign) => node is MathNode.Apply apply
        ? new MathNode.Apply(apply.Name == "±" ? sign : apply.Name, Signed(apply.First, sign), apply.Second is { } second ? Signed(second, sign) : null)
        : node;
}
