using Hindsight.Reporting.Sections;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What was found, as the declared comparisons allow it to be said; nothing is decided here.</summary>
internal static class Findings
{
    /// <summary>The opening sentence.</summary>
    public static Prose Headline(EvaluationScores scores)
    {
        if (scores.Trajectory is not [.., var final] || Problems(scores) == 0)
        {
            return $"No problem has all its answers, so nothing can be said yet.";
        }
        var clauses = new List<Prose> { FirstTry(scores, final) };
        if (Comparisons.FinalAgainstBase(scores) is { } before)
        {
            clauses.Add($"against the model before training: {Comparisons.Said(before.Members[0], before.Margin)}");
        }
        if (Comparisons.EachAgainstFinal(scores) is { } earlier)
        {
            clauses.Add(Earlier(earlier));
        }
        if (Forgotten(scores) is { } forgotten)
        {
            clauses.Add(forgotten);
        }
        if (Comparisons.Spread(scores, "Pass") is { } spread)
        {
            clauses.Add($"{scores.SamplesPerProblem} answers spread over checkpoints, {spread.Members[^1].Of} against {spread.Members[^1].Against}: {Comparisons.Said(spread.Members[^1], spread.Margin)}");
        }
        if (scores.EarlyWeights is { Selection: { } selection } weights)
        {
            clauses.Add(Gain(selection) is { } gain
                ? (Prose)$"early weight {Number.Decimal(weights.Chosen)} against {weights.Late}, on problems that did not choose it: {Comparisons.Said(gain, selection.Gains.Margin)}"
                : $"no early weight beats {weights.Late} on the problems for choosing");
        }
        return $"{Prose.Join("; ", clauses)}.";
    }

    /// <summary>The numbers that the sentence is made of, each with how far it can be trusted.</summary>
    public static IReadOnlyList<KeyNumber> KeyNumbers(EvaluationScores scores)
    {
        if (scores.Trajectory is not [.., var final] || Problems(scores) == 0)
        {
            return [];
        }
        var numbers = new List<KeyNumber>();
        if ((final.PassAt1 ?? final.Greedy) is { } solved)
        {
            numbers.Add(new(
                $"Solved at the first try by the final checkpoint", $"{Number.Percent(solved.Value)}",
                Comparisons.FinalAgainstBase(scores) is { } before
                    ? (Prose)$"{Between(solved)}; against the model before training: {Comparisons.Said(before.Members[0], before.Margin)}"
                    : Between(solved)));
        }
        if (Comparisons.EachAgainstFinal(scores) is { } earlier)
        {
            numbers.Add(new($"Earlier checkpoints that do better than the final one", $"{Count(earlier, Outcome.Gain)} of {earlier.Members.Count}", Counted(earlier)));
        }
        if (scores.Trajectory.Count > 1 && scores.Forgetting is { } forgetting && Lost(scores, forgetting) is ( >= 0, > 0) counted)
        {
            numbers.Add(new(
                $"Final errors that an earlier checkpoint had solved, greedy", $"{counted.Lost} of {counted.Wrong}",
                Null(scores) is { } chance ? Beyond(chance) : $"no null reference"));
        }
        if (Comparisons.Spread(scores, "Pass") is { } spread)
        {
            numbers.Add(Decided($"Points of Pass@{scores.SamplesPerProblem} over several checkpoints, {spread.Members[^1].Of} against {spread.Members[^1].Against}", spread.Members[^1], spread, $"{Comparisons.Correction(spread)}"));
        }
        if (scores.EarlyWeights is { Selection: { } selection } weights)
        {
            numbers.Add(Gain(selection) is { } gain
                ? Decided($"Points of Pass@1 by early weight {Number.Decimal(weights.Chosen)} against {weights.Late}", gain, selection.Gains,
                    $"on {Number.Count(weights.ReportProblems, "problem", "problems")} that did not choose it; {selection.Tried} weights tried; {Comparisons.Correction(selection.Gains)}")
                : new($"Early weight", $"0", $"no mixture beat the late checkpoint on the {weights.SelectProblems} problems for choosing"));
        }
        return numbers;
    }

    /// <summary>Problems that could be scored.</summary>
    public static int Problems(EvaluationScores scores) => scores.ProblemCount - scores.IncompleteProblems.Count;

    /// <summary>The chosen one against the main reference; null where it is the reference itself.</summary>
    public static Scoring.Comparison? Gain(Selection selection) =>
        selection.Gains.Members.Count > 0 ? selection.Gains.Members[0] : null;

    /// <summary>Forgetting beside its null: of samples, where there are any, since they are many.</summary>
    public static ForgettingNull? Null(EvaluationScores scores) => scores.ForgettingNull ?? scores.Forgetting?.Null;

