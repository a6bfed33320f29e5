using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>All that the declared comparisons allow to be said, a sentence each; nothing is decided here.</summary>
internal static class Verdicts
{
    public static Section? Write(EvaluationScores scores)
    {
        Prose?[] said = [Base(scores), Earlier(scores), Forgotten(scores), Spread(scores), EarlyWeight(scores), SameTokens(scores)];
        Paragraph[] paragraphs = [.. said.OfType<Prose>().Select(sentence => new Paragraph(sentence))];
        return paragraphs.Length == 0 || Findings.Problems(scores) == 0 ? null : new("verdict", "What can be said", paragraphs);
    }

    private static Prose? Base(EvaluationScores scores) => Comparisons.FinalAgainstBase(scores) is { } before
        ? (Prose)$"The final checkpoint against the model before training: {Comparisons.Said(before.Members[0], before.Margin)}."
        : null;

    private static Prose? Earlier(EvaluationScores scores)
    {
        if (Comparisons.EachAgainstFinal(scores) is not { } family)
        {
            return null;
        }
        var (all, gains) = (family.Members.Count, Comparisons.Count(family, Outcome.Gain));
        var better = family.Members.Where(member => member.Outcome == Outcome.Gain).MaxBy(member => member.Difference.Value);
        var open = family.Members.Where(member => member.Outcome == Outcome.Inconclusive).MaxBy(member => member.Difference.Value);
        return (better, open) switch
        {
            ({ } most, _) => (Prose)$"{gains} of {all} earlier checkpoints {(gains == 1 ? (Prose)$"does" : $"do")} better than the final one, the most {most.Of}: {Comparisons.Said(most, family.Margin)}, {Comparisons.Correction(family)}.",
            (null, { } highest) => $"Whether an earlier checkpoint does better than the final one is not settled, the most promising being {highest.Of}: {Comparisons.Said(highest, family.Margin)}, {Comparisons.Correction(family)}.",
            _ => $"No earlier checkpoint does better than the final one: {Comparisons.Counted(family)}.",
        };
    }

    private static Prose? Forgotten(EvaluationScores scores)
    {
        if (scores.Trajectory.Count < 2)
        {
            return null;
        }
        var drawn = scores.ForgettingNull is null ? (Prose)$"greedy" : $"sampled";
        Prose? luck = Findings.Null(scores)?.Excess switch
        {
            null => null,
            { Low: > 0 } excess => (Prose)$"{drawn} forgetting exceeds chance by {Number.Points(excess)}",
            { High: < 0 } excess => $"{drawn} forgetting stays below chance by {Number.Points(excess)}",
            { } excess => $"whether {drawn} forgetting exceeds chance is INCONCLUSIVE, {Number.Points(excess)}",
        };
        if (scores.Forgetting is not { } forgetting)
        {
            return luck is null ? null : (Prose)$"Against chance: {luck}.";
        }
        return Findings.Lost(scores, forgetting) switch
        {
            (_, 0) => (Prose)$"The final checkpoint gets no problem wrong greedily.",
            (0, var wrong) => $"None of the {wrong} problems that the final checkpoint gets wrong greedily was solved on the way.",
            var (lost, wrong) => $"An earlier checkpoint had solved {lost} of the {wrong} problems that the final one gets wrong greedily, {(luck is null ? (Prose)$"part of which may be luck" : $"and {luck}")}.",
        };
    }

    private static Prose? Spread(EvaluationScores scores) => Comparisons.Spread(scores, "Pass") is { Members: [.., var most] } family
        ? (Prose)$"{scores.SamplesPerProblem} answers spread over checkpoints, {most.Of} against {most.Against}: {Comparisons.Said(most, family.Margin)}, {Comparisons.Correction(family)}."
        : null;

    private static Prose? EarlyWeight(EvaluationScores scores) => scores.EarlyWeights is not { Selection: { } selection } weights ? null
        : Findings.Gain(selection) is { } gain
            ? (Prose)$"Early weight {Number.Decimal(weights.Chosen)} against {weights.Late}, on problems that did not choose it: {Comparisons.Said(gain, selection.Gains.Margin)}."
            : $"No early weight beats {weights.Late} on the problems for choosing.";

    private static Prose? SameTokens(EvaluationScores scores)
    {
        if (scores.Budget is not { Comparisons: { Members.Count: > 0 } family } budget)
        {
            return null;
        }
        var isRead = budget.Methods.Any(method => method.RewardTokens > 0);
        Prose reading = isRead ? (Prose)$", a reward model’s reading included," : $"";
        // With all its tokens counted: reading is not free.
        if (Gains(method => method.ByAllTokens).MaxBy(gain => gain.Comparison.Together.Low) is { } whole)
        {
            return (Prose)$"For the same tokens{reading} the surest gain over self-consistency is that of {whole.Comparison.Of} against {whole.Comparison.Against}: {Comparisons.Said(whole.Comparison, family.Margin)}, {Comparisons.Correction(family)}.";
        }

        if (Gains(method => method.ByDrawnTokens).MaxBy(gain => gain.Comparison.Together.Low) is { } free)
        {
            Prose read = free.Method.ByAllTokens is { Comparison: { } place } ? (Prose)$"that counted, it is {Comparisons.Said(family.Members[place], family.Margin)}" : $"whether anything is left of it with that counted, was not compared";
            return (Prose)$"For the same tokens, with what a reward model reads for nothing, the surest gain over self-consistency is that of {free.Comparison.Of} against {free.Comparison.Against}: {Comparisons.Said(free.Comparison, family.Margin)}, {Comparisons.Correction(family)}; {read}.";
        }

        return budget.Methods.Any(method => IsVote(method.ByDrawnTokens) || IsVote(method.ByAllTokens))
            ? (Prose)$"For the same tokens no other method is shown to do better than self-consistency: {Comparisons.Counted(family)}."
            : null;

        // One answer, or two, are no vote: greedy against a single sample says nothing of self-consistency.
        bool IsVote(EqualBudget? axis) => axis is { K: > 2, Comparison: not null };

        IEnumerable<Gain> Gains(Func<BudgetMethod, EqualBudget?> axis) => budget.Methods
            .Where(method => IsVote(axis(method)) && family.Members[axis(method)!.Comparison!.Value].Outcome == Outcome.Gain)
            .Select(method => new Gain(method, family.Members[axis(method)!.Comparison!.Value]));
    }

    private sealed record Gain(BudgetMethod Method, Scoring.Comparison Comparison);
}
