using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Other methods beside the majority of plain samples, at equal budget, and how particle methods came to their answers.</summary>
internal static class SameTokens
{
    private const int Palette = 6;
    private const int MostNamed = 50;
    private const string Delimiter = "rewardModel.delimiter";
    private const string PlainSamples = "particles.plainSamples";

    private static readonly string[] Shapes = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down"];

    public static Section? Write(ReportData data)
    {
        if (data.Scores.Budget is not { } budget)
        {
            return null;
        }
        var blocks = new List<Block>
        {
            new Paragraph($"Each method chooses one answer to each problem. The tokens that it takes could have been spent on plain samples of the final checkpoint, put to a majority vote: self-consistency. So the baseline of each method has as many samples as the method’s tokens buy, rounded up to a whole one, of the {budget.MostPlain} that were drawn. All numbers are of the {Number.Count(budget.ReportProblems, "problem", "problems")} that chose nothing. {(budget.Choices.Count > 0 ? (Prose)$"{budget.SelectProblems} others chose the allocation of each method that has several. " : $"")}Tokens of the problems themselves are counted nowhere."),
        };
        var isRead = budget.Methods.Any(method => method.RewardTokens > 0);
        var drawn = Chart(budget, "tokens drawn for a problem", (tokens, _) => tokens, note =>
            $"Accuracy of the final choice against the tokens drawn for a problem. Lines are methods that may stop at any number of samples; marks are methods as they were run, with 95\u00a0% intervals{(budget.Choices.Count > 0 ? (Prose)$"; pale marks are allocations that were not chosen" : $"")}. What stands above the line of self-consistency stands higher here with the same tokens; whether it is better, the comparisons tell.{note}");
        blocks.Add(!isRead ? drawn : new Figures([drawn, Chart(budget, "tokens drawn and read for a problem", (tokens, read) => tokens + read, note =>
            $"The same with the tokens that a reward model reads counted as well. What uses no reward model stays where it is, the rest moves to the right. What a token read costs beside one drawn depends on the sizes of the two models; device seconds are told under what was measured.{note}")]));
        blocks.Add(Methods(budget));
        if (FinalChoices(budget) is { } choices)
        {
            blocks.Add(new Paragraph(choices));
        }
        if (budget.Comparisons.Members.Count > 0)
        {
            blocks.Add(new Paragraph($"One answer of each method against one of self-consistency with as many tokens, for each problem: the method’s from its first samples or its population, the other the majority of the first k plain samples. Shares in the table above are over all ways to draw the samples and vary less; differences of single answers, ties settled by a draw, can be tested without skew. GAIN and LOSS need the consent of the interval and of the sign flips. Where counting the reward model’s tokens buys another number of samples, the method stands here twice."));
            blocks.AddRange(Comparisons.Blocks(budget.Comparisons));
        }
        blocks.AddRange(new[] { Axes(budget), Incomparable(budget), SingleSteps(budget), CutOff(budget), WithoutAnswer(budget), LeftOut(budget), LeftOutMethods(budget) }.OfType<Prose>().Select(sentence => new Paragraph(sentence)));
        if (budget.Choices.Count > 0)
        {
            blocks.Add(new Paragraph($"The allocation of each method, chosen on the select split alone:"));
            blocks.Add(Choices.Table(budget.Choices));
            blocks.Add(Choices.Looked(budget.ReportSplit, data.Looks.Of(budget.ReportSplit)));
        }
        if (data.Genealogies.Count > 0)
        {
            blocks.Add(Genealogies(data.Genealogies));
        }
        return new("same-tokens", "What else the same tokens buy", blocks);
    }

