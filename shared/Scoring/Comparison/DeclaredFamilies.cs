using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>The comparisons that every evaluation makes, declared before there are scores.</summary>
internal static class DeclaredFamilies
{
    public static IReadOnlyList<ComparisonFamily> Of(
        ScoredProblem[] problems, EvaluationAnswers answers, ClusteredMean means, params ReadOnlySpan<(FamilyKind Kind, string Score, Curves.Family Family)> spread)
    {
        var families = new List<ComparisonFamily>();
        var sampled = answers.SamplesPerProblem > 0;
        var score = sampled ? "Pass@1" : "greedy";
        var final = answers.Trajectory[^1].Name;
        if (problems.Length > 0 && problems[0].Trajectory.Length > 1)
        {
            families.Add(Family(
                FamilyKind.EachAgainstFinal,
                $"{score} of each checkpoint against the final one",
                [
                    .. Enumerable.Range(0, answers.Trajectory.Count - 1).Select(j => Contrast.Between(
                        answers.Trajectory[j].Name, Values(problem => problem.Trajectory[j]), final, Values(problem => problem.Final))),
                ]));
        }

        if (answers.Base is { } before && problems.Length > 0
            && problems.All(problem => sampled ? problem.Base!.Sampled.Count >= answers.SamplesPerProblem : problem.Base!.Greedy is not null))
        {
            families.Add(Family(
                FamilyKind.FinalAgainstBase,
                $"{score} of the final checkpoint against the model before training",
                [Contrast.Between(final, Values(problem => problem.Final), before.Name, Values(problem => problem.Base!))]));
        }

        foreach (var (kind, name, family) in spread)
        {
            if (family.AtLargest is [var alone, _, ..])
            {
                families.Add(Family(
                    kind,
                    string.Create(CultureInfo.InvariantCulture, $"{name}@{answers.SamplesPerProblem}|t against t = 1, at equal budget"),
                    [.. family.AtLargest.Skip(1).Select(at => Contrast.Between(Name(at.T), at.Values, Name(1), alone.Values))]));
            }
        }

        return families;

        ComparisonFamily Family(FamilyKind kind, string name, IReadOnlyList<Contrast> contrasts) =>
            PairedComparison.Family(name, contrasts, means, answers.Margin, answers.Seed) with { Kind = kind };

        double[] Values(Func<ScoredProblem, ProblemAnswers> at) =>
            [.. problems.Select(problem => sampled ? at(problem).PassRate() : at(problem).GreedyCorrect() ? 1.0 : 0)];

        static string Name(int t) => string.Create(CultureInfo.InvariantCulture, $"t = {t}");
    }
}
