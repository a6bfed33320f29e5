using System.Runtime.CompilerServices;
using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

/// <summary>One headless Chromium for all tests of pages; none where none is installed.</summary>
public sealed class Chromium : IAsyncLifetime
{
    /// <summary>Tests that share the browser, one after the other.</summary>
    public const string Tests = "Chromium";

    private static readonly string? Executable = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <summary>Pictures of the pages are kept here.</summary>
    public static string Screenshots { get; } =
        Directory.CreateDirectory(Environment.GetEnvironmentVariable("HINDSIGHT_SCREENSHOTS") ?? Path.Combine(AppContext.BaseDirectory, "screenshots")).FullName;

    public async Task InitializeAsync()
    {
        if (Executable is not null)
        {
            playwright = await Playwright.CreateAsync();
            browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = ["--no-sandbox"] });
        }
    }

    public async Task DisposeAsync()
    {
        await (browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        playwright?.Dispose();
    }

    /// <summary>Opens a page from a file and checks it; it must write nothing to the console, throw nothing, and ask nothing of the network.</summary>
    internal async Task OpenAsync(
        string html, Func<IPage, Task> check, int width = 1280, ColorScheme scheme = ColorScheme.Light, string? before = null)
    {
        Skip.If(browser is null, "No Chromium on this machine: install Debian's chromium to see the page in a browser.");
        var folder = Directory.CreateTempSubdirectory("hindsight-report-");
        try
        {
            var file = Path.Combine(folder.FullName, "report.html");
            await File.WriteAllTextAsync(file, html);
            await using var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
            var page = await context.NewPageAsync();
            var seen = new List<string>();
            page.Console += (_, message) => seen.Add("console: " + message.Text);
            page.PageError += (_, error) => seen.Add("error: " + error);
            page.Request += (_, request) =>
            {
                // A file that the page saves comes from its own memory.
                if (!request.IsNavigationRequest && !request.Url.StartsWith("blob:", StringComparison.Ordinal))
                {
                    seen.Add("request: " + request.Url);
                }
            };
            if (before is not null)
            {
                await page.AddInitScriptAsync(before);
            }
            await page.GotoAsync(new Uri(file).AbsoluteUri);
            await Assertions.Expect(page.Locator("[data-plot]:not(.drawn)")).ToHaveCountAsync(0, new() { Timeout = 120_000 });
            await check(page);
            Assert.Empty(seen);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Opens the browser of answers as a reader does, by going there.</summary>
    internal static async Task<ILocator> AnswersAsync(IPage page)
    {
        await page.Locator("#answers").ScrollIntoViewIfNeededAsync();
        var browser = page.Locator(".browser");
        await browser.Locator(".opened").WaitForAsync(new() { Timeout = 60_000 });
        return browser;
    }

    internal static Task KeepAsync(IPage page, string name) =>
        page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, name + ".png"), FullPage = true });

    internal static Task KeepAsync(ILocator part, [CallerMemberName] string name = "") =>
        part.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, name + ".png") });
}

[CollectionDefinition(Chromium.Tests)]
public sealed class ChromiumTests : ICollectionFixture<Chromium>;
