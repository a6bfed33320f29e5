using System.Globalization;
using Hindsight.Reporting.Sections;
using Hindsight.Scoring;
using Microsoft.Playwright;
using Xunit.Abstractions;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class SameTokensTests(Chromium chromium, ITestOutputHelper output)
{
    private static readonly BudgetScores Budget = BudgetSample.Sums.Scores.Budget!;

    [Fact]
    public void Every_method_stands_in_a_table_with_what_it_reaches_and_spends()
    {
        var table = Write(BudgetSample.Report).OfType<Table>().First();
        Assert.Equal(
            ["Method", "Allocation", "Accuracy", "An answer drawn by weight", "Tokens drawn", "Read by the reward model", "Plain samples for those drawn", "Plain samples for all"],
            table.Header.Select(Text));
        Assert.Equal(Budget.Methods.Count, table.Rows.Count);
        foreach (var (method, row) in Budget.Methods.Zip(table.Rows))
        {
            Assert.Equal([method.Name, Text($"{method.Accuracy}")], new[] { Text(row[0]), Text(row[2]) });
            Assert.Equal(Text($"{(long)Math.Round(method.DrawnTokens)}"), Text(row[4]));
        }
        var filter = table.Rows.Single(row => Text(row[0]).StartsWith("particle filter", StringComparison.Ordinal) && Text(row[1]) == "chosen");
        Assert.Equal(["420", "900"], filter.Skip(4).Take(2).Select(Text));
        // Eight plain samples have some 400 tokens: 420 buy nine, a whole one begun counting, and 1,320 more than there are.
        Assert.Matches("^9$", Text(filter[6]));
        Assert.Matches("^2[6-9]$", Text(filter[7]));
    }

    [Fact]
    public void Device_time_is_told_beside_what_plain_samples_reach_in_it()
    {
        var selfConsistency = Budget.Curves[0];
        var timings = new Timings(default, [], 1, 1)
        {
            Methods = [new(Budget.Methods[0].Name, 4), new("greedy", 0.25), new("beam search", 2.9), new("particle filter, 1 chain", 80), new("particle filter, 2 chains", 80)],
            PricePerDeviceHour = 36,
        };
        var table = SameTokens.Measured(BudgetSample.Sums.Scores, timings).OfType<Table>().Single();
        Assert.Equal(["Method", "Accuracy", "Device seconds for a problem", "Plain samples in that time", "Self-consistency in that time", "Price of a problem"], table.Header.Select(Text));
        var rows = table.Rows.ToDictionary(row => Text(row[0]), row => row.Skip(2).Select(Text).ToArray());
        string At(int k) => $"{Text($"{selfConsistency.Points.Single(point => point.K == k).Accuracy}")} (k = {k})";
        Assert.Equal(["4", "8", At(8), "0.04"], rows[Budget.Methods[0].Name]);
        Assert.Equal(["0.25", "0", "–", "0.0025"], rows["greedy"]);
        Assert.Equal(["2.9", "5", At(4), "0.029"], rows["beam search"]);
        Assert.Equal(["80", "160", At(12), "0.80"], Assert.Single(rows, row => row.Key.StartsWith("particle filter", StringComparison.Ordinal)).Value);

        Assert.Empty(SameTokens.Measured(BudgetSample.Sums.Scores, timings with { Methods = [] }));
        Assert.Contains("What else the same device time buys", ReportPage.Html(BudgetSample.Report, timings).Split(ReportPage.MeasuredStart)[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Both_ways_to_count_tokens_have_a_plot_and_its_numbers()
    {
        var panels = Write(BudgetSample.Report).OfType<Figures>().Single().Panels;
        Assert.Equal(2, panels.Count);
        var rows = Budget.Methods.Count + Budget.Curves.Sum(curve => curve.Points.Count);
        Assert.All(panels, panel => Assert.Equal(rows, panel.Numbers.Rows.Count));
        string[] Filter(Figure panel) => [.. panel.Numbers.Rows.First(row => Text(row[0]).StartsWith("particle filter", StringComparison.Ordinal)).Select(Text)];
        Assert.Equal(("420", "1,320"), (Filter(panels[0])[2], Filter(panels[1])[2]));

        var unread = Budget with { Methods = [.. Budget.Methods.Select(method => method with { RewardTokens = 0 })] };
        Assert.Empty(Write(BudgetSample.Report with { Scores = BudgetSample.Sums.Scores with { Budget = unread } }).OfType<Figures>());
    }

    [Fact]
    public void Every_comparison_and_every_choice_is_told_and_what_is_not_equal_is_said()
    {
        var markdown = ReportMarkdown.Write(BudgetSample.Report);
        var part = markdown.Split("## What else the same tokens buy")[1].Split("\n## ")[0];
        foreach (var member in Budget.Comparisons.Members)
        {
            Assert.Contains($"| `{member.Of.Replace("|", "\\|", StringComparison.Ordinal)}` | `{member.Against}` | {Text(Comparisons.Word(member.Outcome))} | {Text(Number.Points(member.Difference))} |", part, StringComparison.Ordinal);
        }
        Assert.Equal(["Temporal Sampling, Maj", "Temporal Sampling, BoN", "WiSE-FT", "particle filter"], Budget.Choices.Select(choice => choice.Choice));
        Assert.All(Budget.Choices, choice => Assert.Contains($"| `{choice.Choice}` | `accuracy` | `{choice.Candidates[choice.Chosen].Name.Replace("|", "\\|", StringComparison.Ordinal)}` | {choice.Tried} |", part, StringComparison.Ordinal));
        Assert.Contains("Not compared, because their tokens buy more than the 12\u00a0plain samples that were drawn: `best-of-8` (", part, StringComparison.Ordinal);
        Assert.Contains("With more of them (`particles.plainSamples` in evaluation.json) they are.", part, StringComparison.Ordinal);
        Assert.Contains($"The report split has the id `{Budget.ReportSplit}`", part, StringComparison.Ordinal);
        Assert.Contains("| Problem | Method | Chain | Rounds | Slots | Resampled | Least effective size | Lineages left | Log evidence |", part, StringComparison.Ordinal);
        Assert.Contains($"| `{Budget.MostDifferent[0]}` | `particle filter, 2 chains` | 2 | 6 | 4 | 2 |", part, StringComparison.Ordinal);
        Assert.Contains(
            "is its answer: the extracted answer of the most weight for `particle filter, 1 chain`, `particle filter, 2 chains`; the one of the highest last score for `beam search`.",
            part, StringComparison.Ordinal);
        Assert.Contains("For the same tokens", markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_count_decides_and_what_is_left_out_is_said()
    {
        var moved = Budget with
        {
            Methods = [.. Budget.Methods.Select(method => method.Family == "beam search" ? method with { ByDrawnTokens = new(3, 0), ByAllTokens = new(8, 1), WithoutAnswer = 2, SingleSteps = Budget.ReportProblems, CutOff = 0.125 } : method)],
            Comparisons = With(Outcome.Gain, Outcome.Loss),
            LeftOut = ["sum-007"],
            LeftOutMethods = [new("slow search", 6, 40)],
        };
        var markdown = ReportMarkdown.Write(BudgetSample.Report with { Scores = BudgetSample.Sums.Scores with { Budget = moved } });
        Assert.Contains("Whether the tokens that a reward model reads count decides here", markdown, StringComparison.Ordinal);
        Assert.Contains("`beam search`, GAIN against 3 and LOSS against 8", markdown, StringComparison.Ordinal);
        Assert.Contains("the problem counts as wrong: `beam search` on 2.", markdown, StringComparison.Ordinal);
        Assert.Contains("lacks answers to them: `sum-007`.", markdown, StringComparison.Ordinal);
        Assert.Contains("`slow search` (has 6 of 40)", markdown, StringComparison.Ordinal);
        Assert.Contains("so that nothing was chosen on the way: `beam search`. Where answers have several, name what ends a step (`rewardModel.delimiter` in evaluation.json).", markdown, StringComparison.Ordinal);
        Assert.Contains("12.5\u00a0% of `beam search`.", markdown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Outcome.Gain, Outcome.Gain, 1, "For the same tokens, a reward model’s reading included, the surest gain over self-consistency is that of `second`")]
    [InlineData(Outcome.Gain, Outcome.Loss, 1, "with what a reward model reads for nothing, the surest gain over self-consistency is that of `first` against `Maj@3`: GAIN,")]
    [InlineData(Outcome.Gain, Outcome.Loss, 1, "; that counted, it is LOSS,")]
    [InlineData(Outcome.Gain, Outcome.Gain, null, "; whether anything is left of it with that counted, was not compared.")]
    [InlineData(Outcome.Inconclusive, Outcome.Inconclusive, 1, "For the same tokens no other method is shown to do better")]
    public void The_verdict_claims_a_gain_only_with_all_tokens_counted_or_says_so(Outcome drawn, Outcome all, int? whole, string expected)
    {
        var budget = Budget with
        {
            Methods = [.. Budget.Methods.Select(method => method with { ByDrawnTokens = method.Family == "beam search" ? new(3, 0) : null, ByAllTokens = method.Family == "beam search" ? new(8, whole) : null })],
            Comparisons = With(drawn, all),
        };
        var markdown = ReportMarkdown.Write(BudgetSample.Report with { Scores = BudgetSample.Sums.Scores with { Budget = budget } });
        Assert.Contains(expected, markdown, StringComparison.Ordinal);

        // Against one or two samples, as greedy is, there is no vote to be better than.
        var single = budget with { Methods = [.. budget.Methods.Select(method => method with { ByDrawnTokens = method.ByDrawnTokens is null ? null : new(2, 0), ByAllTokens = method.ByAllTokens is null ? null : new(2, whole) })] };
        Assert.DoesNotContain("For the same tokens", ReportMarkdown.Write(BudgetSample.Report with { Scores = BudgetSample.Sums.Scores with { Budget = single } }).Split("## Along")[0], StringComparison.Ordinal);
    }

    private static ComparisonFamily With(Outcome first, Outcome second) => Budget.Comparisons with
    {
        Members =
        [
            Budget.Comparisons.Members[0] with { Of = "first", Against = "Maj@3", Outcome = first }, Budget.Comparisons.Members[1] with { Of = "second", Against = "Maj@8", Outcome = second },
            .. Budget.Comparisons.Members.Skip(2).Select(member => member with { Outcome = Outcome.Inconclusive }),
        ],
    };

    [Fact]
    public void Without_other_methods_there_is_no_such_section() => Assert.Null(SameTokens.Write(ScoredSample.Report));

    [Fact]
    public void Its_scores_read_back_to_the_same_bytes()
    {
        var json = ScoresJson.Write(BudgetSample.Sums.Scores);
        Assert.Equal(json, ScoresJson.Write(ScoresJson.Read(json)));
        Assert.Contains("\"byDrawnTokens\": {", json, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_problems_do_not_make_the_page_large_and_the_caption_says_how_many_are_shown()
    {
        var (answers, scores) = BudgetSample.Of([.. Enumerable.Range(0, 1000).Select(i => string.Create(CultureInfo.InvariantCulture, $"p-{i:0000}"))], name => name, particles: 16, rounds: 20);
        var data = BudgetSample.Report with { Scores = scores, Answers = [], Genealogies = ShownGenealogy.Of(answers, scores) };
        var (with, without) = (ReportPage.Html(data, null).Length, ReportPage.Html(data with { Genealogies = [] }, null).Length);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The genealogies take {(with - without) / 1000} thousand bytes of {with / 1000}."));
        Assert.InRange(with - without, 10_000, 400_000);
        Assert.Equal(60 * 3, data.Genealogies.Count);
        Assert.Contains("Here are the 60\u00a0problems on which the methods differ most.", ReportMarkdown.Write(data), StringComparison.Ordinal);
    }

    [Fact]
    public void Genealogies_beyond_what_a_page_can_carry_are_left_out_by_whole_problems()
    {
        var round = new GenealogyRound(new double[1000], 1, false, [], 1, 0);
        ShownGenealogy Large(string id) => new(id, "m", new([new([.. Enumerable.Repeat(round, 150)])]), []);
        Assert.Equal(["a", "a", "b"], PageGenealogy.Kept([Large("a"), Large("a"), Large("b") with { Genealogy = new([]) }, Large("c"), Large("d")]).Select(genealogy => genealogy.ProblemId));
    }

    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    public Task Choosing_another_problem_or_method_by_keyboard_changes_the_picture(int width, ColorScheme scheme) =>
        chromium.OpenAsync(ReportPage.Html(BudgetSample.Report, null), async page =>
        {
            await BrowserTests.AssertDrawnAsync(page, width);
            var figure = page.Locator(".genealogy");
            var status = figure.GetByRole(AriaRole.Status);
            await Assertions.Expect(figure.Locator("svg")).ToHaveCountAsync(1);
            await Assertions.Expect(status).ToContainTextAsync($"particle filter, 1 chain on {Budget.MostDifferent[0]}: ");
            await Chromium.KeepAsync(page.Locator("#same-tokens"), string.Create(CultureInfo.InvariantCulture, $"same-tokens-{width}-{scheme}"));
            Assert.Equal(6 * 8, await figure.Locator("circle").CountAsync());
            Assert.Equal(5 * 8, await figure.Locator("line").CountAsync());
            Assert.Equal(2, await figure.GetByText("↻").CountAsync());

            var before = await figure.Locator(".chains").InnerHTMLAsync();
            await figure.GetByLabel("Problem", new() { Exact = true }).FocusAsync();
            await page.Keyboard.PressAsync("ArrowDown");
            await Assertions.Expect(status).ToContainTextAsync($"on {Budget.MostDifferent[1]}: ");
            Assert.NotEqual(before, await figure.Locator(".chains").InnerHTMLAsync());
            await AssertAnswersAsync(figure, BudgetSample.Report.Genealogies[3]);

            await page.Keyboard.PressAsync("Tab");
            await page.Keyboard.PressAsync("ArrowDown");
            await Assertions.Expect(status).ToContainTextAsync("particle filter, 2 chains on ");
            await Assertions.Expect(figure.Locator("svg")).ToHaveCountAsync(2);
            await AssertAnswersAsync(figure, BudgetSample.Report.Genealogies[4]);

            await figure.Locator("summary").ClickAsync();
            Assert.Equal(2 * 6, await figure.Locator("tbody tr").CountAsync());
            var csv = Csv.Parse((await AnswerBrowserTests.SaveAsync(page, figure.Locator("button.csv")))[1..]);
            Assert.Equal(["Chain", "Round", "Slots", "Effective size", "Resampled", "Largest weight", "Lineages left", "Log evidence"], csv[0]);
            Assert.Equal(13, csv.Count);

            await page.EmulateMediaAsync(new() { Media = Media.Print });
            Assert.False(await figure.GetByLabel("Problem", new() { Exact = true }).IsVisibleAsync());
            Assert.True(await figure.Locator("svg").First.IsVisibleAsync());
            Assert.True(await status.IsVisibleAsync());
        }, width, scheme);

    [SkippableFact]
    public Task Hostile_names_of_methods_and_problems_are_text_in_the_picture() =>
        chromium.OpenAsync(ReportPage.Html(Hostile.Report(), null), async page =>
        {
            var problems = page.Locator("#genealogy-problem option");
            var differ = Hostile.Report().Genealogies.Select(genealogy => genealogy.ProblemId).Distinct().Count();
            Assert.InRange(differ, Hostile.Payloads.Count / 2, Hostile.Payloads.Count);
            Assert.Equal(differ, await problems.CountAsync());
            for (var i = 0; i < differ; i++)
            {
                await page.Locator("#genealogy-problem").SelectOptionAsync(new SelectOptionValue { Index = i });
                Assert.True(await page.Locator(".genealogy svg circle").CountAsync() > 0);
            }
            await BrowserTests.AssertHarmlessAsync(page);
        });

    private static async Task AssertAnswersAsync(ILocator figure, ShownGenealogy genealogy) => Assert.Equal(
        genealogy.Members.Select(member => (member.Answer.Verdict == Verdict.Correct ? "✓ " : "✗ ") + member.Answer.Answer),
        await figure.Locator("text.leaf").AllTextContentsAsync());

    private static IReadOnlyList<Block> Write(ReportData data) => SameTokens.Write(data)!.Blocks;

    private static string Text(Prose prose) => string.Concat(prose.Pieces.Select(piece => piece.Text));
}
