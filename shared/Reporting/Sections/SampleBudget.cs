using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Pass@k|t and Maj@k|t against the sample budget.</summary>
internal static class SampleBudget
{
    private const int Palette = 6;

    public static Section? Write(EvaluationScores scores)
    {
        var blocks = new List<Block>();
        if (Chart(scores.PassAtK, "Pass") is { } pass)
        {
            blocks.Add(pass);
        }
        if (Chart(scores.MajAtK, "Maj") is { } majority)
        {
            blocks.Add(majority);
        }
        return blocks.Count == 0 ? null : new("budget", "More checkpoints, same budget",
            blocks is [Figure one, Figure two] ? [new Figures([one, two])] : blocks);
    }

    private static Figure? Chart(IReadOnlyList<Curve> all, string name)
    {
        var curves = all.Where(curve => curve.Points.Count > 0).OrderBy(curve => curve.T).ToList();
        if (curves.Count == 0)
        {
            return null;
        }
        var series = curves.Select(curve => curve.T == 1 ? "t = 1, the final one alone" : $"t = {curve.T}").ToArray();
        var colours = curves.Select((_, i) => $"var(--series-{i % Palette + 1})").ToArray();
        var rows = new List<object>();
        for (var i = 0; i < curves.Count; i++)
        {
            var band = i == 0 || i == curves.Count - 1;
            rows.AddRange(curves[i].Points.Select(point => band
                ? (object)new { k = point.K, t = series[i], value = point.Score.Value, low = point.Score.Low, high = point.Score.High }
                : new { k = point.K, t = series[i], value = point.Score.Value }));
        }
        var banded = curves.Count == 1 ? curves : [curves[0], curves[^1]];
        var domain = Plot.Domain(curves.SelectMany(c => c.Points).Select(p => new Estimate(p.Score.Value, p.Score.Value, p.Score.Value))
            .Concat(banded.SelectMany(c => c.Points).Select(p => p.Score)));
        var budgets = curves.SelectMany(c => c.Points).Select(p => p.K).Distinct().Order().ToList();
        var most = budgets[^1];
        var x = new
        {
            field = "k",
            type = "quantitative",
            title = "k, answers drawn per problem",
            scale = new { type = "log", @base = 2, domain = new[] { budgets[0], Math.Max(most, budgets[0] + 1) }, nice = false, padding = 10 },
            axis = new { values = PowersOfTwo(budgets[0], most), format = "d", grid = false },
        };
        var title = $"{name}@k|t";
        var y = Plot.Shares("value", title, domain);
        var colour = Plot.Colours("t", series, colours);
        object[] tips = [Plot.Tip("t", "checkpoints"), Plot.Tip("k", "k", "d"), Plot.Tip("value", title, ".1%")];
        object[] layers =
        [
            new { mark = new { type = "area", opacity = 0.12 }, encoding = new { x, y = Plot.Shares("low", title, domain), y2 = new { field = "high" }, color = colour } },
            new { mark = new { type = "line", strokeWidth = 2.5 }, encoding = new { x, y, color = colour } },
            new { mark = new { type = "point", filled = true, size = 40, opacity = 1 }, encoding = new { x, y, color = colour, tooltip = tips } },
        ];
        Prose what = name == "Pass"
            ? (Prose)$"Pass@k|t: the chance that one of k answers is right"
            : $"Maj@k|t: the chance that the majority of k answers is right";
        Prose caption = $"{what}, when the k answers are spread over the t newest checkpoints, the newest first. Every line spends the same k, so a line above t\u00a0=\u00a01 is gained from older checkpoints, not from more answers. Bands are 95\u00a0% intervals{(curves.Count > 2 ? (Prose)$", drawn for the first and the last line" : $"")}.{Plot.AxisNote(domain)}";
        return new(Plot.Json(300, rows, layers), $"Line chart of {title} against k for {curves.Count} numbers of checkpoints", caption, Numbers(curves, budgets));
    }

    private static Table Numbers(List<Curve> curves, List<int> budgets)
    {
        var error = curves.SelectMany(c => c.Points).Any(p => p.MonteCarloError is not null);
        return new([$"k", .. curves.Select(c => (Prose)$"t = {c.T}")], [.. budgets.Select(k => (IReadOnlyList<Prose>)[
            $"{k}", .. curves.Select(c => c.Points.FirstOrDefault(p => p.K == k) is { } point
                ? error && point.MonteCarloError is { } se ? (Prose)$"{point.Score} ±\u00a0{Number.Fixed(100 * se)}" : $"{point.Score}"
                : $"–")])]);
    }

    private static IReadOnlyList<int> PowersOfTwo(int from, int to) =>
        [.. Enumerable.Range(0, 31).Select(power => 1 << power).Where(k => k >= from && k <= to)];
}
