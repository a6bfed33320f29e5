using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>What was known on the way and is not known at the end, beside what chance alone would show.</summary>
internal static class Forgetting
{
    private const int Listed = 50;

    public static Section? Write(EvaluationScores scores)
    {
        if (scores.Forgetting is null && scores.SampledForgetting is null)
        {
            return null;
        }
        var blocks = new List<Block>();
        if (Findings.Null(scores) is { } chance)
        {
            blocks.Add(Beside(scores));
            blocks.Add(new Paragraph($"Solved at an earlier checkpoint and wrong at the last, with one answer from each. That happens by luck as well, the more often the more checkpoints there are; “expected” is how often it would, had every checkpoint of this run the same pass rate on a problem. Only the excess counts as forgetting, and it is {Findings.Beyond(chance)}. The p-value is one-sided, from {chance.Permutations} permutations of a problem’s answers among its checkpoints."));
        }
        else
        {
            blocks.Add(new Paragraph($"There is no null reference here: part of what looks forgotten is chance, since “solved at some checkpoint” is the best of several tries."));
        }
        if (scores.Forgetting is { } greedy)
        {
            blocks.Add(Scores(greedy));
        }
        if (scores.SampledForgetting is { NullEverCorrect: { } alone, Excess: { } excess } tries && scores.Trajectory.Count > 1)
        {
            blocks.Add(new Paragraph($"As tries: one sample from each of the {scores.Trajectory.Count} checkpoints solves {Number.Percent(tries.ExpectedEverCorrect)} of problems, {scores.Trajectory.Count} samples of the final checkpoint alone solve {Number.Percent(alone)}; the difference is {Number.Points(excess)}. This asks where to spend tries, not what was forgotten."));
        }
        var panels = new List<Figure>();
        if (scores.Forgetting?.Steps is { Count: > 0 } steps && steps.Count == scores.Trajectory.Count - 1)
        {
            panels.Add(Dynamics(steps, scores.Trajectory));
        }
        if (scores.SampledSteps is { Count: > 0 } sampled && sampled.Count == scores.Trajectory.Count - 1)
        {
            panels.Add(Dynamics(sampled, scores.Trajectory));
        }
        blocks.AddRange(panels.Count == 2 ? [new Figures(panels)] : panels);
        if (scores.Retention.Count > 0)
        {
            blocks.Add(Retained(scores));
        }
        if (scores.Forgetting is not null && scores.Trajectory.Count > 2)
        {
            var recovered = scores.RecoveredProblems;
            blocks.Add(new Paragraph(recovered.Count == 0
                ? (Prose)$"No problem was forgotten on the way and is right again at the end, by greedy answers."
                : $"Forgotten on the way and right again at the end, by greedy answers: {Number.Count(recovered.Count, "problem", "problems")}, {Prose.Join(", ", recovered.Take(Listed).Select(id => (Prose)$"{id}"))}{(recovered.Count > Listed ? (Prose)$" and {recovered.Count - Listed} more" : $"")}."));
        }
        return new("forgetting", "Forgetting", blocks);
    }

    private static Table Beside(EvaluationScores scores)
    {
        var rows = new List<IReadOnlyList<Prose>>();
        Add($"sampled", scores.ForgettingNull);
        Add($"greedy", scores.Forgetting?.Null);
        return new([$"Answers", $"Observed", $"Expected if nothing changed", $"Excess", $"p by permutation"], rows);

        void Add(Prose answers, ForgettingNull? chance)
        {
            if (chance is not null)
            {
                rows.Add([answers, $"{chance.Observed}", Number.Percent(chance.Expected), Number.Points(chance.Excess), Comparisons.PValue(chance.PValue)]);
            }
        }
    }

    private static Table Scores(ForgettingScores scores)
    {
        var rows = new List<IReadOnlyList<Prose>>();
        if (scores.Base is { } before)
        {
            rows.Add([$"P_Base", $"solved before training", $"{before}"]);
        }
        rows.Add([$"P_FT", $"solved by the final checkpoint", $"{scores.Final}"]);
        rows.Add([$"P_ECS", $"solved by some checkpoint of the run", $"{scores.EverCorrect}"]);
        rows.Add([$"P_TFS", $"solved by some checkpoint, wrong at the end", $"{scores.TemporalForgetting}"]);
        if (scores.Lost is { } lost)
        {
            rows.Add([$"P_Lost", $"solved before training, wrong at the end", $"{lost}"]);
        }
        rows.Add([$"P_TFS / (1 − P_FT)", $"share of final errors that an earlier checkpoint had solved", Number.Percent(scores.RecoverableErrorShare)]);
        return new([$"Score", $"Greedy answers", $"Share of problems"], rows, TextColumns: 2);
    }

    private static Figure Dynamics(IReadOnlyList<StepDynamics> steps, IReadOnlyList<CheckpointScores> trajectory) => new(
        Bars([.. steps.Select(s => (s.Improve, s.Forget, (double?)null))], trajectory),
        "Bar chart of problems improved and forgotten between adjacent checkpoints, greedy answers",
        $"From each checkpoint to the next, above the line the share of problems whose greedy answer became right, below it the share that became wrong. Long bars both ways with a flat score mean that training swaps one problem for another.",
        new(
            [$"From", $"To", $"Improved", $"Forgotten", $"Stayed right", $"Stayed wrong"],
            [.. steps.Select(s => (IReadOnlyList<Prose>)[$"{s.From}", $"{s.To}", Number.Percent(s.Improve), Number.Percent(s.Forget), Number.Percent(s.KeptCorrect), Number.Percent(s.KeptWrong)])],
            TextColumns: 2));

