using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>What can be chosen along a trajectory, and the temperature of its end, each chosen on one split of the problems and claimed on the other.</summary>
internal static class TrajectoryChoices
{
    /// <returns>The choices, and the id of the report split; none where there are not two clusters to split.</returns>
    public static (IReadOnlyList<Selection> Selections, string? ReportSplit) Of(ScoredProblem[] problems, EvaluationAnswers answers, Curves.Family passAtK)
    {
        string[] clusters = [.. problems.Select(problem => problem.Cluster)];
        if ((answers.Trajectory.Count < 2 && answers.Temperatures.Count < 2) || clusters.Distinct(StringComparer.Ordinal).Count() < 2)
        {
            return ([], null);
        }

        var inSelect = SelectSplit.Of(clusters, answers.SelectShare, answers.Seed);
        var last = answers.Trajectory.Count - 1;
        var sampled = answers.SamplesPerProblem > 0;
        var selections = new List<Selection>();
        if (answers.Trajectory.Count > 1)
        {
            selections.Add(Selection.Of(
                ("checkpoint", sampled ? "Pass@1" : "greedy"),
                [
                    .. answers.Trajectory.Select((variant, j) => (variant.Name, problems.Select(problem =>
                        sampled ? problem.Rate(j) : problem.Trajectory[j].GreedyCorrect() ? 1.0 : 0).ToArray())),
                ],
                [last], last + 1, clusters, inSelect, answers.Margin, answers.Seed));
        }

        if (passAtK.AtLargest.Count > 1)
        {
            selections.Add(Selection.Of(
                ("t", string.Create(CultureInfo.InvariantCulture, $"Pass@{answers.SamplesPerProblem}|t")),
                [.. passAtK.AtLargest.Select(at => (at.T.ToString(CultureInfo.InvariantCulture), at.Values))],
                [0], passAtK.AtLargest.Count, clusters, inSelect, answers.Margin, answers.Seed));
        }

        selections.AddRange(Temperature(problems, answers, clusters, inSelect));
        return (selections, SelectSplit.ReportId([.. problems.Select(problem => problem.Id)], inSelect));
    }

    /// <summary>The temperature, by what one answer is worth and by what the majority of all is; over problems that have all samples at all temperatures.</summary>
    private static IEnumerable<Selection> Temperature(ScoredProblem[] problems, EvaluationAnswers answers, string[] clusters, bool[] inSelect)
    {
        var place = answers.ProblemIds.Index().ToDictionary(problem => problem.Item, problem => problem.Index);
        int[] whole =
        [
            .. Enumerable.Range(0, problems.Length).Where(i => answers.Temperatures.All(at =>
                at.Answers.Problems[place[problems[i].Id]].Sampled.Count >= answers.SamplesPerProblem)),
        ];
        var side = whole.Select(i => inSelect[i]).ToArray();
        if (answers.Temperatures.Count < 2 || answers.SamplesPerProblem == 0 || !side.Contains(true) || !side.Contains(false))
        {
            yield break;
        }

        (string Score, Func<ProblemAnswers, double> Of)[] scores =
        [
            ("Pass@1", problem => problem.PassRate()),
            (string.Create(CultureInfo.InvariantCulture, $"Maj@{answers.SamplesPerProblem}"), Majority),
        ];
        foreach (var (score, of) in scores)
        {
            yield return Selection.Of(
                ("temperature", score),
                [
                    .. answers.Temperatures.Select(at => (
                        at.Temperature.ToString(CultureInfo.InvariantCulture), whole.Select(i => of(at.Answers.Problems[place[problems[i].Id]])).ToArray())),
                ],
                [0], answers.Temperatures.Count, [.. whole.Select(i => clusters[i])], side, answers.Margin, answers.Seed);
        }
    }

    /// <summary>Whether the majority of all samples is right; tied answers share the win.</summary>
    private static double Majority(ProblemAnswers problem)
    {
        var classes = AnswerClasses.Of([problem]);
        return MajAtK.Share([.. classes.Counts.Select(counts => counts[0])], classes.Correct);
    }
}
