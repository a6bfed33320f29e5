using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Problem × checkpoint, sorted by difficulty.</summary>
internal static class ProblemByProblem
{
    private const int MostTableRows = 100;

    public static Section? Write(EvaluationScores scores)
    {
        var sampled = scores.Problems.Any(problem => problem.PassRates.Count > 0);
        if (scores.Problems.Count == 0 || (!sampled && scores.Problems.All(problem => problem.Greedy.Count == 0)))
        {
            return null;
        }
        var before = scores.Base is not null && scores.Problems.Any(problem => (sampled ? problem.BasePassRate : Share(problem.BaseGreedy)) is not null);
        var labels = Plot.Labels(scores.Trajectory);
        HeatColumn[] columns = [.. before ? new[] { new HeatColumn("base", scores.Base!.Name) } : [], .. labels.Zip(scores.Trajectory, (label, checkpoint) => new HeatColumn(label, checkpoint.Name))];
        HeatRow[] rows = [.. scores.Problems.Select(problem => new HeatRow(problem.Id, Shares(problem, sampled, before, labels.Count)))];
        var group = PageHeatMap.Group(rows.Length);
        Prose caption = $"Each row is a problem, the easiest on top{(group == 1 ? (Prose)$"" : $" (in the picture the mean of {group} of like difficulty)")}, each column a checkpoint; the darker, or in the dark theme the brighter, the more often it is solved. A row that is strong in the middle and pale at the right was learnt and lost.{(before ? (Prose)$" The column at the left is the model before training." : $"")}";
        return new("problems", "Problem by problem",
            [new HeatMap(columns, rows, Plot.AxisTitle(scores.Trajectory), sampled ? "share of samples that solve it" : "solved greedily", caption, Numbers(columns, rows))]);
    }

    private static IReadOnlyList<double?> Shares(ProblemScores problem, bool sampled, bool before, int checkpoints) =>
    [
        .. before ? new[] { sampled ? problem.BasePassRate : Share(problem.BaseGreedy) } : [],
        .. Enumerable.Range(0, checkpoints).Select(c => sampled
            ? c < problem.PassRates.Count ? problem.PassRates[c] : null
            : c < problem.Greedy.Count ? Share(problem.Greedy[c]) : null),
    ];

    private static double? Share(bool? solved) => solved is { } right ? right ? 1 : 0 : null;

    private static Table Numbers(HeatColumn[] columns, HeatRow[] rows)
    {
        var lines = rows.Take(MostTableRows)
            .Select(row => (IReadOnlyList<Prose>)[$"{row.Id}", .. row.Shares.Select(Number.Percent)]).ToList();
        if (rows.Length > MostTableRows)
        {
            lines.Add([$"… the other {rows.Length - MostTableRows} are in scores.json", .. columns.Select(_ => (Prose)$"")]);
        }
        return new([$"Problem", .. columns.Select(column => (Prose)$"{column.Label}")], lines);
    }
}
