using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>What was known on the way and is not known at the end, beside what chance alone would show.</summary>
internal static class Forgetting
{
    public static Section? Write(EvaluationScores scores)
    {
        if (scores.Forgetting is null && scores.SampledForgetting is null)
        {
            return null;
        }
        var blocks = new List<Block>();
        if (scores.Forgetting is { } greedy)
        {
            blocks.Add(Scores(greedy));
        }
        if (scores.SampledForgetting is { } sampled)
        {
            blocks.Add(new Paragraph(Null(sampled, scores.Trajectory.Count)));
        }
        else
        {
            blocks.Add(new Paragraph($"Without sampled answers there is no null reference: part of these shares is chance, since “solved at some checkpoint” is the best of several tries."));
        }
        if (scores.Forgetting?.Steps is { Count: > 0 } steps && steps.Count == scores.Trajectory.Count - 1)
        {
            blocks.Add(Dynamics(steps, Plot.Labels(scores.Trajectory), Plot.AxisTitle(scores.Trajectory)));
        }
        return new("forgetting", "Forgetting", blocks);
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

    private static Prose Null(SampledForgetting sampled, int checkpoints)
    {
        if (sampled is not { NullEverCorrect: { } chance, Excess: { } excess })
        {
            return $"Sampled, one answer from each of {Number.Count(checkpoints, "checkpoint", "checkpoints")} solves {Number.Percent(sampled.ExpectedEverCorrect)} of problems. With fewer samples than checkpoints there is no null reference for it.";
        }
        Prose verdict = excess switch
        {
            { Low: > 0 } => (Prose)$"More is solved on the way than chance gives: earlier checkpoints do know something that the final one has lost.",
            { High: < 0 } => $"Less is solved on the way than by the final checkpoint alone: what earlier checkpoints solved is not what the final one lacks.",
            _ => $"The interval includes zero, so what looks forgotten above may be the luck of several tries. A true difference below about {Findings.Detectable(excess)} would most likely not show on this many problems.",
        };
        return $"The null. Having several tries finds more answers even if nothing was forgotten. One sample from each of the {checkpoints} checkpoints solves {Number.Percent(sampled.ExpectedEverCorrect)} of problems; {checkpoints} samples of the final checkpoint alone, the null, solve {Number.Percent(chance)}. The difference is {Number.Points(excess)}. {verdict}";
    }

    private static Figure Dynamics(IReadOnlyList<StepDynamics> steps, IReadOnlyList<string> labels, string axis)
    {
        var rows = new List<object>();
        for (var i = 0; i < steps.Count; i++)
        {
            var (from, to) = (labels[i], labels[i + 1]);
            rows.Add(new { at = i, to, from, kind = "improved", value = steps[i].Improve, size = steps[i].Improve });
            rows.Add(new { at = i, to, from, kind = "forgotten", value = -steps[i].Forget, size = steps[i].Forget });
        }
        var distinct = labels.Skip(1).Distinct().Count() == steps.Count;
        var x = new { field = distinct ? "to" : "at", type = "ordinal", sort = (string?)null, title = $"{axis} arrived at", axis = new { labelAngle = 0, labelOverlap = "greedy", labelLimit = 120, domain = false, ticks = false } };
        var layers = new object[]
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
        Prose caption = $"From each checkpoint to the next, above the line the share of problems whose greedy answer became right, below it the share that became wrong. Long bars both ways with a flat score mean that training swaps one problem for another.";
        return new(Plot.Json(240, rows, layers), "Bar chart of problems improved and forgotten between adjacent checkpoints", caption, new(
            [$"From", $"To", $"Improved", $"Forgotten", $"Stayed right", $"Stayed wrong"],
            [.. steps.Select(s => (IReadOnlyList<Prose>)[$"{s.From}", $"{s.To}", Number.Percent(s.Improve), Number.Percent(s.Forget), Number.Percent(s.KeptCorrect), Number.Percent(s.KeptWrong)])],
            TextColumns: 2));
    }
}
