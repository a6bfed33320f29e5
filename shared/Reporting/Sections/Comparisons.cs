using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>The declared comparisons in words: what can be said of each, by which interval, and for how many it is corrected.</summary>
internal static class Comparisons
{
    public static ComparisonFamily? EachAgainstFinal(EvaluationScores scores) => OfKind(scores, FamilyKind.EachAgainstFinal);

    public static ComparisonFamily? FinalAgainstBase(EvaluationScores scores) => OfKind(scores, FamilyKind.FinalAgainstBase);

    /// <summary>One score over several checkpoints against the final one alone, at equal budget.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="score"><c>Pass</c>, <c>Maj</c> or <c>BoN</c>.</param>
    public static ComparisonFamily? Spread(EvaluationScores scores, string score) => OfKind(scores, score switch
    {
        "Pass" => FamilyKind.PassSpread,
        "Maj" => FamilyKind.MajSpread,
        "BoN" => FamilyKind.BestOfNSpread,
        _ => throw new ArgumentOutOfRangeException(nameof(score)),
    });

    public static Prose Word(Outcome outcome) => outcome switch
    {
        Outcome.Gain => (Prose)$"GAIN",
        Outcome.Loss => $"LOSS",
        Outcome.NoDifference => $"NO DIFFERENCE",
        _ => $"INCONCLUSIVE",
    };

    /// <summary>The outcome with the interval that decides it; where nothing can be said, also what could have been.</summary>
    public static Prose Said(Scoring.Comparison comparison, double margin) => comparison.Outcome switch
    {
        Outcome.NoDifference => $"{Word(comparison.Outcome)} of {Points(margin)} or more, {Number.Points(comparison.Together)}",
        Outcome.Inconclusive => $"{Word(comparison.Outcome)}, {Number.Points(comparison.Together)}{(comparison.Detectable is { } effect ? (Prose)$", detectable {Points(effect)}" : $"")}",
        _ => $"{Word(comparison.Outcome)}, {Number.Points(comparison.Together)}",
    };

    /// <summary>For how many comparisons the outcomes are corrected.</summary>
    public static Prose Correction(ComparisonFamily family) => family.Members.Count == 1
        ? (Prose)$"the only comparison of its family"
        : $"corrected for {family.Members.Count} comparisons by max-t";

    /// <summary>How many comparisons of a family came out so.</summary>
    public static int Count(ComparisonFamily family, Outcome outcome) => family.Members.Count(member => member.Outcome == outcome);

    /// <summary>A family's outcomes, counted.</summary>
    public static Prose Counted(ComparisonFamily family)
    {
        var counts = new[] { Outcome.Gain, Outcome.NoDifference, Outcome.Inconclusive, Outcome.Loss }
            .Where(outcome => Count(family, outcome) > 0)
            .Select(outcome => (Prose)$"{Word(outcome)} for {Count(family, outcome)}");
        return $"{Prose.Join(", ", counts)}, {Correction(family)}";
    }

    public static Prose Points(double share) => $"{Number.Fixed(100 * share)}\u00a0points";

    public static Prose PValue(double p) => p < 0.001 ? (Prose)$"below 0.001" : Number.Decimal(p);

    /// <summary>A family as a table, with a line on how it was decided.</summary>
    public static IReadOnlyList<Block> Blocks(ComparisonFamily family)
    {
        var units = family.Members[0].Clusters == family.Members[0].Problems
            ? Number.Count(family.Members[0].Problems, "problem", "problems")
            : $"{Number.Count(family.Members[0].Problems, "problem", "problems")} in {Number.Count(family.Members[0].Clusters, "cluster", "clusters")}";
        Prose together = family.Members.Count == 1
            ? (Prose)$"the only comparison of its family, so nothing is corrected"
            : $"decided by the interval for all {family.Members.Count} comparisons at once, corrected by max-t";
        return
        [
            new Table(
                [$"Compared", $"Against", $"Outcome", $"Difference alone", $"All at once", $"p corrected", $"Detectable", $"Up : down"],
                [.. family.Members.Select(member => (IReadOnlyList<Prose>)[
                    $"{member.Of}", $"{member.Against}", Word(member.Outcome), Number.Points(member.Difference), Number.Points(member.Together),
                    PValue(member.AdjustedPValue),
                    member.Detectable is { } effect ? Points(effect) : $"–", $"{member.Higher} : {member.Lower}"])],
                TextColumns: 3),
            new Paragraph($"Paired over {units}, 95\u00a0% intervals; {together}. NO DIFFERENCE means smaller than the declared {Points(family.Margin)}; “up : down” counts problems."),
        ];
    }

    private static ComparisonFamily? OfKind(EvaluationScores scores, FamilyKind kind) =>
        scores.Comparisons.FirstOrDefault(family => family.Members.Count > 0 && family.Kind == kind);
}
