using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Pass@k|t, Maj@k|t and BoN@k|t against the sample budget, and what spreading it over checkpoints is worth.</summary>
internal static class SampleBudget
{
    private const int Palette = 6;

    public static Section? Write(EvaluationScores scores)
    {
        (string Name, Prose Label, string Short, Prose What, IReadOnlyList<Curve> Curves)[] families =
        [
            ("Pass@k|t", $"Pass@k|t", "Pass", $"the chance that one of k answers is right", scores.PassAtK),
            ("Maj@k|t", $"Maj@k|t", "Maj", $"the chance that the majority of k answers is right", scores.MajAtK),
            ("BoN@k|t", $"BoN@k|t", "BoN", $"the chance that the best of k answers by reward is right", scores.BestOfN),
            ("weighted Maj@k|t", $"weighted Maj@k|t", "", $"the chance that the majority of k answers is right, each vote weighing its reward", scores.WeightedMajority),
        ];
        var panels = families.Select(family => Chart(family.Curves, family.Name, family.Label, family.What)).OfType<Figure>().ToList();
        if (panels.Count == 0)
        {
            return null;
        }
        if (Spent(scores) is { } spent)
        {
            panels.Insert(1, spent);
        }
        var blocks = new List<Block> { panels.Count == 1 ? panels[0] : new Figures(panels) };
        foreach (var family in families)
        {
            if (family.Short.Length > 0 && Comparisons.Spread(scores, family.Short) is { } spread)
            {
                blocks.Add(new Paragraph($"{family.Label} with all {scores.SamplesPerProblem} answers: spread over t checkpoints against the final one alone, at equal budget."));
                blocks.AddRange(Comparisons.Blocks(spread));
            }
        }
        return new("budget", "More checkpoints, same budget", blocks);
    }

    private static Figure? Chart(IReadOnlyList<Curve> all, string name, Prose label, Prose what)
    {
        var curves = all.Where(curve => curve.Points.Count > 0).OrderBy(curve => curve.T).ToList();
        if (curves.Count == 0)
        {
            return null;
        }
        var budgets = curves.SelectMany(c => c.Points).Select(p => p.K).Distinct().Order().ToList();
        var (plot, note) = Lines(curves, name, (curve, point) => point.K, "k, answers drawn per problem", budgets[0], budgets[^1]);
        var bands = curves[0].Points[0].Band is null ? (Prose)$"95\u00a0% intervals of each point alone" : $"95\u00a0% bands that hold for a whole line at once";
        Prose caption = $"{label}: {what}, when the k answers are spread over the t newest checkpoints, the newest first. Every line spends the same k, so a line above t\u00a0=\u00a01 is gained from older checkpoints, not from more answers. Shaded are {bands}{(curves.Count > 2 ? (Prose)$", drawn for the first and the last line" : $"")}.{note}";
        return new(plot, $"Line chart of {name} against k for {curves.Count} numbers of checkpoints", caption, Numbers(curves, label));
    }

    /// <summary>Pass@k|t against tokens: checkpoints differ in how long they answer, so equal k is not quite equal cost.</summary>
    private static Figure? Spent(EvaluationScores scores)
    {
        var curves = scores.PassAtK.Where(curve => curve.Points.Count > 0).OrderBy(curve => curve.T).ToList();
        double[] newest = [.. scores.Trajectory.Reverse().Select(checkpoint => checkpoint.Health.MeanTokens)];
        if (curves.Count < 2 || curves.Exists(curve => curve.T > newest.Length) || newest.Any(tokens => tokens <= 0))
        {
            return null;
        }
        var points = curves.SelectMany(curve => curve.Points.Select(point => (curve.T, point.K, Tokens: Tokens(curve, point), point.Score))).ToList();
        var (plot, note) = Lines(curves, "Pass@k|t", Tokens, "tokens per problem", points.Min(point => point.Tokens), points.Max(point => point.Tokens));
        return new(plot, $"Line chart of Pass@k|t against tokens spent for {curves.Count} numbers of checkpoints",
            $"The same Pass@k|t against the tokens that k answers cost on the average, from the mean length of each checkpoint’s answers. Where a line lies left of another it reaches the same with fewer tokens.{note}",
            new([$"t", $"k", $"Tokens per problem", $"Pass@k|t"],
                [.. points.Select(point => (IReadOnlyList<Prose>)[$"{point.T}", $"{point.K}", Number.Fixed(point.Tokens), $"{point.Score}"])]));

        // As answers are shared out: evenly, the remainder to the newest.
        double Tokens(Curve curve, CurvePoint point) =>
            Enumerable.Range(0, curve.T).Sum(j => ((point.K / curve.T) + (j < point.K % curve.T ? 1 : 0)) * newest[j]);
    }