    /// <summary>Whether more is forgotten than would seem so had nothing changed.</summary>
    public static Prose Beyond(ForgettingNull chance)
    {
        Prose word = chance.Excess switch
        {
            { Low: > 0 } => (Prose)$"more than chance gives",
            { High: < 0 } => $"less than chance gives, as when checkpoints got better on the way",
            _ => $"INCONCLUSIVE, chance alone could explain it",
        };
        return $"{word}: {Number.Points(chance.Excess)} beyond what is expected if nothing changed, p\u00a0=\u00a0{Comparisons.PValue(chance.PValue)}";
    }

    private static Prose FirstTry(EvaluationScores scores, CheckpointScores final)
    {
        var which = scores.Trajectory.Count == 1 ? (Prose)$"The only checkpoint, {final.Name}," : $"The final checkpoint, {final.Name},";
        var of = Number.Count(Problems(scores), "problem", "problems");
        return final switch
        {
            { PassAt1: { } sampled } => (Prose)$"{which} solves {sampled} of {of} at the first try",
            { Greedy: { } greedy } => $"{which} solves {greedy} of {of} greedily",
            _ => $"{which} has no scored answers on {of}",
        };
    }

    private static Prose Earlier(ComparisonFamily family)
    {
        var all = family.Members.Count;
        var better = family.Members.Where(member => member.Outcome == Outcome.Gain).MaxBy(member => member.Difference.Value);
        var open = family.Members.Where(member => member.Outcome == Outcome.Inconclusive).MaxBy(member => member.Difference.Value);
        return (better, open) switch
        {
            ({ } most, _) => (Prose)$"{Count(family, Outcome.Gain)} of {all} earlier checkpoints {(Count(family, Outcome.Gain) == 1 ? (Prose)$"does" : $"do")} better, the most {most.Of}: {Comparisons.Said(most, family.Margin)}, {Comparisons.Correction(family)}",
            (null, { } highest) => $"whether an earlier checkpoint does better is not settled, the most promising being {highest.Of}: {Comparisons.Said(highest, family.Margin)}, {Comparisons.Correction(family)}",
            _ => $"no earlier checkpoint does better: {Counted(family)}",
        };
    }

    private static Prose Counted(ComparisonFamily family)
    {
        var counts = new[] { Outcome.Gain, Outcome.NoDifference, Outcome.Inconclusive, Outcome.Loss }
            .Where(outcome => Count(family, outcome) > 0)
            .Select(outcome => (Prose)$"{Comparisons.Word(outcome)} for {Count(family, outcome)}");
        return $"{Prose.Join(", ", counts)}, {Comparisons.Correction(family)}";
    }

    private static int Count(ComparisonFamily family, Outcome outcome) => family.Members.Count(member => member.Outcome == outcome);

    private static Prose? Forgotten(EvaluationScores scores)
    {
        if (scores.Trajectory.Count < 2)
        {
            return null;
        }
        var drawn = scores.ForgettingNull is null ? (Prose)$"greedy" : $"sampled";
        Prose? luck = Null(scores)?.Excess switch
        {
            null => null,
            { Low: > 0 } excess => (Prose)$"{drawn} forgetting exceeds chance by {Number.Points(excess)}",
            { High: < 0 } excess => $"{drawn} forgetting stays below chance by {Number.Points(excess)}",
            { } excess => $"whether {drawn} forgetting exceeds chance is INCONCLUSIVE, {Number.Points(excess)}",
        };
        if (scores.Forgetting is not { } forgetting)
        {
            return luck;
        }
        return Lost(scores, forgetting) switch
        {
            (_, 0) => (Prose)$"it gets none wrong greedily",
            (0, var wrong) => $"none of the {wrong} that it gets wrong greedily was solved on the way",
            var (lost, wrong) => $"an earlier checkpoint had solved {lost} of the {wrong} that it gets wrong greedily, {(luck is null ? (Prose)$"part of which may be luck" : $"and {luck}")}",
        };
    }

    private static KeyNumber Decided(Prose label, Scoring.Comparison comparison, ComparisonFamily family, Prose how)
    {
        var points = Number.Fixed(100 * comparison.Difference.Value);
        return new(label, comparison.Difference.Value >= 0.0005 ? $"+{points}" : points, $"{Comparisons.Said(comparison, family.Margin)}; {how}");
    }

    private static (int Lost, int Wrong) Lost(EvaluationScores scores, ForgettingScores forgetting) => (
        (int)Math.Round(forgetting.TemporalForgetting.Value * Problems(scores)),
        (int)Math.Round((1 - forgetting.Final.Value) * Problems(scores)));

    private static Prose Between(Estimate share) => $"95\u00a0% interval {Number.Fixed(100 * share.Low)}–{Number.Fixed(100 * share.High)}";
}
