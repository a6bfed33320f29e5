using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

/// <summary>One headless Chromium for all tests of the page; none where none is installed.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string? Executable = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    private IPlaywright? _playwright;

    public IBrowser? Browser { get; private set; }

    public async Task InitializeAsync()
    {
        if (Executable is not null)
        {
            _playwright = await Playwright.CreateAsync();
            Browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = ["--no-sandbox"] });
        }
    }

    public async Task DisposeAsync()
    {
        await (Browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        _playwright?.Dispose();
    }
}

public sealed class BrowserTests(Chromium chromium) : IClassFixture<Chromium>
{

    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task The_page_draws_its_plots_within_its_window_without_the_network(int width, ColorScheme scheme)
    {
        var seen = await Open(SampleReport.Make(), width, scheme, async page =>
        {
            Assert.Equal(await page.Locator("[data-plot]").CountAsync(), await page.Locator("[data-plot].drawn svg").CountAsync());
            Assert.True(await page.Locator("[data-plot] svg path, [data-plot] svg line").CountAsync() > 100, "The plots hold hardly a mark.");
            Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        });
        Assert.Empty(seen);
    }

    [SkippableFact]
    public async Task Hostile_text_does_nothing_in_a_browser()
    {
        var seen = await Open(Hostile.Report(), 1280, ColorScheme.Light, async page =>
        {
            Assert.Equal(await page.Locator("[data-plot]").CountAsync(), await page.Locator("[data-plot].drawn svg").CountAsync());
            Assert.False(await page.EvaluateAsync<bool>("'hacked' in window"), "A payload ran.");
            Assert.Equal("", await page.EvaluateAsync<string>("""
                [...document.querySelectorAll("img, iframe, object, embed, base, form:not(.vega-bindings:empty), link, a:not([href^='#']), [src], [onload], [onerror], [onfocus], [onmouseover]")]
                  .map(element => element.outerHTML).join("\n")
                """));
            Assert.Equal(1280, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        });
        Assert.Empty(seen);
    }

    [SkippableFact]
    public async Task A_report_of_almost_nothing_is_drawn_too()
    {
        foreach (var data in Degenerate.Reports)
        {
            var seen = await Open(data, 900, ColorScheme.Light, async page =>
                Assert.Equal(await page.Locator("[data-plot]").CountAsync(), await page.Locator("[data-plot].drawn svg").CountAsync()));
            Assert.Empty(seen);
        }
    }

    /// <summary>Opens the page from a file; the result is whatever it wrote to the console, threw, or asked of the network.</summary>
    private async Task<IReadOnlyList<string>> Open(ReportData data, int width, ColorScheme scheme, Func<IPage, Task> check)
    {
        Skip.If(chromium.Browser is null, "No Chromium on this machine: install Debian's chromium to see the page in a browser.");
        var folder = Directory.CreateTempSubdirectory("hindsight-report-");
        try
        {
            var file = Path.Combine(folder.FullName, "report.html");
            await File.WriteAllTextAsync(file, ReportPage.Html(data, SampleReport.Times));
            await using var context = await chromium.Browser!.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
            var page = await context.NewPageAsync();
            var seen = new List<string>();
            page.Console += (_, message) => seen.Add("console: " + message.Text);
            page.PageError += (_, error) => seen.Add("error: " + error);
            page.Request += (_, request) =>
            {
                if (!request.IsNavigationRequest)
                {
                    seen.Add("request: " + request.Url);
                }
            };
            await page.GotoAsync(new Uri(file).AbsoluteUri);
            await page.WaitForFunctionAsync("[...document.querySelectorAll('[data-plot]')].every(plot => plot.classList.contains('drawn'))", null, new() { Timeout = 60_000 });
            // Set to a folder to look at the pages.
            if (Environment.GetEnvironmentVariable("HINDSIGHT_SCREENSHOTS") is { } pictures)
            {
                var picture = Path.Combine(pictures, $"{string.Concat(data.Run.Where(char.IsLetterOrDigit))}-{width}-{scheme}");
                await page.ScreenshotAsync(new() { Path = picture + ".png", FullPage = true });
                await page.PdfAsync(new() { Path = picture + ".pdf", Format = "A4", Margin = new() { Top = "15mm", Bottom = "15mm", Left = "15mm", Right = "15mm" } });
            }
            await check(page);
            return seen;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
