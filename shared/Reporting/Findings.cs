using Hindsight.Reporting.Sections;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What the page opens with; the outcomes are those of the declared comparisons, nothing is decided here.</summary>
internal static class Findings
{
    /// <summary>One sentence: how well the run ended, what it forgot if that is certain, and the surest remedy if one is.</summary>
    public static Prose Headline(EvaluationScores scores)
    {
        if (scores.Trajectory is not [.., var final] || Problems(scores) == 0)
        {
            return $"No problem has all its answers, so nothing can be said yet.";
        }
        Prose forgotten = Null(scores)?.Excess is { Low: > 0 } excess && scores.Trajectory.Count > 1
            ? (Prose)$" and has forgotten {Number.Points(excess)} more than chance gives"
            : $"";
        return $"{FirstTry(scores, final)}{forgotten}{Best(Remedies(scores))}.";
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
            numbers.Add(new($"Earlier checkpoints that do better than the final one", $"{Comparisons.Count(earlier, Outcome.Gain)} of {earlier.Members.Count}", Comparisons.Counted(earlier)));
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

    private static IReadOnlyList<Remedy> Remedies(EvaluationScores scores)
    {
        var remedies = new List<Remedy>();
        Prose first = scores.SamplesPerProblem > 0 ? (Prose)$"Pass@1" : $"the greedy score";
        if (Comparisons.EachAgainstFinal(scores) is { } earlier)
        {
            remedies.AddRange(earlier.Members.Select(member => new Remedy($"going back to {member.Of}", first, member)));
        }
        if (Comparisons.Spread(scores, "Pass") is { } spread)
        {
            remedies.AddRange(spread.Members.Select(member => new Remedy($"spreading answers over checkpoints, {member.Of}", $"Pass@{scores.SamplesPerProblem}", member)));
        }
        if (scores.EarlyWeights is { Selection: { } selection } weights && Gain(selection) is { } gain)
        {
            remedies.Add(new($"mixing in {weights.Early} at early weight {Number.Decimal(weights.Chosen)}", first, gain));
        }
        return remedies;
    }

    // Gains of different scores are ranked by what is certain of each: the lower end of its corrected interval.
    private static Prose Best(IReadOnlyList<Remedy> remedies)
    {
        var gain = remedies.Where(remedy => remedy.Comparison.Outcome == Outcome.Gain).MaxBy(remedy => remedy.Comparison.Together.Low);
        var open = remedies.Where(remedy => remedy.Comparison.Outcome == Outcome.Inconclusive).MaxBy(remedy => remedy.Comparison.Together.Value);
        return (gain, open) switch
        {
            ({ } surest, _) => (Prose)$"; the surest remedy is {surest.What}: {Number.Points(surest.Comparison.Together)} of {surest.Score}",
            (null, { Comparison.Together.Value: > 0 } likeliest) => $"; no remedy is certain, the most promising is {likeliest.What}: {Number.Points(likeliest.Comparison.Together)} of {likeliest.Score}",
            _ => remedies.Count > 0 ? (Prose)$"; no remedy that was tried does better" : $"",
        };
    }

    /// <summary>Greedily, by the final checkpoint: problems wrong that an earlier checkpoint had solved, and problems wrong.</summary>
    public static (int Lost, int Wrong) Lost(EvaluationScores scores, ForgettingScores forgetting) => (
        (int)Math.Round(forgetting.TemporalForgetting.Value * Problems(scores)),
        (int)Math.Round((1 - forgetting.Final.Value) * Problems(scores)));

    private static KeyNumber Decided(Prose label, Scoring.Comparison comparison, ComparisonFamily family, Prose how)
    {
        var points = Number.Fixed(100 * comparison.Difference.Value);
        return new(label, comparison.Difference.Value >= 0.0005 ? $"+{points}" : points, $"{Comparisons.Said(comparison, family.Margin)}; {how}");
    }

    private static Prose Between(Estimate share) => $"95\u00a0% interval {Number.Fixed(100 * share.Low)}–{Number.Fixed(100 * share.High)}";

    /// <summary>Something that might do better than the final checkpoint alone, and by which score.</summary>
    private sealed record Remedy(Prose What, Prose Score, Scoring.Comparison Comparison);
}