    private static Figure Dynamics(IReadOnlyList<SampledStep> steps, IReadOnlyList<CheckpointScores> trajectory) => new(
        Bars([.. steps.Select(s => (s.Improve, s.Forget, (double?)s.ByChance))], trajectory),
        "Bar chart of problems improved and forgotten between adjacent checkpoints, sampled answers, beside chance",
        $"The same with one sampled answer from each checkpoint. The ticks show how long the bars would be by sampling alone, had the two checkpoints the same pass rates: what stands out beyond them is change.",
        new(
            [$"From", $"To", $"Improved", $"Forgotten", $"Either by chance", $"Improved beyond chance", $"Forgotten beyond chance", $"Stayed right", $"Stayed wrong"],
            [.. steps.Select(s => (IReadOnlyList<Prose>)[
                $"{s.From}", $"{s.To}", Number.Percent(s.Improve), Number.Percent(s.Forget), Number.Percent(s.ByChance),
                Number.Points(s.ImproveExcess), Number.Points(s.ForgetExcess), Number.Percent(s.KeptCorrect), Number.Percent(s.KeptWrong)])],
            TextColumns: 2));

    private static string Bars(IReadOnlyList<(double Improve, double Forget, double? Chance)> steps, IReadOnlyList<CheckpointScores> trajectory)
    {
        var labels = Plot.Labels(trajectory);
        var rows = new List<object>();
        for (var i = 0; i < steps.Count; i++)
        {
            var (from, to) = (labels[i], labels[i + 1]);
            rows.Add(new { at = i, to, from, kind = "improved", value = steps[i].Improve, size = steps[i].Improve, chance = steps[i].Chance });
            rows.Add(new { at = i, to, from, kind = "forgotten", value = -steps[i].Forget, size = steps[i].Forget, chance = -steps[i].Chance });
        }
        var distinct = labels.Skip(1).Distinct().Count() == steps.Count;
        var x = new { field = distinct ? "to" : "at", type = "ordinal", sort = (string?)null, title = $"{Plot.AxisTitle(trajectory)} arrived at", axis = new { labelAngle = 0, labelOverlap = "greedy", labelLimit = 120, domain = false, ticks = false } };
        var layers = new List<object>
        {
            new
            {
                mark = new { type = "bar", cornerRadiusEnd = 2, width = new { band = 0.62 } },
                encoding = new
                {
                    x,
                    y = new { field = "value", type = "quantitative", title = "share of problems", stack = (object?)null, scale = new { nice = true }, axis = new { format = ".0%", tickCount = 5 } },
                    color = Plot.Colours("kind", ["improved", "forgotten"], [Plot.Main, Plot.Second], "square"),
                    tooltip = new[] { Plot.Tip("from", "from"), Plot.Tip("to", "to"), Plot.Tip("kind", "problems"), Plot.Tip("size", "share", ".1%") },
                },
            },
            new { data = new { values = new[] { new { zero = 0 } } }, mark = new { type = "rule", stroke = Plot.Quiet }, encoding = new { y = new { field = "zero", type = "quantitative" } } },
        };
        if (steps.Any(step => step.Chance is not null))
        {
            layers.Add(new { mark = new { type = "tick", thickness = 2, bandSize = 18, color = Plot.Quiet }, encoding = new { x, y = new { field = "chance", type = "quantitative" } } });
        }
        return Plot.Json(240, rows, layers);
    }

    private static Figure Retained(EvaluationScores scores)
    {
        var points = scores.Retention;
        var sampled = scores.SamplesPerProblem > 0;
        var domain = Plot.Domain(points.Select(point => point.Score));
        var x = new { field = "lag", type = "quantitative", title = "checkpoints later", scale = new { nice = false, padding = 14 }, axis = new { values = points.Select(point => point.Lag), format = "d", labelOverlap = "greedy", grid = false } };
        var y = Plot.Shares("value", "still right", domain);
        var rows = points.Select(point => new { lag = point.Lag, value = point.Score.Value, low = point.Score.Low, high = point.Score.High });
        object[] layers =
        [
            new { mark = new { type = "rule", stroke = Plot.Main, opacity = 0.55 }, encoding = new { x, y = Plot.Shares("low", "still right", domain), y2 = new { field = "high" } } },
            new { mark = new { type = "line", stroke = Plot.Main, strokeWidth = 2.5 }, encoding = new { x, y } },
            new { mark = new { type = "point", filled = true, fill = Plot.Main, size = 45, opacity = 1 }, encoding = new { x, y, tooltip = new[] { Plot.Tip("lag", "checkpoints later", "d"), Plot.Tip("value", "still right", ".1%") } } },
        ];
        Prose zero = points[0].Lag == 0 ? (Prose)$" At 0 stands a second sample of the same checkpoint: what is not right there is lost by sampling alone, and only a fall below it is forgetting." : $"";
        Prose caption = $"Retention: of {(sampled ? (Prose)$"sampled" : $"greedy")} answers that are right at some checkpoint, the share that is right so many checkpoints later too, with 95\u00a0% intervals of each point alone.{zero}{Plot.AxisNote(domain)}";
        return new(Plot.Json(240, rows, layers), "Line chart of the share of right answers that are still right so many checkpoints later", caption,
            new([$"Checkpoints later", $"Still right"], [.. points.Select(point => (IReadOnlyList<Prose>)[$"{point.Lag}", $"{point.Score}"])]));
    }
}