    /// <summary>
    /// Device time by method, and how far plain samples get in it. Times are measured and differ from run to run, so nothing is claimed of the
    /// difference, and all of it belongs to the measured block of the page alone.
    /// </summary>
    public static IReadOnlyList<Block> Measured(EvaluationScores scores, Timings timings)
    {
        if (scores.Budget is not { } budget)
        {
            return [];
        }
        var seconds = timings.Methods.ToDictionary(method => method.Method, method => method.Seconds, StringComparer.Ordinal);
        var plain = seconds.TryGetValue(budget.Methods[0].Name, out var all) && all > 0 ? all / scores.SamplesPerProblem : (double?)null;
        var selfConsistency = budget.Curves.FirstOrDefault(curve => curve.Name == budget.Methods[0].Family)?.Points ?? [];
        (Prose Header, Func<double, Prose> Cell)[] columns =
        [
            ($"Device seconds for a problem", time => Number.Decimal(time)),
            .. plain is not { } sample ? [] : new (Prose, Func<double, Prose>)[]
            {
                ($"Plain samples in that time", time => $"{Affordable(time, sample)}"),
                ($"Self-consistency in that time", time => selfConsistency.LastOrDefault(point => point.K <= Affordable(time, sample)) is { } point ? $"{point.Accuracy} (k = {point.K})" : (Prose)$"–"),
            },
            .. timings.PricePerDeviceHour is not { } price ? [] : new (Prose, Func<double, Prose>)[] { ($"Price of a problem", time => Number.Money(time / 3600 * price)) },
        ];
        var measured = budget.Methods.Where(method => method.IsChosen && seconds.ContainsKey(method.Name)).ToList();
        return measured.Count == 0 ? [] :
        [
            new Table(
                [$"Method", $"Accuracy", .. columns.Select(column => column.Header)],
                [.. measured.Select(method => (IReadOnlyList<Prose>)[$"{method.Name}", $"{method.Accuracy}", .. columns.Select(column => column.Cell(seconds[method.Name]))])]),
            new Paragraph($"What else the same device time buys: a method’s tokens at the pace at which its shards drew them, the reward model’s reading included. Self-consistency stands at the largest number of samples that was scored and fits into the time. Times differ from run to run, so nothing is claimed here."),
        ];

        static long Affordable(double time, double sample) => (long)Math.Floor(time / sample * (1 + 1e-9));
    }

    private static Figure Chart(BudgetScores budget, string axis, Func<double, double?, double?> tokens, Func<Prose, Prose> caption)
    {
        var families = budget.Methods.Select(method => method.Family).Distinct().ToList();
        var shown = families.ConvertAll(family => Inert.Line(family));
        var rows = new List<object>();
        var numbers = new List<IReadOnlyList<Prose>>();
        var spent = new List<double>();
        foreach (var curve in budget.Curves)
        {
            foreach (var point in curve.Points)
            {
                if (tokens(point.DrawnTokens, point.RewardTokens) is > 0 and var x)
                {
                    rows.Add(new { kind = "line", method = Inert.Line(curve.Name), name = $"k = {point.K}", x, value = point.Accuracy.Value });
                    numbers.Add([$"{curve.Name}", $"{point.K}", Tokens(x), $"{point.Accuracy}"]);
                    spent.Add(x);
                }
            }
        }
        foreach (var method in budget.Methods)
        {
            if (tokens(method.DrawnTokens, method.RewardTokens) is > 0 and var x)
            {
                var (value, low, high) = method.Accuracy;
                rows.Add(new { kind = method.IsChosen ? "chosen" : "other", method = Inert.Line(method.Family), name = Inert.Line(method.Name), x, value, low, high });
                numbers.Add([$"{method.Name}", $"–", Tokens(x), $"{method.Accuracy}"]);
                spent.Add(x);
            }
        }
        var domain = Plot.Domain(budget.Methods.Select(method => method.IsChosen ? method.Accuracy : Bare(method.Accuracy)).Concat(budget.Curves.SelectMany(curve => curve.Points).Select(point => Bare(point.Accuracy))));
        var (least, most) = spent.Count == 0 ? (1, 2) : (spent.Min(), spent.Max());
        var x2 = new
        {
            field = "x",
            type = "quantitative",
            title = axis,
            scale = new { type = "log", @base = 2, domain = new[] { least, Math.Max(most, 2 * least) }, nice = false, padding = 12 },
            axis = new { format = ",.0f", tickCount = 6, labelOverlap = "greedy", grid = false },
        };
        var y = Plot.Shares("value", "accuracy", domain);
        // One legend for lines and marks: equal domains are merged.
        var legend = new { orient = "bottom", columns = 2, symbolOpacity = 1, symbolSize = 70, labelLimit = 152 };
        var colour = new { field = "method", type = "nominal", title = (string?)null, sort = (string?)null, scale = new { domain = shown, range = shown.Select((_, i) => $"var(--series-{i % Palette + 1})") }, legend };
        var shape = new { field = "method", type = "nominal", title = (string?)null, sort = (string?)null, scale = new { domain = shown, range = shown.Select((_, i) => Shapes[(i + i / Palette) % Shapes.Length]) }, legend };
        object[] tips = [Plot.Tip("method", "method"), Plot.Tip("name", "as"), Plot.Tip("x", "tokens", ",.0f"), Plot.Tip("value", "accuracy", ".1%")];
        object[] layers =
        [
            new { transform = Only("line"), mark = new { type = "line", strokeWidth = 2 }, encoding = new { x = x2, y, color = colour } },
            new { transform = Only("other"), mark = new { type = "point", filled = true, size = 45, opacity = 0.35 }, encoding = new { x = x2, y, color = colour, shape, tooltip = tips } },
            new { transform = Only("chosen"), mark = new { type = "rule", opacity = 0.6 }, encoding = new { x = x2, y = Plot.Shares("low", "accuracy", domain), y2 = new { field = "high" }, color = colour } },
            new { transform = Only("line"), mark = new { type = "point", filled = true, size = 16, opacity = 1, shape = "circle" }, encoding = new { x = x2, y, color = colour, tooltip = tips } },
            new { transform = Only("chosen"), mark = new { type = "point", filled = true, size = 80, opacity = 1 }, encoding = new { x = x2, y, color = colour, shape, tooltip = tips } },
        ];
        return new(
            Plot.Json(320, rows, layers), $"Plot of accuracy against {axis} for {shown.Count} methods", caption(Plot.AxisNote(domain)),
            new([$"Method", $"k", $"Tokens", $"Accuracy"], numbers));

        static object[] Only(string kind) => [new { filter = new { field = "kind", equal = kind } }];

        static Estimate Bare(Estimate value) => new(value.Value, value.Value, value.Value);
    }

