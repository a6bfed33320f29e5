using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>What can be chosen along a trajectory, each chosen on one split of the problems and claimed on the other.</summary>
internal static class TrajectoryChoices
{
    /// <returns>The choices, and the id of the report split; none where there are not two clusters to split.</returns>
    public static (IReadOnlyList<Selection> Selections, string? ReportSplit) Of(ScoredProblem[] problems, EvaluationAnswers answers, Curves.Family passAtK)
    {
        string[] clusters = [.. problems.Select(problem => problem.Cluster)];
        if (answers.Trajectory.Count < 2 || clusters.Distinct(StringComparer.Ordinal).Count() < 2)
        {
            return ([], null);
        }

        var inSelect = SelectSplit.Of(clusters, answers.SelectShare, answers.Seed);
        var last = answers.Trajectory.Count - 1;
        var sampled = answers.SamplesPerProblem > 0;
        var selections = new List<Selection>
        {
            Selection.Of(
                ("checkpoint", sampled ? "Pass@1" : "greedy"),
                [
                    .. answers.Trajectory.Select((variant, j) => (variant.Name, problems.Select(problem =>
                        sampled ? problem.Trajectory[j].PassRate() : problem.Trajectory[j].GreedyCorrect() ? 1.0 : 0).ToArray())),
                ],
                [last], last + 1, clusters, inSelect, answers.Margin, answers.Seed),
        };
        if (passAtK.AtLargest.Count > 1)
        {
            selections.Add(Selection.Of(
                ("t", string.Create(CultureInfo.InvariantCulture, $"Pass@{answers.SamplesPerProblem}|t")),
                [.. passAtK.AtLargest.Select(at => (at.T.ToString(CultureInfo.InvariantCulture), at.Values))],
                [0], passAtK.AtLargest.Count, clusters, inSelect, answers.Margin, answers.Seed));
        }

        return (selections, SelectSplit.ReportId([.. problems.Select(problem => problem.Id)], inSelect));
    }
}
