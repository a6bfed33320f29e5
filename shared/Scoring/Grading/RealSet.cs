namespace Hindsight.Scoring;

/// <summary>A set of real numbers: intervals and points, sorted and apart from each other.</summary>
internal sealed class RealSet
{
    private const double Tolerance = 1e-9;

    private static readonly RealSet All = new([new(double.NegativeInfinity, false, double.PositiveInfinity, false)]), None = new([]);

    private readonly List<Piece> pieces;

    private RealSet(IEnumerable<Piece> parts)
    {
        pieces = [];
        foreach (var piece in parts.Order())
        {
            if (pieces.Count > 0 && pieces[^1] is var last && (piece.Low < last.High || (AreClose(piece.Low, last.High, Tolerance) && (piece.WithLow || last.WithHigh))))
            {
                var (high, with) = AreClose(piece.High, last.High, Tolerance) ? (last.High, last.WithHigh || piece.WithHigh)
                    : piece.High > last.High ? (piece.High, piece.WithHigh) : (last.High, last.WithHigh);
                pieces[^1] = last with { WithLow = last.WithLow || (piece.WithLow && AreClose(piece.Low, last.Low, Tolerance)), High = high, WithHigh = with };
            }
            else
            {
                pieces.Add(piece);
            }
        }
    }

    /// <summary>From <paramref name="Low"/> to <paramref name="High"/>, which are the same for a point.</summary>
    private readonly record struct Piece(double Low, bool WithLow, double High, bool WithHigh) : IComparable<Piece>
    {
        public int CompareTo(Piece other) => Low != other.Low ? Low.CompareTo(other.Low) : other.WithLow.CompareTo(WithLow);

        public bool IsEmpty => Low > High || (Low == High && !(WithLow && WithHigh));
    }

    /// <summary>
    /// The set that an interval, a set of numbers, ℝ, ∅, a combination of these, or an inequality in one unknown describes; null for anything
    /// else, as for an interval with letters.
    /// </summary>
    public static RealSet? Of(MathNode node) => node switch
    {
        MathNode.Symbol { Name: "ℝ" } => All,
        MathNode.Symbol { Name: "∅" } => None,
        MathNode.Sequence { Brackets: "{}" } points => Points(points.Items),
        MathNode.Sequence { Brackets: "", Items: { Count: > 1 } items } when items.All(IsCondition) && items.Any(IsInequality) => Conditions(items),
        MathNode.Sequence { Brackets: "()" or "(]" or "[)" or "[]", Items: [var low, var high] } interval => Between(low, interval.Brackets[0] == '[', high, interval.Brackets[1] == ']'),
        MathNode.Combined combined => Join(combined),
        MathNode.Relation relation => Condition(relation),
        _ => null,
    };

    /// <summary>Whether a relation is an inequality or ≠.</summary>
    public static bool IsInequality(MathNode node) => node is MathNode.Relation relation && relation.Operators.All(o => o is '<' or '>' or '≤' or '≥' or '≠');

    /// <summary>Whether a relation is an inequality, or gives the unknown a value.</summary>
    public static bool IsCondition(MathNode node) => IsInequality(node) || node is MathNode.Relation { Operators: ['='], Terms: [MathNode.Symbol, _] };

    /// <summary>The numbers whose absolute value lies in this set.</summary>
    public RealSet Mirrored()
    {
        var positive = And(new([new(0, true, double.PositiveInfinity, false)]));
        return new(positive.pieces.Concat(positive.pieces.Select(piece => new Piece(-piece.High, piece.WithHigh, -piece.Low, piece.WithLow))));
    }

    public bool Equals(RealSet other, double tolerance) => pieces.Count == other.pieces.Count && pieces.Zip(other.pieces).All(pair =>
        pair.First.WithLow == pair.Second.WithLow && pair.First.WithHigh == pair.Second.WithHigh
        && AreClose(pair.First.Low, pair.Second.Low, tolerance) && AreClose(pair.First.High, pair.Second.High, tolerance));