    private static (string Plot, Prose AxisNote) Lines(
        List<Curve> curves, string name, Func<Curve, CurvePoint, double> at, string axis, double least, double most)
    {
        var series = curves.Select(curve => curve.T == 1 ? "t = 1, the final one alone" : $"t = {curve.T}").ToArray();
        var colours = curves.Select((_, i) => $"var(--series-{i % Palette + 1})").ToArray();
        var rows = new List<object>();
        for (var i = 0; i < curves.Count; i++)
        {
            var shaded = i == 0 || i == curves.Count - 1;
            rows.AddRange(curves[i].Points.Select(point => shaded
                ? (object)new { x = at(curves[i], point), k = point.K, t = series[i], value = point.Score.Value, low = point.Band?.Low ?? point.Score.Low, high = point.Band?.High ?? point.Score.High }
                : new { x = at(curves[i], point), k = point.K, t = series[i], value = point.Score.Value }));
        }
        var domain = Plot.Domain(curves.SelectMany((curve, i) => curve.Points.Select(point =>
            point.Band is { } band && (i == 0 || i == curves.Count - 1) ? Plot.Around(point.Score.Value, band) : point.Score)));
        var x = new
        {
            field = "x",
            type = "quantitative",
            title = axis,
            scale = new { type = "log", @base = 2, domain = new[] { least, Math.Max(most, least + 1) }, nice = false, padding = 10 },
            axis = new { values = PowersOfTwo(least, most), format = "d", grid = false },
        };
        var y = Plot.Shares("value", name, domain);
        var colour = Plot.Colours("t", series, colours);
        object[] tips = [Plot.Tip("t", "checkpoints"), Plot.Tip("k", "k", "d"), Plot.Tip("value", name, ".1%")];
        object[] layers =
        [
            new { mark = new { type = "area", opacity = 0.12 }, encoding = new { x, y = Plot.Shares("low", name, domain), y2 = new { field = "high" }, color = colour } },
            new { mark = new { type = "line", strokeWidth = 2.5 }, encoding = new { x, y, color = colour } },
            new { mark = new { type = "point", filled = true, size = 40, opacity = 1 }, encoding = new { x, y, color = colour, tooltip = tips } },
        ];
        return (Plot.Json(300, rows, layers), Plot.AxisNote(domain));
    }

    private static Table Numbers(List<Curve> curves, Prose name)
    {
        var points = curves.SelectMany(curve => curve.Points.Select(point => (curve.T, Point: point))).ToList();
        (Prose Header, Func<CurvePoint, Prose?> Cell)[] columns =
        [
            (name, point => $"{point.Score}"),
            ($"Band, whole line", point => point.Band is { } band ? Plot.Range(band.Low, band.High) : null),
            ($"Re-run noise", point => point.Rerun is { } rerun ? Plot.Range(rerun.Low, rerun.High) : null),
            ($"Monte Carlo error", point => point.MonteCarloError is { } error ? Comparisons.Points(error) : null),
        ];
        columns = [.. columns.Where(column => points.Any(at => column.Cell(at.Point) is not null))];
        return new(
            [$"t", $"k", .. columns.Select(column => column.Header)],
            [.. points.Select(at => (IReadOnlyList<Prose>)[$"{at.T}", $"{at.Point.K}", .. columns.Select(column => column.Cell(at.Point) ?? $"–")])]);
    }

    private static IReadOnlyList<int> PowersOfTwo(double from, double to) =>
        [.. Enumerable.Range(0, 31).Select(power => 1 << power).Where(k => k >= from && k <= to)];
}
