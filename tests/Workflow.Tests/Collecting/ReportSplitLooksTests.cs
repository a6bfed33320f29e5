using System.Globalization;

namespace Hindsight.Workflow.Tests;

public sealed class ReportSplitLooksTests(Pipeline pipeline) : IClassFixture<Pipeline>
{
    [Fact]
    public async Task Every_evaluation_on_a_report_split_is_counted_once_and_from_the_third_on_warned_of()
    {
        await pipeline.UploadSuiteAsync("looks", [.. Enumerable.Range(1, 6).Select(n => $$"""{"id": "p{{n}}", "question": "{{n}} + 1 =", "answer": "{{n + 1}}", "grader": "number"}""")]);
        await pipeline.UploadAsync("looks", "checkpoint-1", TestData.PathTo("models", "qwen2-tied", "model"));
        await pipeline.UploadAsync("looks", "checkpoint-2", TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        var reports = new List<(string Evaluation, string Page)>();
        for (var samples = 1; samples <= 3; samples++)
        {
            await pipeline.UploadSpecAsync("looks", string.Create(CultureInfo.InvariantCulture, $$"""{"suite": "looks", "samplesPerProblem": {{samples}}, "seed": 77, "maxTokens": 4, "earlyWeights": [], "chat": false, "pricePerDeviceHour": 9}"""));
            await pipeline.AnnounceAsync("looks", "checkpoint-1");
            await pipeline.AnnounceAsync("looks", "checkpoint-2");
            await pipeline.PumpAsync();
            reports.Add(((await pipeline.StatusAsync("looks")).Evaluation!, await pipeline.ReportAsync("looks", ReportFiles.Page)));
        }

        Assert.Equal(3, reports.Select(report => report.Evaluation).Distinct().Count());
        Assert.Contains("No evaluation of this run was judged on it before.", reports[0].Page, StringComparison.Ordinal);
        Assert.Contains("2&#160;evaluations of this run, this one included, were judged on it by now.", reports[1].Page, StringComparison.Ordinal);
        Assert.Contains("Warning: 3 evaluations of this run", reports[2].Page, StringComparison.Ordinal);
        Assert.All(reports, report => Assert.Contains(">Price</th>", Measured(report.Page), StringComparison.Ordinal));

        // Made again, an earlier report says what it said.
        foreach (var (evaluation, page) in reports)
        {
            await ReportFiles.DropAsync(pipeline.Store, "looks", evaluation, CancellationToken.None);
            await pipeline.Get<AnswerCollector>().CollectAsync(new CollectMessage("looks", evaluation), CancellationToken.None);
            var again = (await pipeline.Store.Reports.GetBlobClient($"looks/{evaluation}/{ReportFiles.Page}").DownloadContentAsync()).Value.Content.ToString();
            Assert.Equal(page.Replace(Measured(page), "", StringComparison.Ordinal), again.Replace(Measured(again), "", StringComparison.Ordinal));
            Assert.True(await ReportFiles.ExistsAsync(pipeline.Store, "looks", evaluation, CancellationToken.None));
        }
    }

    [Fact]
    public async Task Splits_are_counted_apart_and_evaluations_at_once_each_have_a_place_of_their_own()
    {
        string[] evaluations = [.. Enumerable.Range(0, 8).Select(number => $"e{number}")];
        var counters = await Task.WhenAll(evaluations.Select(evaluation => ReportSplitLooks.RecordAsync(pipeline.Store, "apart", evaluation, ["x"], CancellationToken.None)));
        var other = await ReportSplitLooks.RecordAsync(pipeline.Store, "apart", "e3", ["y", "x"], CancellationToken.None);

        Assert.Equal(Enumerable.Range(1, 8), counters.Select(counter => counter.Of("x")).Order());
        Assert.Equal((counters[3].Of("x"), 1), (other.Of("x"), other.Of("y")));
    }

    private static string Measured(string page) => page.Split("<!-- measured -->")[1].Split("<!-- /measured -->")[0];
}
