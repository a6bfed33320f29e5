using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// Whether two mathematical answers are the same: as simplified text, or by value. Lists and sets have no order, tuples have; x = 5 equals
/// 5; an inequality in one unknown equals its interval; a percentage equals its number and its hundredth, degrees their number and radians.
/// The relation is symmetric. Work is bounded by counting comparisons, not by a clock, so that a verdict never depends on the machine.
/// </summary>
internal sealed class MathEquality
{
    private const int MostPieces = 40, LargestMatrix = 6, MostComparisons = 5_000, ShortestWord = 4;

    private readonly Dictionary<MathNode, Fingerprint> fingerprints = new(ReferenceEqualityComparer.Instance);

    private int comparisons;

    private MathEquality()
    {
    }

    public static bool AreEqual(string gold, string answer)
    {
        if (string.IsNullOrWhiteSpace(answer))
        {
            return false;
        }

        var (a, b) = (MathNotation.Simplify(gold), MathNotation.Simplify(answer));
        var (foldedA, foldedB) = (MathWords.Folded(a), MathWords.Folded(b));
        if (foldedA == foldedB)
        {
            return foldedA.Length > 0;
        }

        if (MathWords.AreSameOption(a, b) || MathWords.AreSameTime(a, b))
        {
            return true;
        }

        // Words are not products of letters: "listen" is not "silent".
        if (IsWord(foldedA, gold) && IsWord(foldedB, answer) && !(MathWords.Meaning(foldedA) is not null && MathWords.Meaning(foldedB) is not null))
        {
            return false;
        }

        if (Parse(a, foldedA) is not { } x || Parse(b, foldedB) is not { } y)
        {
            return false;
        }

        if (!x.Has(node => node is MathNode.Degrees) && !y.Has(node => node is MathNode.Degrees))
        {
            return new MathEquality().Same(Expand(x), Expand(y));
        }

        return new MathEquality().Same(Expand(WithoutDegrees(x)), Expand(WithoutDegrees(y))) || new MathEquality().Same(Expand(x), Expand(y));

        static bool IsWord(string folded, string written) =>
            folded.Length > 1 && folded.All(char.IsAsciiLetter) && (folded.Length >= ShortestWord || MathWords.IsText(written));
    }

    /// <summary>An answer's value as voters see it: exact, in order where order does not matter; null where it has no such form.</summary>
    public static string? Canonical(MathNode node) => Expand(MathName.Without(node)) switch
    {
        MathNode.Percent percent => Exact(percent.Value) is { } share ? share + "%" : null,
        MathNode.Sequence { Brackets: "" or "{}" } list when list.Items.Select(item => Exact(MathName.Without(item))).ToList() is var values && !values.Contains(null) =>
            string.Join(",", values.Select(value => value!.Value).Order()),
        var scalar => Exact(scalar)?.ToString(),
    };

    private static Rational? Exact(MathNode node) => node.Has(part => part is MathNode.Symbol) ? null : MathValue.Exact(node);

    private static MathNode? Parse(string simple, string folded) => MathWords.Meaning(folded) ?? MathParser.Parse(simple);

