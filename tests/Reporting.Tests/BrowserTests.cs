using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class BrowserTests(Chromium chromium)
{
    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public Task The_page_draws_its_plots_within_its_window_without_the_network(int width, ColorScheme scheme) =>
        chromium.OpenAsync(ReportPage.Html(SampleReport.Make(), SampleReport.Times), async page =>
        {
            await Chromium.AnswersAsync(page);
            await Chromium.KeepAsync(page, $"report-{width}-{scheme}");
            await AssertDrawnAsync(page, width);
            Assert.True(await page.Locator("[data-plot] svg path, [data-plot] svg line").CountAsync() > 100, "The plots hold hardly a mark.");
        }, width, scheme);

    [SkippableFact]
    public Task On_paper_the_answers_are_left_out_and_a_sentence_says_so() =>
        chromium.OpenAsync(ReportPage.Html(SampleReport.Make(), SampleReport.Times), async page =>
        {
            await Chromium.AnswersAsync(page);
            await page.EmulateMediaAsync(new() { Media = Media.Print });
            await Chromium.KeepAsync(page, "report-print");
            await page.PdfAsync(new() { Path = Path.Combine(Chromium.Screenshots, "report.pdf"), Format = "A4", Margin = new() { Top = "15mm", Bottom = "15mm", Left = "15mm", Right = "15mm" } });
            Assert.False(await page.Locator(".browser").IsVisibleAsync());
            Assert.True(await page.Locator(".paper").IsVisibleAsync());
        });

    [SkippableFact]
    public Task Hostile_text_does_nothing_in_a_browser() =>
        chromium.OpenAsync(ReportPage.Html(Hostile.Report(), SampleReport.Times), async page =>
        {
            var browser = await Chromium.AnswersAsync(page);
            // Every answer beside another, opened; and every number of the heat map.
            await browser.GetByLabel("Beside it").SelectOptionAsync("0");
            await OpenAllAsync(browser);
            await page.Locator(".heat summary").ClickAsync();
            Assert.True(await page.Locator("td.detail pre").CountAsync() > Hostile.Payloads.Count);
            Assert.True(await page.Locator(".heat td.cell").CountAsync() > Hostile.Payloads.Count);
            await AssertHarmlessAsync(page);
            await AssertDrawnAsync(page, 1280);
        });

    [SkippableFact]
    public async Task A_report_of_almost_nothing_is_drawn_too()
    {
        foreach (var data in Degenerate.Reports)
        {
            await chromium.OpenAsync(ReportPage.Html(data, SampleReport.Times), page => AssertDrawnAsync(page, 900), 900);
        }
    }

    [SkippableFact]
    public Task A_browser_that_cannot_unpack_says_so_and_draws_the_rest() =>
        chromium.OpenAsync(ReportPage.Html(SampleReport.Make(), null), async page =>
        {
            Assert.Contains("they stand in answers.jsonl", await page.Locator(".browser .loading").InnerTextAsync(), StringComparison.Ordinal);
            Assert.True(await page.Locator(".cells path").CountAsync() > 0);
            await page.Locator(".heat summary").ClickAsync();
            Assert.True(await page.Locator(".heat tbody tr").CountAsync() >= 64);
        }, before: "delete globalThis.DecompressionStream");

    internal static async Task AssertDrawnAsync(IPage page, int width)
    {
        Assert.Equal(await page.Locator("[data-plot]").CountAsync(), await page.Locator("[data-plot].drawn svg").CountAsync());
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
    }

    internal static async Task AssertHarmlessAsync(IPage page)
    {
        Assert.False(await page.EvaluateAsync<bool>("'hacked' in window"), "A payload ran.");
        Assert.Equal("", await page.EvaluateAsync<string>("""
            [...document.querySelectorAll("img, iframe, object, embed, base, form:not(.vega-bindings:empty), link, a:not([href^='#']):not([href^='./']), [src], [onload], [onerror], [onfocus], [onmouseover], [style*=url], script:not([src]) ~ main script")]
              .map(element => element.outerHTML).join("\n")
            """));
        Assert.Equal(await page.EvaluateAsync<int>("document.scripts.length"), await page.EvaluateAsync<int>("document.querySelectorAll('body > script').length"));
    }

    internal static Task OpenAllAsync(ILocator browser) =>
        browser.EvaluateAsync("browser => browser.querySelectorAll('tbody button.link[aria-expanded=false]').forEach(button => button.click())");
}
