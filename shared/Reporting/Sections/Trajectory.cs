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
        return new("trajectory", "Along the training run", [Chart(scores), new Paragraph(Best(scores))]);
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
                rows.Add(new { at, name, series = "sampled (Pass@1)", value = sampled.Value, low = sampled.Low, high = sampled.High });
            }
            if (trajectory[i].Greedy is { } greedy)
            {
                rows.Add(new { at, name, series = "greedy", value = greedy.Value });
            }
        }
        var before = scores.Base?.PassAt1 ?? scores.Base?.Greedy;
        var domain = Plot.Domain(trajectory.SelectMany(c => new[] { c.PassAt1, c.Greedy is { } g ? new Estimate(g.Value, g.Value, g.Value) : null })
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
            new { mark = new { type = "area", opacity = 0.14 }, encoding = new { x, y = Plot.Shares("low", "problems solved", domain), y2 = new { field = "high" }, color = colour } },
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
        Prose caption = $"Share of problems solved at each checkpoint{(scores.SamplesPerProblem > 0 ? (Prose)$", the mean over {scores.SamplesPerProblem} sampled answers with its 95\u00a0% interval" : $"")}{(names.Contains("greedy") ? (Prose)$"; dashed, the greedy answer" : $"")}{(before is null ? (Prose)$"" : $"; dotted, the model before training")}. A line that falls towards the end says that the last checkpoint is not the best at a first try.{Plot.AxisNote(domain)}";
        return new(Plot.Json(300, rows, layers), $"Line chart of the share of problems solved at each of {trajectory.Count} checkpoints", caption, Numbers(scores));
    }

    private static Table Numbers(EvaluationScores scores)
    {
        var rows = new List<IReadOnlyList<Prose>>();
        if (scores.Base is { } before)
        {
            rows.Add([$"{before.Name} (before training)", Number.Or(before.PassAt1), Number.Or(before.Greedy)]);
        }
        rows.AddRange(scores.Trajectory.Select(c => (IReadOnlyList<Prose>)[$"{c.Name}", Number.Or(c.PassAt1), Number.Or(c.Greedy)]));
        return new([$"Checkpoint", $"Pass@1", $"Greedy"], rows);
    }

    private static Prose Best(EvaluationScores scores)
    {
        Func<CheckpointScores, Estimate?> score = scores.Trajectory.Any(c => c.PassAt1 is not null) ? c => c.PassAt1 : c => c.Greedy;
        var best = scores.Trajectory.Where(c => score(c) is not null).MaxBy(c => score(c)!.Value)!;
        var final = scores.Trajectory[^1];
        var top = score(best)!;
        if (score(final) is not { } end)
        {
            return $"The highest is {best.Name} with {top}; the final checkpoint has no score.";
        }
        if (top.Value <= end.Value)
        {
            return $"No checkpoint scores higher than the final one.";
        }
        return top.Low > end.High
            ? (Prose)$"The highest is {best.Name} with {top}, above the final checkpoint's {end}."
            : $"The highest is {best.Name} with {top}. The interval of the final checkpoint, {end}, overlaps, and the highest of several is flattered by chance: this alone does not make it the better model.";
    }
}