    private static Table Methods(BudgetScores budget)
    {
        var several = budget.Choices.Select(choice => choice.Choice).ToHashSet(StringComparer.Ordinal);
        (Prose Header, Func<BudgetMethod, Prose?> Cell)[] columns =
        [
            ($"Allocation", method => !several.Contains(method.Family) ? null : method.IsChosen ? (Prose)$"chosen" : $"not chosen"),
            ($"Accuracy", method => $"{method.Accuracy}"),
            ($"An answer drawn by weight", method => method.DrawnByWeight is { } drawn ? (Prose)$"{drawn}" : null),
            ($"Tokens drawn", method => Tokens(method.DrawnTokens)),
            ($"Read by the reward model", method => method.RewardTokens is { } read ? Tokens(read) : (Prose)$"not known"),
            ($"Plain samples for those drawn", method => Samples(method.ByDrawnTokens)),
            ($"Plain samples for all", method => Samples(method.ByAllTokens)),
        ];
        columns = [.. columns.Where(column => budget.Methods.Any(method => column.Cell(method) is not null))];
        return new(
            [$"Method", .. columns.Select(column => column.Header)],
            [.. budget.Methods.Select(method => (IReadOnlyList<Prose>)[$"{method.Name}", .. columns.Select(column => column.Cell(method) ?? $"–")])],
            TextColumns: several.Count > 0 ? 2 : 1);

        static Prose? Samples(EqualBudget? equal) => equal is null ? null : (Prose)$"{equal.K}";
    }

    /// <summary>Which member of a population is its answer.</summary>
    private static Prose? FinalChoices(BudgetScores budget)
    {
        var said = budget.Methods.Where(method => method.Choice is not null).GroupBy(method => method.Choice!.Value).OrderBy(choice => choice.Key)
            .Select(choice => (Prose)$"{Word(choice.Key)} for {Prose.Join(", ", choice.Select(method => (Prose)$"{method.Name}"))}").ToList();
        return said.Count == 0 ? null : (Prose)$"Which member of a population is its answer: {Prose.Join("; ", said)}.";

        static Prose Word(FinalChoice choice) => choice switch
        {
            FinalChoice.HighestScore => $"the one of the highest last score",
            FinalChoice.DrawnByWeight => $"one drawn by weight",
            _ => $"the extracted answer of the most weight",
        };
    }

    /// <summary>Where the way to count decides.</summary>
    private static Prose? Axes(BudgetScores budget)
    {
        var moved = budget.Methods.Where(method => method is { ByDrawnTokens.Comparison: { } drawn, ByAllTokens.Comparison: { } all } && drawn != all)
            .Where(method => Outcome(method.ByDrawnTokens!) != Outcome(method.ByAllTokens!))
            .Select(method => (Prose)$"{method.Name}, {Comparisons.Word(Outcome(method.ByDrawnTokens!))} against {method.ByDrawnTokens!.K} and {Comparisons.Word(Outcome(method.ByAllTokens!))} against {method.ByAllTokens!.K}").ToList();
        return moved.Count == 0 ? null
            : (Prose)$"Whether the tokens that a reward model reads count decides here, since self-consistency then has more samples: {Prose.Join("; ", moved)}.";

        Outcome Outcome(EqualBudget equal) => budget.Comparisons.Members[equal.Comparison!.Value].Outcome;
    }