    private bool Same(MathNode gold, MathNode answer)
    {
        if (++comparisons > MostComparisons)
        {
            return false;
        }

        if (gold is MathNode.Relation { Operators: ['='] or ['≠'] } p && answer is MathNode.Relation { Operators: ['='] or ['≠'] } q && SameRelation(p, q))
        {
            return true;
        }

        if ((AllAlike(gold, answer) is { } left && Same(left, answer)) || (AllAlike(answer, gold) is { } right && Same(gold, right)))
        {
            return true;
        }

        (gold, answer) = (MathName.Without(gold), MathName.Without(answer));
        if (IsSet(gold) || IsSet(answer))
        {
            if (RealSet.Of(gold) is { } a && RealSet.Of(answer) is { } b)
            {
                var tolerance = HasDecimal(gold) || HasDecimal(answer) ? 1e-6 : 1e-9;
                return a.Equals(b, tolerance) || (BoundsSize(gold) && a.Mirrored().Equals(b, tolerance)) || (BoundsSize(answer) && b.Mirrored().Equals(a, tolerance));
            }
        }

        switch (gold, answer)
        {
            case (MathNode.Relation a, MathNode.Relation b):
                return SameRelation(a, b) || (AsInterval(a) is { } i && AsInterval(b) is { } j && Same(i, j));
            case (MathNode.Relation a, MathNode.Sequence or MathNode.Combined):
                return AsInterval(a) is { } interval && Same(interval, answer);
            case (MathNode.Sequence or MathNode.Combined, MathNode.Relation b):
                return AsInterval(b) is { } other && Same(gold, other);
            case (MathNode.Combined a, MathNode.Combined b):
                return a.Operator == b.Operator && (a.Operator == '∖' ? Pairwise(a.Sets, b.Sets) : InAnyOrder(a.Sets, b.Sets));
            case (MathNode.Modulo a, MathNode.Modulo b):
                return Same(a.Modulus, b.Modulus) && Same(a.Value, b.Value);
            case (MathNode.Modulo a, _):
                return Same(a.Value, answer);
            case (_, MathNode.Modulo b):
                return Same(gold, b.Value);
            case (MathNode.Sequence a, MathNode.Sequence b):
                return SameSequence(a, b);
            case (MathNode.Sequence { Items: [var only] }, _):
                return Same(only, answer);
            case (_, MathNode.Sequence { Items: [var only] }):
                return Same(gold, only);
            case (MathNode.Percent a, MathNode.Percent b):
                return Same(a.Value, b.Value);
            case (MathNode.Percent a, _):
                return Same(a.Value, answer) || SameScalar(a, answer);
            case (_, MathNode.Percent b):
                return Same(gold, b.Value) || SameScalar(gold, b);
            case (MathNode.Degrees a, MathNode.Degrees b):
                return Same(a.Value, b.Value);
            case (MathNode.Relation or MathNode.Sequence or MathNode.Combined, _) or (_, MathNode.Relation or MathNode.Sequence or MathNode.Combined):
                return false;
            default:
                return SameScalar(gold, answer);
        }
    }

    private bool SameScalar(MathNode a, MathNode b) => Of(a).Equals(Of(b));

    private Fingerprint Of(MathNode node)
    {
        if (!fingerprints.TryGetValue(node, out var fingerprint))
        {
            fingerprints.Add(node, fingerprint = new(node));
        }

        return fingerprint;
    }

    /// <summary>What is rather a set than a list, a point, or a number.</summary>
    private static bool IsSet(MathNode node) => node is MathNode.Combined or MathNode.Symbol { Name: "ℝ" or "∅" } or MathNode.Sequence { Brackets: "(]" or "[)" }
        || RealSet.IsInequality(node) || (node is MathNode.Sequence { Brackets: "" } list && list.Items.Any(RealSet.IsInequality) && list.Items.All(RealSet.IsCondition));

    /// <summary>a = b = c = 1 as the point (1, 1, 1), beside a point of as many coordinates.</summary>
    private static MathNode.Sequence? AllAlike(MathNode chain, MathNode beside) =>
        chain is MathNode.Relation { Terms.Count: > 2 } relation && relation.Operators.All(o => o == '=') && relation.Terms.SkipLast(1).All(name => name is MathNode.Symbol)
        && beside is MathNode.Sequence { Brackets: "()" } point && point.Items.Count == relation.Terms.Count - 1
            ? new("()", [.. point.Items.Select(_ => relation.Terms[^1])])
            : null;

    /// <summary>An inequality between a bound and |x|.</summary>
    private static bool BoundsSize(MathNode node) => node is MathNode.Relation relation && relation.Terms.Any(term => term is MathNode.Apply { Name: "abs", First: MathNode.Symbol });

