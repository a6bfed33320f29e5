using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Checkpoint × problem, sorted by difficulty.</summary>
internal static class HeatMap
{
    private const int MostRows = 280;
    private const int MostTableRows = 300;
    private const int MostLabels = 40;
    private const int Shades = 9;

    public static Section? Write(EvaluationScores scores)
    {
        var sampled = scores.Problems.Any(problem => problem.PassRates.Count > 0);
        if (scores.Problems.Count == 0 || (!sampled && scores.Problems.All(problem => problem.Greedy.Count == 0)))
        {
            return null;
        }
        var rows = scores.Problems.Select(problem => new Row(Inert.Line(problem.Id), problem.Id, 1,
            sampled ? problem.BasePassRate : problem.BaseGreedy is { } solved ? (solved ? 1 : 0) : null,
            sampled ? problem.PassRates : [.. problem.Greedy.Select(greedy => greedy ? 1.0 : 0.0)])).ToList();
        return new("problems", "Problem by problem", [Chart(scores, rows, sampled)]);
    }

    private static Figure Chart(EvaluationScores scores, List<Row> rows, bool sampled)
    {
        var labels = Plot.Labels(scores.Trajectory);
        var before = rows.Any(row => row.Base is not null);
        var group = (rows.Count + MostRows - 1) / MostRows;
        var shown = group <= 1 ? rows : [.. rows.Chunk(group).Select(Merge)];
        var named = shown.Count <= MostLabels && shown.DistinctBy(row => row.Label).Count() == shown.Count;
        var cells = new List<object>();
        for (var r = 0; r < shown.Count; r++)
        {
            var id = shown[r].Label;
            object y = named ? id : r;
            if (shown[r].Base is { } start)
            {
                cells.Add(new { x = "base", y, id, rate = start });
            }
            for (var c = 0; c < shown[r].Rates.Count && c < labels.Count; c++)
            {
                cells.Add(new { x = labels[c], y, id, rate = shown[r].Rates[c] });
            }
        }
        string[] columns = before ? ["base", .. labels] : [.. labels];
        var layer = new[]
        {
            new
            {
                mark = new { type = "rect" },
                encoding = new
                {
                    x = new { field = "x", type = "ordinal", title = Plot.AxisTitle(scores.Trajectory), scale = new { domain = columns, paddingInner = labels.Count <= 40 ? 0.06 : 0 }, axis = new { labelAngle = 0, labelOverlap = "greedy", labelLimit = 120, domain = false, ticks = false } },
                    y = new { field = "y", type = "ordinal", title = "problems, the hardest at the bottom", sort = (string?)null, scale = new { paddingInner = shown.Count <= 120 ? 0.08 : 0 }, axis = new { labels = named, labelLimit = 110, domain = false, ticks = false } },
                    color = new
                    {
                        field = "rate",
                        type = "quantitative",
                        scale = new { type = "quantize", domain = new[] { 0, 1 }, range = Enumerable.Range(0, Shades).Select(shade => $"var(--heat-{shade})") },
                        legend = (object?)null,
                    },
                    tooltip = new[] { Plot.Tip("id", group <= 1 ? "problem" : "problems"), Plot.Tip("x", "checkpoint"), Plot.Tip("rate", "solved", ".0%") },
                },
            },
        };
        Prose caption = $"Each row is a problem{(group <= 1 ? (Prose)$"" : $" (here the mean of {group} of like difficulty)")}, each column a checkpoint; the darker, or in the dark theme the brighter, the more often it is solved. A row that is strong in the middle and pale at the right was learnt and lost.{(before ? (Prose)$" The column at the left is the model before training." : $"")}";
        return new(Plot.Json(Math.Clamp(14 * shown.Count, 60, 560), cells, layer),
            $"Heat map of {rows.Count} problems by {labels.Count} checkpoints", caption, Numbers(scores, rows, before),
            sampled ? "share of samples that solve it" : "solved greedily");
    }

    private static Table Numbers(EvaluationScores scores, List<Row> rows, bool before)
    {
        Prose[] header = [$"Problem", .. before ? new Prose[] { $"base" } : [], .. Plot.Labels(scores.Trajectory).Select(label => (Prose)$"{label}")];
        var lines = rows.Take(MostTableRows).Select(row => (IReadOnlyList<Prose>)[
            $"{row.Id}", .. before ? new[] { Number.Percent(row.Base) } : [], .. row.Rates.Select(rate => Number.Percent(rate))]).ToList();
        if (rows.Count > MostTableRows)
        {
            lines.Add([$"… the other {rows.Count - MostTableRows} are in scores.json", .. header.Skip(1).Select(_ => (Prose)$"")]);
        }
        return new(header, lines);
    }

    private static Row Merge(Row[] rows) => new(
        rows.Length == 1 ? rows[0].Label : $"{rows[0].Label} … {rows[^1].Label}", "", rows.Length,
        rows.All(row => row.Base is not null) ? rows.Average(row => row.Base!.Value) : null,
        [.. Enumerable.Range(0, rows.Min(row => row.Rates.Count)).Select(c => rows.Average(row => row.Rates[c]))]);

    private sealed record Row(string Label, string Id, int Problems, double? Base, IReadOnlyList<double> Rates);
}
