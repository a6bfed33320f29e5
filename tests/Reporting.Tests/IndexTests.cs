using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class IndexTests(Chromium chromium)
{
    private static readonly Dictionary<string, IndexedAlerts> None = [];

    private static readonly DateTimeOffset Day = new(2025, 6, 1, 12, 30, 0, TimeSpan.Zero);

    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public Task It_lists_every_run_once_by_its_latest_report(int width, ColorScheme scheme)
    {
        var (sums, code) = (SampleReport.Make(), SampleReport.Make(checkpoints: 12, seed: 3) with { Run = "code", Evaluation = "c0de" });
        var html = IndexPage.Html(
        [
            new(["qwen2-sums", "old"], Day.AddDays(-9), ReportSummary.Of(SampleReport.Make(checkpoints: 3)) with { Evaluation = "old" }),
            new(["code", "c0de"], Day.AddDays(-1), ReportSummary.Of(code)),
            new(["qwen2-sums", "3f9c1b77"], Day, ReportSummary.Of(sums)),
        ], new Dictionary<string, IndexedAlerts> { ["code"] = new(3, new(2025, 6, 2), "Pass@1 of checkpoint-1200 is 9.0 points below the baseline's."), ["another"] = new(1, new(2025, 6, 2), "of a run without a report") });
        return chromium.OpenAsync(html, async page =>
        {
            Assert.Equal(["qwen2-sums", "code"], await page.Locator("h2").AllInnerTextsAsync());
            Assert.Equal("./qwen2-sums/3f9c1b77/report.html", await page.Locator("h2 a").First.GetAttributeAsync("href"));
            Assert.Contains(Findings.Headline(sums.Scores).Inert[..60], await page.Locator(".verdict").First.InnerTextAsync(), StringComparison.Ordinal);
            Assert.Equal(
                ["3\u00a0alerts, the newest of 2025-06-02: Pass@1 of checkpoint-1200 is 9.0 points below the baseline's."],
                await page.Locator("article.run").Filter(new() { HasText = "code" }).Locator(".alert").AllTextContentsAsync());
            Assert.Equal(1, await page.Locator(".alert").CountAsync());
            Assert.Equal(2, await page.Locator("svg.spark polyline").CountAsync());
            Assert.Equal(12, (await page.Locator("svg.spark polyline").Nth(1).GetAttributeAsync("points"))!.Split(' ').Length);
            await page.GetByText("1 earlier report").ClickAsync();
            Assert.Equal("./qwen2-sums/old/report.html", await page.GetByRole(AriaRole.Link, new() { Name = "old" }).GetAttributeAsync("href"));
            await Chromium.KeepAsync(page, $"index-{width}-{scheme}");
            await BrowserTests.AssertDrawnAsync(page, width);
        }, width, scheme);
    }

    [SkippableFact]
    public Task Hostile_names_and_verdicts_do_nothing() =>
        chromium.OpenAsync(
            IndexPage.Html(Hostile.Payloads.Select((text, i) => new IndexedReport([text], Day.AddMinutes(i), ReportSummary.Of(Hostile.Report()) with { Run = text, Evaluation = text, Verdict = text }))
                .Append(new(["javascript:alert(1)"], Day, ReportSummary.Of(SampleReport.Make()))),
                Hostile.Payloads.Distinct().ToDictionary(text => text, text => new IndexedAlerts(1, new(2025, 6, 2), text))),
            async page =>
            {
                await BrowserTests.AssertHarmlessAsync(page);
                Assert.Equal(Hostile.Payloads.Distinct().Count(), await page.Locator(".alert").CountAsync());
                Assert.Equal(0, await page.Locator("script").CountAsync());
                Assert.All(await page.EvaluateAsync<string[]>("[...document.links].map(link => link.protocol)"), protocol => Assert.Equal("file:", protocol));
                Assert.Equal(1280, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
            });

    [Fact]
    public void The_same_reports_in_any_order_give_the_same_page()
    {
        IndexedReport[] reports = [new(["a"], Day, ReportSummary.Of(SampleReport.Make()) with { Run = "a" }), new(["b"], Day, ReportSummary.Of(SampleReport.Make()) with { Run = "b" })];
        Assert.Equal(IndexPage.Html(reports, None), IndexPage.Html(reports.Reverse(), None));
        Assert.Contains("There is no report yet.", IndexPage.Html([], None), StringComparison.Ordinal);
    }

    [Fact]
    public void A_summary_reads_back_as_it_was_written()
    {
        foreach (var data in Degenerate.Reports.Append(SampleReport.Make()).Append(Hostile.Report()))
        {
            var json = ReportSummary.Of(data).ToJson();
            Assert.Equal(json, ReportSummary.Parse(json, "summary.json").ToJson());
        }
        foreach (var broken in new[] { "", "null", "[]", "{}", "{\"run\": 3}" })
        {
            Assert.StartsWith("x/summary.json", Assert.Throws<InvalidDataException>(() => ReportSummary.Parse(broken, "x/summary.json")).Message, StringComparison.Ordinal);
        }
    }
}