    /// <summary>What has no baseline of its budget, because too few plain samples were drawn.</summary>
    private static Prose? Incomparable(BudgetScores budget)
    {
        var dear = budget.Methods.SelectMany(method => new[]
            {
                method.ByDrawnTokens is { Comparison: null } drawn ? (Prose)$"{method.Name} ({drawn.K} for the tokens drawn)" : null,
                method.ByAllTokens is { Comparison: null } all ? (Prose)$"{method.Name} ({all.K} with those read)" : null,
            }).OfType<Prose>().ToList();
        return dear.Count == 0 ? null
            : (Prose)$"Not compared, because their tokens buy more than the {Number.Count(budget.MostPlain, "plain sample", "plain samples")} that were drawn: {Prose.Join(", ", dear)}. With more of them ({PlainSamples} in evaluation.json) they are.";
    }

    /// <summary>Where a method had nothing to choose between, most often because its delimiter does not occur.</summary>
    private static Prose? SingleSteps(BudgetScores budget)
    {
        var idle = budget.Methods.Where(method => method.SingleSteps == budget.ReportProblems).Select(method => (Prose)$"{method.Name}").ToList();
        return idle.Count == 0 ? null
            : (Prose)$"No answer had a second step, so that nothing was chosen on the way: {Prose.Join(", ", idle)}. Where answers have several, name what ends a step ({Delimiter} in evaluation.json).";
    }

    private static Prose? CutOff(BudgetScores budget)
    {
        var cut = budget.Methods.Where(method => method.CutOff > 0).Select(method => (Prose)$"{Number.Fixed(100 * method.CutOff)} % of {method.Name}").ToList();
        return cut.Count == 0 ? null : (Prose)$"Answers that were cut off at a limit of tokens or steps: {Prose.Join(", ", cut)}.";
    }

    private static Prose? WithoutAnswer(BudgetScores budget)
    {
        var dead = budget.Methods.Where(method => method.WithoutAnswer > 0).Select(method => (Prose)$"{method.Name} on {method.WithoutAnswer}").ToList();
        return dead.Count == 0 ? null : (Prose)$"All weights are zero, or nothing could be scored, so that there is no answer and the problem counts as wrong: {Prose.Join(", ", dead)}.";
    }

    private static Prose? LeftOut(BudgetScores budget) => budget.LeftOut.Count == 0 ? null
        : (Prose)$"Left out here, because some method lacks answers to them: {Prose.Join(", ", budget.LeftOut.Take(MostNamed).Select(id => (Prose)$"{id}"))}{(budget.LeftOut.Count > MostNamed ? (Prose)$" and {budget.LeftOut.Count - MostNamed} more" : $"")}.";

    private static Prose? LeftOutMethods(BudgetScores budget) => budget.LeftOutMethods.Count == 0 ? null
        : (Prose)$"Left out, because they lack answers to too many problems: {Prose.Join(", ", budget.LeftOutMethods.Select(method => (Prose)$"{method.Name} (has {method.Problems} of {method.Of})"))}. If the problems that a method lacks are hard ones, what it reaches on the others would say too much for it.";

    private static GenealogyPicture Genealogies(IReadOnlyList<ShownGenealogy> all)
    {
        var kept = PageGenealogy.Kept(all);
        var problems = kept.Select(genealogy => genealogy.ProblemId).Distinct().Count();
        var rows = kept.Take(MostNamed).SelectMany(genealogy => genealogy.Genealogy.Chains.Where(chain => chain.Rounds.Count > 0).Select((chain, c) => (IReadOnlyList<Prose>)[
            $"{genealogy.ProblemId}", $"{genealogy.Method}", $"{c + 1}", $"{chain.Rounds.Count}", $"{chain.Rounds[^1].Weights.Count}",
            $"{chain.Rounds.Count(round => round.IsResampled)}", Number.Fixed(chain.Rounds.Min(round => round.EffectiveSampleSize)), $"{chain.Rounds[^1].Lineages}",
            double.IsFinite(chain.Rounds[^1].LogEvidence) ? Number.Fixed(chain.Rounds[^1].LogEvidence) : (Prose)$"–"]));
        return new(
            kept,
            $"How a particle method came to its answers. Rounds go from left to right, slots from top to bottom; a line leads from each particle to the one it went on from, strong where it has descendants at the end; the larger a dot, the more weight. Under each round stand the effective size and a mark where slots were replaced, at the right the final answers. Where many lines leave one dot, the others died out: a good sign if that dot leads to right answers, and a bad one if it was favoured too early. Here are the {Number.Count(problems, "problem", "problems")} on which the methods differ most.",
            new([$"Problem", $"Method", $"Chain", $"Rounds", $"Slots", $"Resampled", $"Least effective size", $"Lineages left", $"Log evidence"], [.. rows], TextColumns: 2));
    }

    private static Prose Tokens(double? tokens) => $"{(long)Math.Round(tokens ?? 0)}";
}
