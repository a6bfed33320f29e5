using Hindsight.Scoring;
using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class ComparisonTests(Chromium chromium)
{
    private static ComparedReport Report(ReportData data) => new(data.Run, data.Evaluation, data.Scores, data.Provenance);

    [Fact]
    public void A_report_compared_with_itself_shows_no_difference_and_no_problem_gained_or_lost()
    {
        var data = SampleReport.Make();
        var pair = PairedReports.Of(Report(data), Report(data with { Evaluation = "again" }), 0.02);

        Assert.Equal(0, pair.Final.Comparison.Difference.Value);
        Assert.Equal(data.Scores.Problems.Count, pair.Final.Comparison.Problems);
        Assert.Empty(pair.Final.Gained);
        Assert.Empty(pair.Final.Lost);
        Assert.Equal(("qwen2-sums/3f9c1b77", "qwen2-sums/again"), pair.Names);
    }

    [Fact]
    public void The_difference_is_the_mean_over_shared_problems_and_the_others_are_named()
    {
        var (one, two) = (SampleReport.Make(), SampleReport.Make(seed: 8));
        var fewer = two with { Scores = two.Scores with { Problems = [.. two.Scores.Problems.Where(problem => problem.Id != "sum-020")] } };
        var pair = PairedReports.Of(Report(one), Report(fewer), 0.02);

        var before = one.Scores.Problems.ToDictionary(problem => problem.Id, problem => problem.PassRates[^1]);
        Assert.Equal(fewer.Scores.Problems.Average(problem => problem.PassRates[^1] - before[problem.Id]), pair.Final.Comparison.Difference.Value, 9);
        Assert.Equal(["sum-020"], pair.Final.OnlyFirst);
        Assert.Contains("sum-020", new ComparisonPage(Report(one), Report(fewer), 0.02).Html(), StringComparison.Ordinal);
    }

    [Fact]
    public void Scores_read_back_from_their_file_give_the_same_page()
    {
        var (one, two) = (SampleReport.Make(), SampleReport.Make(checkpoints: 5, seed: 8) with { Run = "other" });
        var read = Report(one) with { Scores = ScoresJson.Read(ScoresJson.Write(one.Scores)) };
        Assert.Equal(new ComparisonPage(Report(one), Report(two), 0.02).Html(), new ComparisonPage(read, Report(two), 0.02).Html());
    }

    [Fact]
    public void A_problem_solved_by_one_alone_is_gained_or_lost()
    {
        var data = SampleReport.Make(problems: 200);
        var ids = data.Scores.Problems.Select(problem => problem.Id).ToArray();
        ComparedReport With(string run, string solved) => Report(data) with
        {
            Run = run,
            Scores = data.Scores with { Problems = [.. data.Scores.Problems.Select(problem => problem with { PassRates = [.. problem.PassRates.Select(_ => problem.Id == solved ? 1.0 : 0.0)] })] },
        };
        var pair = PairedReports.Of(With("one", ids[3]), With("two", ids[7]), 0.02);

        Assert.Equal([ids[7]], pair.Final.Gained.Select(change => change.ProblemId));
        Assert.Equal([ids[3]], pair.Final.Lost.Select(change => change.ProblemId));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_problem_gained_or_lost_shows_the_two_answers_that_differ(bool sampled)
    {
        var data = SampleReport.Make(problems: 200);
        var (gained, lost) = (data.Scores.Problems[7].Id, data.Scores.Problems[3].Id);
        ComparedReport With(string run, string solved) => Report(data) with
        {
            Run = run,
            Scores = data.Scores with
            {
                Problems = [.. data.Scores.Problems.Select(problem => problem with
                {
                    PassRates = sampled ? [.. problem.PassRates.Select(_ => problem.Id == solved ? 1.0 : 0.0)] : [],
                    Greedy = sampled ? [] : [.. problem.Greedy.Select(_ => problem.Id == solved)],
                })],
            },
            Answers = [.. new[] { gained, lost }.SelectMany(id => new int?[] { null, 2, 1 }.SelectMany(sample => new[] { Verdict.Correct, Verdict.Truncated }.Select(verdict =>
                new ShownAnswer("checkpoint-800", id, sample, verdict, "1", "stop", 3, $"{run} {id} {sample} {verdict}"))))],
        };
        var pair = PairedReports.Of(With("one", lost), With("two", gained), 0.02);
        var shown = ComparisonDocument.Sections(pair).SelectMany(section => section.Blocks).OfType<AnswerPair>().ToList();

        var which = sampled ? "1" : "";
        Assert.Equal([$"one {gained} {which} Truncated", $"two {gained} {which} Correct", $"one {lost} {which} Correct", $"two {lost} {which} Truncated"], shown.SelectMany(pair => new[] { pair.Before.Text, pair.After.Text }));
        Assert.Equal($"two, checkpoint-800, {(sampled ? "sample 1" : "greedy")}: correct", shown[0].After.Title.Inert);
        Assert.Equal([false, true, true, false], shown.SelectMany(pair => new[] { pair.Before.IsRight, pair.After.IsRight }));
        Assert.Contains("<details class=\"pair\">", new ComparisonPage(With("one", lost), With("two", gained), 0.02).Html(), StringComparison.Ordinal);
        Assert.Contains("(answers.jsonl) are not there", new ComparisonPage(With("one", lost) with { Answers = [] }, With("two", gained), 0.02).Html(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_differs_in_how_they_were_made_is_listed_and_nothing_else()
    {
        var one = SampleReport.Make();
        var two = one with { Evaluation = "warm", Provenance = new([.. one.Provenance.Groups.Select(group => group.Title != "Decoding" ? group : group with { Entries = [.. group.Entries.Select(entry => entry.Label != "Seed" ? entry : entry with { Value = "7" })] })]) };
        var section = ComparisonDocument.Sections(PairedReports.Of(Report(one), Report(two), 0.02)).Single(section => section.Id == "provenance");
        var row = Assert.Single(section.Blocks.OfType<Table>().Single().Rows);
        Assert.Equal(["Decoding: Seed", "20250601", "7"], row.Select(cell => cell.Inert));
    }

    [Fact]
    public void What_cannot_be_paired_is_refused_in_a_sentence()
    {
        var data = SampleReport.Make();
        var scores = data.Scores;
        EvaluationScores[] refused =
        [
            scores with { Trajectory = [] },
            scores with { Problems = [] },
            scores with { Problems = [.. scores.Problems.Select(problem => problem with { Id = "other " + problem.Id })] },
            scores with { Problems = [.. scores.Problems, scores.Problems[0]] },
            scores with { Problems = [.. scores.Problems.Select(problem => problem with { PassRates = [0.5] })] },
            scores with { Problems = [.. scores.Problems.Select(problem => problem with { PassRates = [.. problem.PassRates.Select(_ => double.NaN)] })] },
            scores with { Problems = [.. scores.Problems.Select(problem => problem with { PassRates = [.. problem.PassRates.Select(_ => 7.0)] })] },
            scores with { Problems = [.. scores.Problems.Select(problem => problem with { Drawn = [.. problem.PassRates.Select(_ => 0)] })] },
        ];
        Assert.All(refused, broken =>
        {
            Assert.EndsWith(".", Assert.Throws<InvalidDataException>(() => new ComparisonPage(Report(data), Report(data) with { Run = "broken", Scores = broken }, 0.02)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidDataException>(() => new ComparisonPage(Report(data) with { Scores = broken }, Report(data), 0.02));
        });
        var sampled = scores with { Problems = [.. scores.Problems.Select(problem => problem with { Greedy = [] })] };
        var greedy = scores with { Problems = [.. scores.Problems.Select(problem => problem with { PassRates = [] })] };
        Assert.Throws<InvalidDataException>(() => new ComparisonPage(Report(data) with { Scores = sampled }, Report(data) with { Scores = greedy }, 0.02));
        Assert.Contains("greedy score", new ComparisonPage(Report(data), Report(data) with { Run = "greedy", Scores = greedy }, 0.02).Html(), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public Task The_page_draws_both_runs(int width, ColorScheme scheme) =>
        chromium.OpenAsync(new ComparisonPage(Report(SampleReport.Make()), Report(SampleReport.Make(seed: 8) with { Run = "qwen2-sums-lr2e5" }), 0.02).Html(), async page =>
        {
            await Chromium.KeepAsync(page, $"comparison-{width}-{scheme}");
            await BrowserTests.AssertDrawnAsync(page, width);
            await page.Locator("#trajectories summary").ClickAsync();
            Assert.Equal(17, Csv.Parse((await AnswerBrowserTests.SaveAsync(page, page.Locator("#trajectories button.csv")))[1..]).Count);
        }, width, scheme);

    [SkippableFact]
    public Task Hostile_text_does_nothing_here_either()
    {
        var data = Hostile.Report();
        ComparedReport Side(string run, Func<int, bool> solves) => Report(data) with
        {
            Run = run,
            Scores = data.Scores with
            {
                Problems = [.. data.Scores.Problems.Select((problem, i) => problem with { PassRates = [.. problem.PassRates.Select(_ => solves(i) ? 1.0 : 0.0)] }), data.Scores.Problems[0] with { Id = run + "x" }],
            },
            Answers = [.. Hostile.Payloads.SelectMany(text => new[] { Verdict.Correct, Verdict.Wrong }.Select(verdict => new ShownAnswer(text, text, 0, verdict, text, text, 1, text + verdict)))],
            Provenance = new([.. Hostile.Payloads.Select(text => new ProvenanceGroup(text, [new(text, text + run)]))]),
        };
        return chromium.OpenAsync(new ComparisonPage(Side(Hostile.Payloads[1], i => i % 2 == 0), Side(Hostile.Payloads[2], i => i % 2 == 1), 0.02).Html(), async page =>
        {
            Assert.Equal(Hostile.Payloads.Count, await page.Locator("details.pair").CountAsync());
            await page.EvaluateAsync("document.querySelectorAll('details').forEach(details => details.open = true)");
            await BrowserTests.AssertHarmlessAsync(page);
            await BrowserTests.AssertDrawnAsync(page, 1280);
            await Chromium.KeepAsync(page, "comparison-hostile");
        });
    }
}
