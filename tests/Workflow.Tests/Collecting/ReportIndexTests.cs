using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

public sealed class ReportIndexTests(Pipeline pipeline) : IClassFixture<Pipeline>
{
    [Fact]
    public async Task Writers_at_once_leave_an_index_with_every_report()
    {
        var runs = Enumerable.Range(0, 12).Select(number => $"run-{number:00}").ToList();

        await Task.WhenAll(runs.Select(async run =>
        {
            await SummariseAsync(run);
            await ReportIndex.WriteAsync(pipeline.Store, CancellationToken.None);
        }));

        var index = await IndexAsync();
        Assert.All(runs, run => Assert.Contains($"./{run}/e1/report.html", index, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Changes_at_once_are_all_kept()
    {
        var blob = pipeline.Store.Evaluations.GetBlobClient("counted.json");

        await Task.WhenAll(Enumerable.Range(0, 12).Select(number =>
            BlobStore.ChangeJsonAsync<IReadOnlyList<int>>(blob, [], known => [.. known, number], CancellationToken.None)));

        Assert.Equal(Enumerable.Range(0, 12), (await BlobStore.TryReadJsonAsync<IReadOnlyList<int>>(blob, CancellationToken.None))!.Order());
        var before = (await blob.GetPropertiesAsync()).Value.ETag;
        await BlobStore.ChangeJsonAsync<IReadOnlyList<int>>(blob, [], known => known, CancellationToken.None);
        Assert.Equal(before, (await blob.GetPropertiesAsync()).Value.ETag);
    }

    [Fact]
    public async Task An_alert_stands_in_the_line_of_its_run_at_once()
    {
        await SummariseAsync("alarmed");
        foreach (var (id, text) in new[] { ("a", "the first"), ("b", "<b>the newest</b>"), ("b", "<b>the newest</b>") })
        {
            await pipeline.Get<AlertLog>().RaiseAsync(
                new Alert(id, "alarmed", new DateOnly(2031, 1, 8), AlertKind.Infrastructure, "e1", null, text), null, CancellationToken.None);
        }

        var index = await IndexAsync();
        Assert.Contains("2&#160;alerts, the newest of 2031-01-08: <bdi>&lt;b&gt;the newest&lt;/b&gt;</bdi>", index, StringComparison.Ordinal);
        Assert.DoesNotContain("the first", index, StringComparison.Ordinal);
    }

    private async Task<string> IndexAsync() =>
        (await pipeline.Store.Reports.GetBlobClient(ReportIndex.FileName).DownloadContentAsync()).Value.Content.ToString();

    private Task SummariseAsync(string run) => pipeline.Store.Reports.GetBlobClient($"{run}/e1/{ReportFiles.Summary}").UploadAsync(
        new BinaryData(new ReportSummary(run, "e1", "It is well.", 1, 1, null, [new("checkpoint-1", 1, new Estimate(0.5, 0.4, 0.6))], new Provenance([])).ToJson()), overwrite: true);
}