    private static bool AreClose(double a, double b, double tolerance) => a == b || (double.IsFinite(a) && double.IsFinite(b) && Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Max(Math.Abs(a), Math.Abs(b))));

    private static RealSet? Points(IReadOnlyList<MathNode> items)
    {
        var values = items.Select(Value).ToList();
        return values.Contains(null) ? null : new(values.Select(value => new Piece(value!.Value, true, value.Value, true)));
    }

    private static RealSet? Between(MathNode low, bool withLow, MathNode high, bool withHigh)
    {
        if (Value(low) is not { } from || Value(high) is not { } to || from > to)
        {
            return null;
        }

        var piece = new Piece(from, withLow && double.IsFinite(from), to, withHigh && double.IsFinite(to));
        return piece.IsEmpty ? null : new([piece]);
    }

    private static RealSet? Join(MathNode.Combined combined)
    {
        var joined = Of(combined.Sets[0]);
        foreach (var set in combined.Sets.Skip(1))
        {
            if (joined is null || Of(set) is not { } next)
            {
                return null;
            }

            joined = combined.Operator switch { '∪' => joined.Or(next), '∩' => joined.And(next), _ => joined.And(next.Complement()) };
        }

        return joined;
    }

    /// <summary>
    /// Conditions in a list: all of them at once, or, where no number satisfies all or one of them names a single number (x = 1 or x > 2), each by itself.
    /// </summary>
    private static RealSet? Conditions(IReadOnlyList<MathNode> relations)
    {
        if (relations.SelectMany(Names).Distinct().Take(2).Count() != 1)
        {
            return null;
        }

        var sets = relations.Select(relation => IsInequality(relation) ? Of(relation) : Points([((MathNode.Relation)relation).Terms[1]])).ToList();
        return sets.Contains(null) ? null
            : relations.All(IsInequality) && sets.Aggregate((a, b) => a!.And(b!)) is { pieces.Count: > 0 } all ? all
            : sets.Aggregate((a, b) => a!.Or(b!));
    }

    private static RealSet? Condition(MathNode.Relation relation)
    {
        var (terms, operators) = (relation.Terms, relation.Operators);
        if (!IsInequality(relation))
        {
            return null;
        }

        if (terms.Count == 3 && MathName.Is(terms[1]))
        {
            return Half(terms[1], Turned(operators[0]), terms[0]) is { } lower && Half(terms[1], operators[1], terms[2]) is { } upper ? lower.And(upper) : null;
        }

        if (terms.Count != 2)
        {
            return null;
        }

        return MathName.Is(terms[0]) ? Half(terms[0], operators[0], terms[1])
            : MathName.Is(terms[1]) ? Half(terms[1], Turned(operators[0]), terms[0])
            : Linear(terms[0], operators[0], terms[1]);
    }

    private static RealSet? Half(MathNode name, char relation, MathNode bound) => Value(bound) is { } value && !Names(bound).Intersect(Names(name)).Any() ? Half(relation, value) : null;

    private static RealSet Half(char relation, double bound) => relation switch
    {
        '<' => new([new(double.NegativeInfinity, false, bound, false)]),
        '≤' => new([new(double.NegativeInfinity, false, bound, true)]),
        '>' => new([new(bound, false, double.PositiveInfinity, false)]),
        '≥' => new([new(bound, true, double.PositiveInfinity, false)]),
        _ => new([new(double.NegativeInfinity, false, bound, false), new(bound, false, double.PositiveInfinity, false)]),
    };

    /// <summary>a x + b against c x + d, seen from three points.</summary>
    private static RealSet? Linear(MathNode left, char relation, MathNode right)
    {
        var difference = new MathNode.Apply("-", left, right);
        if (Names(difference).Distinct().Take(2).ToList() is not [var name])
        {
            return null;
        }

        var unknown = new MathNode.Symbol(name);
        var samples = Enumerable.Range(0, 3).Select(point => (X: MathValue.At(unknown, point, real: true).Real, F: MathValue.At(difference, point, real: true))).ToList();
        var slope = (samples[1].F.Real - samples[0].F.Real) / (samples[1].X - samples[0].X);
        var expected = samples[0].F.Real + (slope * (samples[2].X - samples[0].X));
        return samples.All(sample => sample.F.Imaginary == 0) && double.IsFinite(slope) && Math.Abs(slope) > Tolerance && Math.Abs(expected - samples[2].F.Real) <= Tolerance * (1 + Math.Abs(expected))
            ? Half(slope < 0 ? Turned(relation) : relation, samples[0].X - (samples[0].F.Real / slope))
            : null;
    }

    private static char Turned(char relation) => relation switch { '<' => '>', '>' => '<', '≤' => '≥', '≥' => '≤', _ => relation };

    private RealSet Or(RealSet other) => new(pieces.Concat(other.pieces));

    private RealSet And(RealSet other) => new(
        from a in pieces
        from b in other.pieces
        let low = a.Low > b.Low ? (a.Low, a.WithLow) : b.Low > a.Low ? (b.Low, b.WithLow) : (a.Low, a.WithLow && b.WithLow)
        let high = a.High < b.High ? (a.High, a.WithHigh) : b.High < a.High ? (b.High, b.WithHigh) : (a.High, a.WithHigh && b.WithHigh)
        let both = new Piece(low.Item1, low.Item2, high.Item1, high.Item2)
        where !both.IsEmpty
        select both);

    private RealSet Complement()
    {
        var gaps = new List<Piece>();
        var (low, with) = (double.NegativeInfinity, false);
        foreach (var piece in pieces)
        {
            gaps.Add(new(low, with, piece.Low, !piece.WithLow && double.IsFinite(piece.Low)));
            (low, with) = (piece.High, !piece.WithHigh && double.IsFinite(piece.High));
        }

        gaps.Add(new(low, with, double.PositiveInfinity, false));
        return new(gaps.Where(gap => !gap.IsEmpty));
    }

    private static IEnumerable<string> Names(MathNode node) =>
        node is MathNode.Symbol { Name: not ("infty" or "ℝ" or "∅") } symbol ? [symbol.Name] : node.Parts.SelectMany(Names);

    /// <summary>A real number or ±∞; null for anything with letters in it.</summary>
    private static double? Value(MathNode node) => node switch
    {
        MathNode.Symbol { Name: "infty" } => double.PositiveInfinity,
        MathNode.Apply { Name: "neg", First: MathNode.Symbol { Name: "infty" } } => double.NegativeInfinity,
        _ => !node.Has(part => part is MathNode.Symbol) && MathValue.At(node, 0, real: true) is { Imaginary: 0 } value && double.IsFinite(value.Real) ? value.Real : null,
    };
}
