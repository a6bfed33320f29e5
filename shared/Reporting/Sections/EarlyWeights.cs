using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>The WiSE-FT curve, with what chose and what is claimed kept apart.</summary>
internal static class EarlyWeights
{
    public static Section? Write(EvaluationScores scores)
    {
        if (scores.EarlyWeights is not { Points.Count: > 0 } weights)
        {
            return null;
        }
        var chosen = weights.Points.FirstOrDefault(point => point.EarlyWeight == weights.Chosen);
        Prose result = weights.Chosen == 0
            ? (Prose)$"On the {weights.SelectProblems} problems for choosing, no mixture beat {weights.Late} itself, so early weight 0 is kept."
            : $"Early weight {Number.Decimal(weights.Chosen)} scored best on the {weights.SelectProblems} problems for choosing. On the other {weights.ReportProblems}{(chosen is null ? (Prose)$"" : $" it scores {chosen.ReportPassAt1} at Pass@1 and {chosen.ReportPassAtK} at Pass@{weights.K}, and")} it changes Pass@1 by {Number.Points(weights.GainOverLate)} over {weights.Late}.";
        var panels = new List<Figure> { Panel(weights, 1, point => point.SelectPassAt1, point => point.ReportPassAt1) };
        if (weights.K > 1)
        {
            panels.Add(Panel(weights, weights.K, point => point.SelectPassAtK, point => point.ReportPassAtK));
        }
        var blocks = new List<Block>
        {
            new Paragraph($"Weights are mixed as w · {weights.Early} + (1 − w) · {weights.Late}; w is the early weight. {result}"),
            new Figures(panels),
        };
        if (weights.Selection is { } selection)
        {
            blocks.Add(Choices.Table([selection]));
            blocks.AddRange(Choices.Gains(selection));
            if (weights.ReportSplit is { } split)
            {
                blocks.Add(new Paragraph($"Weight 0 is {weights.Late}, weight 1 is {weights.Early}. The report split has the id {split}."));
            }
        }
        return new("early-weights", "Mixing in an early checkpoint", blocks);
    }

    private static Figure Panel(EarlyWeightScores weights, int k, Func<EarlyWeightPoint, double> select, Func<EarlyWeightPoint, Estimate> report)
    {
        const string Claimed = "report: what is claimed";
        const string Choosing = "select: what chose";
        var rows = weights.Points.SelectMany(point => new object[]
        {
            new { w = point.EarlyWeight, split = Claimed, value = report(point).Value, low = report(point).Low, high = report(point).High },
            new { w = point.EarlyWeight, split = Choosing, value = select(point) },
        });
        var domain = Plot.Domain(weights.Points.Select(report).Concat(weights.Points.Select(select).Select(value => new Estimate(value, value, value))));
        var title = $"Pass@{k}";
        var x = new { field = "w", type = "quantitative", title = "early weight", scale = new { domain = new[] { 0, 1 }, padding = 12 }, axis = new { grid = false, tickCount = 6 } };
        var y = Plot.Shares("value", title, domain);
        string[] splits = [Claimed, Choosing];
        var colour = Plot.Colours("split", splits, [Plot.Main, Plot.Second]);
        object[] tips = [Plot.Tip("w", "early weight", ".3~f"), Plot.Tip("split", "problems"), Plot.Tip("value", title, ".1%")];
        var chosen = new { values = new[] { new { w = weights.Chosen, text = "chosen" } } };
        object[] layers =
        [
            new { mark = new { type = "area", opacity = 0.14 }, encoding = new { x, y = Plot.Shares("low", title, domain), y2 = new { field = "high" }, color = colour } },
            new { data = chosen, mark = new { type = "rule", stroke = Plot.Quiet, strokeDash = new[] { 2, 3 }, strokeWidth = 1.5 }, encoding = new { x } },
            new { data = chosen, mark = new { type = "text", y = 0, dy = 9, dx = weights.Chosen > 0.75 ? -5 : 5, align = weights.Chosen > 0.75 ? "right" : "left", fill = Plot.Quiet, fontSize = 12 }, encoding = new { x, text = new { field = "text" } } },
            new { mark = new { type = "line", strokeWidth = 2.5 }, encoding = new { x, y, color = colour, strokeDash = new { field = "split", type = "nominal", scale = new { domain = splits, range = new int[][] { [1, 0], [5, 4] } } } } },
            new { mark = new { type = "point", filled = true, size = 45, opacity = 1 }, encoding = new { x, y, color = colour, tooltip = tips } },
        ];
        Prose caption = $"Pass@{k} against the early weight: 0 is {weights.Late}, 1 is {weights.Early}. The weight is chosen for Pass@1 on the dashed line; only the solid line, from problems that had no say, is a result, and its band is made of the 95\u00a0% intervals of each weight alone.{Plot.AxisNote(domain)}";
        return new(Plot.Json(280, rows, layers), $"Line chart of {title} against the early weight", caption, new(
            [$"Early weight", $"Pass@{k}, report", $"Pass@{k}, select"],
            [.. weights.Points.Select(point => (IReadOnlyList<Prose>)[
                point.EarlyWeight == weights.Chosen ? $"{Number.Decimal(point.EarlyWeight)} (chosen)" : Number.Decimal(point.EarlyWeight),
                $"{report(point)}", Number.Percent(select(point))])]));
    }
}
