using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What was found, said by plain rules: a difference is claimed only where its interval leaves zero out.</summary>
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
        if (scores.Trajectory.Count > 1 && Forgotten(scores) is { } forgotten)
        {
            clauses.Add(forgotten);
        }
        if (LongestBudget(scores.PassAtK) is { } budget)
        {
            clauses.Add(Spread(budget));
        }
        if (scores.EarlyWeights is { } weights)
        {
            clauses.Add(Weighted(weights));
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
            numbers.Add(new($"Solved at the first try by the final checkpoint", $"{Number.Percent(solved.Value)}",
                (final.PassAt1 is null ? scores.Base?.Greedy : scores.Base?.PassAt1) is { } before
                    ? (Prose)$"{Between(solved)}; before training {Number.Percent(before.Value)}"
                    : Between(solved)));
        }
        if (scores.Trajectory.Count > 1 && scores.Forgetting is { } forgetting && Lost(scores, forgetting) is ( >= 0, > 0) counted)
        {
            var (lost, wrong) = counted;
            numbers.Add(new($"Final errors that an earlier checkpoint had solved, greedy", $"{lost} of {wrong}",
                scores.SampledForgetting?.Excess is { } excess
                    ? (Prose)$"sampled, against the null: {Number.Points(excess)}, {Clear(excess)}"
                    : $"no null reference without samples"));
        }
        if (LongestBudget(scores.PassAtK) is { } budget)
        {
            var change = budget.Spread.Value - budget.Alone.Value;
            numbers.Add(new($"Pass@{budget.K} over {budget.T} checkpoints instead of the final one",
                Math.Round(change, 3) == 0 ? Number.Percent(budget.Spread.Value) : $"{Number.Fixed(100 * budget.Alone.Value)} → {Number.Percent(budget.Spread.Value)}",
                Math.Round(change, 3) == 0 ? (Prose)$"no difference"
                    : Overlap(budget.Alone, budget.Spread) ? (Prose)$"the two intervals overlap: not a clear difference" : $"the two intervals do not overlap"));
        }
        if (scores.EarlyWeights is { } weights)
        {
            numbers.Add(weights.Chosen == 0
                ? new($"Early weight", $"0", $"no mixture beat the late checkpoint on the {weights.SelectProblems} problems for choosing")
                : new($"Pass@1 gained by early weight {Number.Decimal(weights.Chosen)}", $"{Number.Points(weights.GainOverLate)}",
                    $"on {Number.Count(weights.ReportProblems, "problem", "problems")} not used for choosing: {Clear(weights.GainOverLate)}"));
        }
        return numbers;
    }

    /// <summary>Problems that could be scored.</summary>
    public static int Problems(EvaluationScores scores) => scores.ProblemCount - scores.IncompleteProblems.Count;

    /// <summary>Whether a difference can be told from none.</summary>
    public static Prose Clear(Estimate difference) => difference switch
    {
        { Low: > 0 } => (Prose)$"a clear gain",
        { High: < 0 } => $"a clear loss",
        _ => $"not a clear difference, the interval includes zero",
    };

    /// <summary>The smallest true difference that this many problems would show four times in five: 2.8 standard errors, the interval being about ±1.96.</summary>
    public static Prose Detectable(Estimate difference) => $"{Number.Fixed(100 * (difference.High - difference.Low) / 2 * 2.8 / 1.96)} points";

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

    private static Prose? Forgotten(EvaluationScores scores)
    {
        Prose luck = scores.SampledForgetting?.Excess switch
        {
            null => (Prose)$", part of which may be luck: there is no null reference without samples",
            { Low: > 0 } excess => $", more than chance gives: sampling shows {Number.Points(excess)} beyond the null",
            { High: < 0 } excess => $", though sampling shows less than the null: {Number.Points(excess)}",
            { } excess => $", which chance alone could explain: sampling shows {Number.Points(excess)} beyond the null",
        };
        if (scores.Forgetting is not { } forgetting)
        {
            return scores.SampledForgetting?.Excess is { } alone
                ? (Prose)$"one sample from every checkpoint instead of as many from the final one solves {Number.Points(alone)}, {Clear(alone)}"
                : null;
        }
        var (lost, wrong) = Lost(scores, forgetting);
        return (lost, wrong) switch
        {
            (_, 0) => (Prose)$"it gets none wrong greedily",
            (0, _) => $"none of the {wrong} that it gets wrong greedily was solved on the way",
            _ => $"an earlier checkpoint had solved {lost} of the {wrong} that it gets wrong greedily{luck}",
        };
    }

    private static Prose Spread(Budget budget)
    {
        var change = Math.Round(budget.Spread.Value - budget.Alone.Value, 3);
        Prose how = $"spreading {budget.K} answers over the {budget.T} newest checkpoints";
        return change == 0
            ? (Prose)$"{how} leaves Pass@{budget.K} at {Number.Percent(budget.Alone.Value)}"
            : $"{how} {(change > 0 ? (Prose)$"lifts" : $"lowers")} Pass@{budget.K} from {Number.Percent(budget.Alone.Value)} to {Number.Percent(budget.Spread.Value)}{(Overlap(budget.Alone, budget.Spread) ? (Prose)$", within their intervals" : $"")}";
    }

    private static Prose Weighted(EarlyWeightScores weights) => weights.Chosen == 0
        ? (Prose)$"no early weight beats {weights.Late} on the problems for choosing"
        : $"early weight {Number.Decimal(weights.Chosen)} changes Pass@1 by {Number.Points(weights.GainOverLate)} on problems not used for choosing{(weights.GainOverLate is { Low: <= 0, High: >= 0 } ? (Prose)$", not a clear difference" : $"")}";

    private static (int Lost, int Wrong) Lost(EvaluationScores scores, ForgettingScores forgetting) => (
        (int)Math.Round(forgetting.TemporalForgetting.Value * Problems(scores)),
        (int)Math.Round((1 - forgetting.Final.Value) * Problems(scores)));

    // The widest spread at the largest budget that both curves reach: fixed before looking, so that nothing is picked for its score.
    private static Budget? LongestBudget(IReadOnlyList<Curve> curves)
    {
        var alone = curves.FirstOrDefault(curve => curve.T == 1);
        var spread = curves.Where(curve => curve.T > 1).MaxBy(curve => curve.T);
        var k = alone?.Points.Select(point => point.K).Intersect(spread?.Points.Select(point => point.K) ?? []).DefaultIfEmpty(0).Max() ?? 0;
        return k == 0 ? null : new(k, spread!.T, alone!.Points.First(point => point.K == k).Score, spread.Points.First(point => point.K == k).Score);
    }

    private static bool Overlap(Estimate one, Estimate other) => one.Low <= other.High && other.Low <= one.High;

    private static Prose Between(Estimate share) => $"95\u00a0% interval {Number.Fixed(100 * share.Low)}–{Number.Fixed(100 * share.High)}";

    private sealed record Budget(int K, int T, Estimate Alone, Estimate Spread);
}
