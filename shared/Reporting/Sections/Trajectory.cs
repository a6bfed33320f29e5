using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Pass@1 along the training run.</summary>
internal static class Trajectory
{
    public static Section? Write(EvaluationScores scores)
    {
        var trajectory = scores.Trajectory;
        if (trajectory.All(checkpoint => checkpoint.PassAt1 is null && checkpoint.Greedy is null))
        {
            return null;
        }
        var blocks = new List<Block> { Chart(scores) };
        if (Comparisons.FinalAgainstBase(scores) is { } before)
        {
            blocks.Add(new Paragraph($"The final checkpoint against the model before training."));
            blocks.AddRange(Comparisons.Blocks(before));
        }
        if (Comparisons.EachAgainstFinal(scores) is { } earlier)
        {
            blocks.Add(new Paragraph($"Each checkpoint against the final one: a GAIN is a checkpoint that does better than the last."));
            blocks.AddRange(Comparisons.Blocks(earlier));
        }
        return new("trajectory", "Along the training run", blocks);
    }

    private static Figure Chart(EvaluationScores scores)
    {
        var trajectory = scores.Trajectory;
        var steps = trajectory.All(c => c.Step is not null) && trajectory.DistinctBy(c => c.Step).Count() == trajectory.Count && trajectory.Count > 1;
        var labels = Plot.Labels(trajectory);
        var rows = new List<object>();
        for (var i = 0; i < trajectory.Count; i++)
        {
            object at = steps ? trajectory[i].Step!.Value : labels[i];
            var name = Inert.Line(trajectory[i].Name);
            if (trajectory[i].PassAt1 is { } sampled)
            {
                var band = trajectory[i].PassAt1Band;
                rows.Add(new { at, name, series = "sampled (Pass@1)", value = sampled.Value, low = sampled.Low, high = sampled.High, bandLow = band?.Low, bandHigh = band?.High });
            }
            if (trajectory[i].Greedy is { } greedy)
            {
                rows.Add(new { at, name, series = "greedy", value = greedy.Value });
            }
        }
        var before = scores.Base?.PassAt1 ?? scores.Base?.Greedy;
        var domain = Plot.Domain(trajectory.SelectMany(c => new[] { c.PassAt1, c.PassAt1Band is { } b ? Plot.Around(c.PassAt1!.Value, b) : null, c.Greedy is { } g ? new Estimate(g.Value, g.Value, g.Value) : null })
            .Append(before is null ? null : new Estimate(before.Value, before.Value, before.Value)).OfType<Estimate>());
        var x = steps
            ? (object)new
            {
                field = "at",
                type = "quantitative",
                title = Plot.AxisTitle(trajectory),
                scale = new { zero = false, nice = false, padding = 14 },
                axis = new { values = trajectory.Select(c => c.Step!.Value), format = "d", labelOverlap = "greedy", grid = false },
            }
            : new { field = "at", type = "ordinal", sort = (string?)null, title = Plot.AxisTitle(trajectory), axis = new { labelAngle = 0, labelOverlap = "greedy", labelLimit = 120 } };
        var y = Plot.Shares("value", "problems solved", domain);
        string[] names = [.. trajectory.Any(c => c.PassAt1 is not null) ? new[] { "sampled (Pass@1)" } : [], .. trajectory.Any(c => c.Greedy is not null) ? new[] { "greedy" } : []];
        var colour = Plot.Colours("series", names, names is ["greedy"] ? [Plot.Second] : [Plot.Main, Plot.Second]);
        object[] tips = [Plot.Tip("name", "checkpoint"), Plot.Tip("series", "answers"), Plot.Tip("value", "solved", ".1%")];
        var layers = new List<object>
        {
            new { mark = new { type = "area", opacity = 0.14 }, encoding = new { x, y = Plot.Shares("bandLow", "problems solved", domain), y2 = new { field = "bandHigh" }, color = colour } },
            new { mark = new { type = "rule", opacity = 0.55 }, encoding = new { x, y = Plot.Shares("low", "problems solved", domain), y2 = new { field = "high" }, color = colour } },
            new { mark = new { type = "line", strokeWidth = 2.5 }, encoding = new { x, y, color = colour, strokeDash = new { field = "series", type = "nominal", scale = new { domain = names, range = names is ["greedy"] ? new int[][] { [5, 4] } : [[1, 0], [5, 4]] } } } },
            new { mark = new { type = "point", filled = true, size = 55, opacity = 1 }, encoding = new { x, y, color = colour, tooltip = tips } },
        };
        if (before is not null)
        {
            var reference = new { values = new[] { new { value = before.Value, text = "before training" } } };
            layers.Add(new { data = reference, mark = new { type = "rule", stroke = Plot.Quiet, strokeDash = new[] { 2, 3 }, strokeWidth = 1.5 }, encoding = new { y } });
            layers.Add(new { data = reference, mark = new { type = "text", align = "left", baseline = "bottom", dx = 4, dy = -3, x = 0, fill = Plot.Quiet, fontSize = 12 }, encoding = new { y, text = new { field = "text" } } });
        }
        var banded = trajectory.Any(c => c.PassAt1Band is not null);
        Prose how = scores.SamplesPerProblem == 0 ? (Prose)$""
            : $", the mean over {Number.Count(scores.SamplesPerProblem, "sampled answer", "sampled answers")}. Upright bars are 95\u00a0% intervals of one checkpoint alone, on new problems of this kind{(banded ? (Prose)$"; the shaded band holds with 95\u00a0% for all checkpoints at once" : $"")}";
        Prose caption = $"Share of problems solved at each checkpoint{how}{(names.Contains("greedy") ? (Prose)$"; dashed, the greedy answer" : $"")}{(before is null ? (Prose)$"" : $"; dotted, the model before training")}. A line that falls towards the end hints that the last checkpoint is not the best; whether it is so, the comparisons below decide.{Plot.AxisNote(domain)}";
        return new(Plot.Json(300, rows, layers), $"Line chart of the share of problems solved at each of {trajectory.Count} checkpoints", caption, Numbers(scores));
    }

    private static Table Numbers(EvaluationScores scores)
    {
        var all = scores.Base is { } before ? [before, .. scores.Trajectory] : scores.Trajectory;
        (Prose Header, Func<CheckpointScores, Prose?> Cell)[] columns =
        [
            ($"Pass@1", c => c.PassAt1 is { } score ? (Prose)$"{score}" : null),
            ($"Band, all at once", c => c.PassAt1Band is { } band ? Plot.Range(band.Low, band.High) : null),
            ($"Re-run noise", c => c.PassAt1Rerun is { } rerun ? Plot.Range(rerun.Low, rerun.High) : null),
            ($"Greedy", c => c.Greedy is { } score ? (Prose)$"{score}" : null),
        ];
        columns = [.. columns.Where(column => all.Any(c => column.Cell(c) is not null))];
        return new(
            [$"Checkpoint", .. columns.Select(column => column.Header)],
            [.. all.Select(c => (IReadOnlyList<Prose>)[
                c == scores.Base ? $"{c.Name} (before training)" : (Prose)$"{c.Name}", .. columns.Select(column => column.Cell(c) ?? $"–")])]);
    }
}