    private static bool HasDecimal(MathNode node) => node.Has(part => part is MathNode.Number { Decimal: true });

    private bool SameRelation(MathNode.Relation a, MathNode.Relation b)
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
        return a.Operators is [var o] && b.Operators is [var p] && o == p && o is '=' or '≠'
            && !a.Terms.Concat(b.Terms).Any(term => term is MathNode.Sequence or MathNode.Combined)
            && Of(Difference(a)).IsProportionalTo(Of(Difference(b)));
    }

    private static MathNode.Apply Difference(MathNode.Relation relation) => new("-", relation.Terms[0], relation.Terms[1]);

    private static char Flipped(char relation) => relation switch { '<' => '>', '>' => '<', '≤' => '≥', '≥' => '≤', _ => relation };

    /// <summary>The interval, with letters in its bounds, that an inequality describes: a &lt; x ≤ b or x ≤ b.</summary>
    private static MathNode.Sequence? AsInterval(MathNode.Relation relation)
    {
        var below = new MathNode.Apply("neg", MathNode.Infinity);
        return (relation.Operators, relation.Terms) switch
        {
            ([('<' or '≤') and var low, ('<' or '≤') and var high], [var from, var name, var to]) when MathName.Is(name) => new((low == '<' ? "(" : "[") + (high == '<' ? ")" : "]"), [from, to]),
            ([('>' or '≥') and var high, ('>' or '≥') and var low], [var to, var name, var from]) when MathName.Is(name) => new((low == '>' ? "(" : "[") + (high == '>' ? ")" : "]"), [from, to]),
            ([('<' or '>' or '≤' or '≥') and var o], [var name, var bound]) when MathName.Is(name) => Ray(o, bound),
            ([('<' or '>' or '≤' or '≥') and var o], [var bound, var name]) when MathName.Is(name) => Ray(Flipped(o), bound),
            _ => null,
        };

        MathNode.Sequence Ray(char o, MathNode bound) => o switch
        {
            '<' => new("()", [below, bound]),
            '≤' => new("(]", [below, bound]),
            '>' => new("()", [bound, MathNode.Infinity]),
            _ => new("[)", [bound, MathNode.Infinity]),
        };
    }

    private bool SameSequence(MathNode.Sequence gold, MathNode.Sequence answer)
    {
        var (a, b) = (gold.Brackets, answer.Brackets);
        if (a == b && a is not ("" or "{}"))
        {
            return Pairwise(gold.Items, answer.Items);
        }

        if (a is "m" || b is "m")
        {
            var (matrix, other) = a is "m" ? (gold, answer) : (answer, gold);

            // A vector as a row or column, a matrix as a list of its rows.
            return other.Brackets is not (":" or "{}") && (Pairwise(matrix.Items, other.Items)
                || (matrix.Items is [MathNode.Sequence row] && Pairwise(row.Items, other.Items))
                || (matrix.Items.All(item => item is MathNode.Sequence { Items.Count: 1 })
                    && Pairwise([.. matrix.Items.Select(item => ((MathNode.Sequence)item).Items[0])], other.Items)));
        }

        if ((a is "" or "{}") && (b is "" or "{}"))
        {
            if (Named(gold) is { } names && Named(answer) is { } others && names.Keys.ToHashSet().SetEquals(others.Keys))
            {
                return names.All(pair => Same(pair.Value, others[pair.Key]));
            }

            return ((a is "{}" || b is "{}") && Covers(gold.Items, answer.Items) && Covers(answer.Items, gold.Items))
                || InAnyOrder(gold.Items, answer.Items) || Pairwise(Flat(gold), Flat(answer));
        }

        // A list or set beside a tuple: braces and brackets are often left out or mixed up, the order is then what counts.
        return ((a is "" or "{}" && b is "()" or "[]") || (b is "" or "{}" && a is "()" or "[]"))
            && (Pairwise(gold.Items, answer.Items) || Pairwise(Flat(gold), Flat(answer)));
    }

    /// <summary>x = 1, y = 2 by its names; null where a name is missing or comes twice.</summary>
    private static Dictionary<string, MathNode>? Named(MathNode.Sequence list)
    {
        var named = new Dictionary<string, MathNode>(StringComparer.Ordinal);
        return list.Items.All(item => item is MathNode.Relation { Operators: ['='], Terms: [MathNode.Symbol name, var value] } && named.TryAdd(name.Name, value)) ? named : null;
    }

    private static List<MathNode> Flat(MathNode.Sequence sequence) =>
        [.. sequence.Items.Select(MathName.Without).SelectMany(item => item is MathNode.Sequence { Brackets: "" or "()" } inner ? Flat(inner) : [item])];

    private bool Pairwise(IReadOnlyList<MathNode> gold, IReadOnlyList<MathNode> answer) =>
        gold.Count == answer.Count && gold.Zip(answer).All(pair => Same(pair.First, pair.Second));

    private bool Covers(IReadOnlyList<MathNode> all, IReadOnlyList<MathNode> some) =>
        all.Count <= MostPieces && some.Count <= MostPieces && some.All(item => all.Any(other => Same(other, item)));

    private bool InAnyOrder(IReadOnlyList<MathNode> gold, IReadOnlyList<MathNode> answer)
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

    /// <summary>90° as 90, but not where it is the argument of a function.</summary>
    private static MathNode WithoutDegrees(MathNode node) => node switch
    {
        MathNode.Degrees degrees => WithoutDegrees(degrees.Value),
        MathNode.Apply { Name: "sin" or "cos" or "tan" or "cot" or "sec" or "csc" } => node,
        _ => node.With(WithoutDegrees),
    };

    /// <summary>a ± b as the two values it stands for, also within a list; a matrix times a number as a matrix.</summary>
    private static MathNode Expand(MathNode node) => node switch
    {
        MathNode.Sequence { Brackets: "" or "{}" } list => list with { Items = [.. list.Items.SelectMany(item => Both(MathName.Without(item)) is { Count: > 1 } both ? both : [item])] },
        MathNode.Relation { Operators: ['='] } equation when MathName.Is(equation.Terms[0]) && Expand(equation.Terms[1]) is MathNode.Sequence several => several,
        MathNode.Apply { Name: "*", First: MathNode.Sequence { Brackets: "m" } left, Second: MathNode.Sequence { Brackets: "m" } right } => Multiplied(left, right) ?? node,
        MathNode.Apply { Name: "*", Second: MathNode.Sequence { Brackets: "m" } matrix } product => Scaled(matrix, entry => new MathNode.Apply("*", product.First, entry)),
        MathNode.Apply { Name: "*" or "/", First: MathNode.Sequence { Brackets: "m" } matrix, Second: { } factor } product => Scaled(matrix, entry => new MathNode.Apply(product.Name, entry, factor)),
        MathNode.Apply when Both(node) is { Count: > 1 } both => new MathNode.Sequence("", both),
        _ => node,
    };

    private static MathNode.Sequence? Multiplied(MathNode.Sequence a, MathNode.Sequence b)
    {
        var left = a.Items.Select(row => (row as MathNode.Sequence)?.Items).ToList();
        var right = b.Items.Select(row => (row as MathNode.Sequence)?.Items).ToList();
        if (left.Count > LargestMatrix || right.Count > LargestMatrix || left.Any(row => row?.Count != right.Count) || right.Any(row => row is null || row.Count != right[0]!.Count || row.Count > LargestMatrix))
        {
            return null;
        }

        return new("m", [.. left.Select(row => new MathNode.Sequence("m", [.. Enumerable.Range(0, right[0]!.Count).Select(column => row!
            .Select((entry, i) => (MathNode)new MathNode.Apply("*", entry, right[i]![column]))
            .Aggregate((x, y) => new MathNode.Apply("+", x, y)))]))]);
    }

    private static MathNode Scaled(MathNode.Sequence matrix, Func<MathNode, MathNode> scale) => matrix with
    {
        Items = [.. matrix.Items.Select(item => item is MathNode.Sequence { Brackets: "m" } row ? Scaled(row, scale) : scale(item))],
    };

    private static IReadOnlyList<MathNode> Both(MathNode node) =>
        node.Has(part => part is MathNode.Apply { Name: "±" or "∓" }) ? [Signed(node, "+", "-"), Signed(node, "-", "+")] : [node];

    private static MathNode Signed(MathNode node, string sign, string other)
    {
        var signed = node.With(part => Signed(part, sign, other));
        return signed is MathNode.Apply { Name: "±" or "∓" } apply ? apply with { Name = apply.Name == "±" ? sign : other } : signed;
    }

    /// <summary>A scalar's values at the points of <see cref="MathValue"/>, computed once, when first needed.</summary>
    private sealed class Fingerprint(MathNode node)
    {
        private readonly bool hasDecimal = HasDecimal(node), hasSymbols = node.Has(part => part is MathNode.Symbol);

        private Rational?[]? exact;

        private Complex[]? real, complex;

        private Rational?[] Exact => exact ??= Values(MathValue.ExactPoints, point => MathValue.Exact(node, point));

        private Complex[] Real => real ??= Values(MathValue.Points, point => MathValue.At(node, point, real: true));

        private Complex[] Imaginary => complex ??= Values(MathValue.Points, point => MathValue.At(node, point, real: false));

        /// <summary>Whether two scalars are equal wherever both are defined: exactly, else among the reals, else among the complex numbers.</summary>
        public bool Equals(Fingerprint other)
        {
            var near = hasDecimal || other.hasDecimal;
            var points = hasSymbols || other.hasSymbols ? MathValue.ExactPoints : 1;
            var compared = 0;
            for (var point = 0; point < points; point++)
            {
                if (At(Exact, point) is { } x && At(other.Exact, point) is { } y)
                {
                    if (!NumberTolerance.Digits.Admits(x, y, near))
                    {
                        return false;
                    }

                    compared++;
                }
                else if (compared == 0)
                {
                    break;
                }
            }

            return compared >= Math.Min(points, 2) || (AreEqual(Real, other.Real, near) ?? AreEqual(Imaginary, other.Imaginary, near) ?? false);
        }

        /// <summary>Whether one is a constant multiple of the other, which is not 0.</summary>
        public bool IsProportionalTo(Fingerprint other)
        {
            Complex? ratio = null;
            var compared = 0;
            for (var point = 0; point < MathValue.Points; point++)
            {
                var quotient = At(Real, point) / At(other.Real, point);
                if (!Complex.IsFinite(quotient) || quotient == 0)
                {
                    continue;
                }

                ratio ??= quotient;
                if (Complex.Abs(quotient - ratio.Value) > 1e-9 * Complex.Abs(ratio.Value))
                {
                    return false;
                }

                compared++;
            }

            return compared >= 2;
        }

        private static bool? AreEqual(Complex[] a, Complex[] b, bool near)
        {
            var compared = 0;
            for (var point = 0; point < MathValue.Points; point++)
            {
                var (u, v) = (At(a, point), At(b, point));
                if (!Complex.IsFinite(u) || !Complex.IsFinite(v))
                {
                    continue;
                }

                if (Complex.Abs(u - v) > 1e-13 + ((near ? 1e-6 : 1e-9) * Math.Max(Complex.Abs(u), Complex.Abs(v))))
                {
                    return false;
                }

                compared++;
            }

            return compared >= 2 ? true : null;
        }

        private static T At<T>(T[] values, int point) => values[values.Length == 1 ? 0 : point];

        private T[] Values<T>(int points, Func<int, T> value) => hasSymbols ? [.. Enumerable.Range(0, points).Select(value)] : [value(0)];
    }
}
