using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hindsight.Scoring;
using Microsoft.Playwright;
using Xunit.Abstractions;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class AnswerBrowserTests(Chromium chromium, ITestOutputHelper output)
{
    [SkippableFact]
    public Task Each_filter_leaves_just_the_answers_that_are_like_it()
    {
        var data = SampleReport.Make(checkpoints: 4, problems: 20);
        return chromium.OpenAsync(ReportPage.Html(data, null), async page =>
        {
            var browser = await Chromium.AnswersAsync(page);
            await AssertCountAsync(browser, _ => true);

            await browser.GetByLabel("Problem", new() { Exact = true }).FillAsync("sum-003");
            await AssertCountAsync(browser, answer => answer.ProblemId == "sum-003");
            await browser.GetByLabel("Checkpoint").SelectOptionAsync("checkpoint-200");
            await AssertCountAsync(browser, answer => answer is { ProblemId: "sum-003", Variant: "checkpoint-200" });
            await browser.GetByLabel("Problem", new() { Exact = true }).FillAsync("");
            await AssertCountAsync(browser, answer => answer.Variant == "checkpoint-200");
            await browser.GetByLabel("Verdict", new() { Exact = true }).SelectOptionAsync("wrong");
            await AssertCountAsync(browser, answer => answer is { Variant: "checkpoint-200", Verdict: Verdict.Wrong });
            await browser.GetByLabel("Drawn").SelectOptionAsync("greedy");
            await AssertCountAsync(browser, answer => answer is { Variant: "checkpoint-200", Verdict: Verdict.Wrong, Sample: null });
            await browser.GetByRole(AriaRole.Button, new() { Name = "Clear filters" }).ClickAsync();
            await AssertCountAsync(browser, _ => true);
            await browser.GetByLabel("Ended by").SelectOptionAsync("length");
            await AssertCountAsync(browser, answer => answer.FinishReason == "length");
            await browser.GetByLabel("Ended by").SelectOptionAsync("all");
            await browser.GetByLabel("Text", new() { Exact = true }).FillAsync("TO BE SURE");
            await AssertCountAsync(browser, answer => answer.Text.Contains("to be sure", StringComparison.Ordinal));
            await browser.GetByLabel("Text", new() { Exact = true }).FillAsync("no answer says this");
            await AssertCountAsync(browser, _ => false);
            Assert.True(await browser.GetByText("No answer is like this.").IsVisibleAsync());
        });

        Task AssertCountAsync(ILocator browser, Func<ShownAnswer, bool> wanted)
        {
            var (left, all) = (data.Answers.Count(wanted), data.Answers.Count);
            return Assertions.Expect(browser.Locator(".count")).ToHaveTextAsync(
                left == all ? string.Create(CultureInfo.InvariantCulture, $"{all:N0} answers") : string.Create(CultureInfo.InvariantCulture, $"{left:N0} of {all:N0} answers"));
        }
    }

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public Task Answers_of_two_checkpoints_to_one_problem_stand_side_by_side(ColorScheme scheme)
    {
        var data = SampleReport.Make();
        return chromium.OpenAsync(ReportPage.Html(data, null), async page =>
        {
            var browser = await Chromium.AnswersAsync(page);
            await browser.GetByLabel("Checkpoint").SelectOptionAsync("checkpoint-500");
            await browser.GetByLabel("Beside it").SelectOptionAsync("checkpoint-800");
            await browser.GetByLabel("only where the verdicts differ").CheckAsync();
            var differ = data.Answers.Where(answer => answer.Variant == "checkpoint-500").Join(
                data.Answers.Where(answer => answer.Variant == "checkpoint-800"), answer => (answer.ProblemId, answer.Sample), answer => (answer.ProblemId, answer.Sample), (one, other) => (one, other))
                .Where(pair => pair.one.Verdict != pair.other.Verdict).ToList();
            await Assertions.Expect(browser.Locator(".count")).ToHaveTextAsync(string.Create(CultureInfo.InvariantCulture, $"{differ.Count:N0} of {data.Answers.Count:N0} answers"));

            await browser.Locator("tbody button.link").First.ClickAsync();
            var texts = await browser.Locator("td.detail .answer pre").AllInnerTextsAsync();
            Assert.Equal([differ[0].one.Text, differ[0].other.Text], texts);
            await Chromium.KeepAsync(browser, $"answers-{scheme}");
            await browser.Locator("tbody button.link").First.ClickAsync();
            Assert.Equal(0, await browser.Locator("td.detail").CountAsync());
        }, scheme: scheme);
    }

    [SkippableFact]
    public Task Of_a_hundred_thousand_answers_those_in_view_are_unpacked_and_the_others_once_they_are_searched()
    {
        var html = ReportPage.Html(SampleReport.Make() with { Answers = Many(100_000) }, null);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The page has {html.Length / 1e6:N1} million bytes."));
        Assert.True(html.Length < 16_000_000, "The page is too large to be sent about.");
        return chromium.OpenAsync(html, async page =>
        {
            var loaded = await page.EvaluateAsync<double>("performance.getEntriesByType('navigation')[0].loadEventEnd");
            Assert.False(await page.Locator(".browser .opened").IsVisibleAsync());
            var clock = Stopwatch.StartNew();
            var browser = await Chromium.AnswersAsync(page);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The page was loaded {loaded:N0} ms after it was asked for; its answers were there {clock.ElapsedMilliseconds:N0} ms after they came into view."));
            await Assertions.Expect(browser.Locator(".count")).ToHaveTextAsync("100,000 answers");
            Assert.Equal(25, await browser.Locator("tbody tr").CountAsync());
            Assert.InRange(await page.EvaluateAsync<int>("unpacked"), 1, 4);
            clock.Restart();
            await browser.GetByRole(AriaRole.Button, new() { Name = "Last" }).ClickAsync();
            await Assertions.Expect(browser.Locator(".pages span")).ToHaveTextAsync("Page 4,000 of 4,000");
            await browser.GetByLabel("Text", new() { Exact = true }).FillAsync("number 99999 ");
            await Assertions.Expect(browser.Locator(".count")).ToHaveTextAsync("1 of 100,000 answers");
            Assert.True(await page.EvaluateAsync<int>("unpacked") >= 100_000 / Packed.PartLength, "Not every text was searched.");
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Turning to the end and searching all texts took {clock.ElapsedMilliseconds:N0} ms."));
            Assert.Equal(1, await browser.Locator("tbody tr").CountAsync());
            Assert.True(await page.EvaluateAsync<int>("document.querySelectorAll('*').length") < 5_000, "The page holds more elements than a browser draws in an instant.");
        }, before: """
            globalThis.unpacked = 0;
            globalThis.DecompressionStream = class extends DecompressionStream {
              constructor(format) {
                super(format);
                globalThis.unpacked++;
              }
            };
            """);
    }

    [SkippableFact]
    public Task What_is_filtered_is_saved_as_a_table_that_no_spreadsheet_runs()
    {
        string[] texts = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "say \"hi\", twice", "two\nlines", "-12.5", "plain"];
        var answers = texts.Select((text, i) => new ShownAnswer("checkpoint-100", "sum-001", i, Verdict.Wrong, text, "stop", 3, text)).ToArray();
        return chromium.OpenAsync(ReportPage.Html(SampleReport.Make() with { Answers = answers }, null), async page =>
        {
            var browser = await Chromium.AnswersAsync(page);
            var csv = await SaveAsync(page, browser.GetByRole(AriaRole.Button, new() { Name = "Download these as CSV" }));
            Assert.StartsWith("\ufeffproblem,checkpoint,drawn,verdict,read,ended,tokens,text\r\n", csv, StringComparison.Ordinal);
            var cells = Csv.Parse(csv[1..]).Skip(1).Select(row => row[^1]).ToArray();
            // Tabs and line ends had been made visible or plain before they came here.
            Assert.Equal(["'=1+1", "'+cmd|' /C calc'!A0", "'-2+3", "'@SUM(A1)", "'\tx", "\nx", "say \"hi\", twice", "two\nlines", "-12.5", "plain"], cells);
        });
    }

    [SkippableFact]
    public Task The_table_of_a_plot_is_saved_with_its_intervals_in_columns()
    {
        var data = SampleReport.Make();
        return chromium.OpenAsync(ReportPage.Html(data, null), async page =>
        {
            await page.Locator("#trajectory summary").ClickAsync();
            var csv = Csv.Parse((await SaveAsync(page, page.Locator("#trajectory button.csv")))[1..]);
            Assert.Equal(["Checkpoint", "Pass@1 (%)", "Pass@1 low", "Pass@1 high", "Greedy (%)", "Greedy low", "Greedy high"], csv[0]);
            Assert.Equal(1 + 1 + data.Scores.Trajectory.Count, csv.Count);
            var final = data.Scores.Trajectory[^1].PassAt1!;
            Assert.Equal(new[] { "checkpoint-800", Tenths(final.Value), Tenths(final.Low), Tenths(final.High) }, csv[^1][..4]);

            await page.Locator("#forgetting figure summary").ClickAsync();
            Assert.Equal(data.Scores.Forgetting!.Steps.Count + 1, Csv.Parse((await SaveAsync(page, page.Locator("#forgetting button.csv")))[1..]).Count);
        });

        static string Tenths(double share) => Math.Round(100 * share, 1, MidpointRounding.AwayFromZero).ToString("F1", CultureInfo.InvariantCulture);
    }

    internal static async Task<string> SaveAsync(IPage page, ILocator button)
    {
        var download = await page.RunAndWaitForDownloadAsync(() => button.ClickAsync());
        var file = Path.GetTempFileName();
        await download.SaveAsAsync(file);
        var text = new UTF8Encoding().GetString(await File.ReadAllBytesAsync(file));
        File.Delete(file);
        return text;
    }

    /// <summary>Answers of about two hundred characters that are no copies of each other.</summary>
    internal static IReadOnlyList<ShownAnswer> Many(int count)
    {
        string[] words = ["apples", "pears", "first", "then", "we", "add", "take", "away", "remain", "so", "there", "are", "dozen", "each", "basket", "holds", "total", "hence", "minus", "times"];
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var text = new StringBuilder();
            while (text.Length < 170)
            {
                text.Append(words[random.Next(words.Length)]).Append(' ').Append(random.Next(1000)).Append(' ');
            }
            text.Append(CultureInfo.InvariantCulture, $"\nThis is number {i} of all. \\boxed{{{i % 97}}}");
            return new ShownAnswer(string.Create(CultureInfo.InvariantCulture, $"checkpoint-{100 * (i / 10 % 10 + 1)}"), string.Create(CultureInfo.InvariantCulture, $"problem-{i / 100:0000}"), i % 10 == 0 ? null : i % 10,
                (Verdict)(i % 4), (i % 97).ToString(CultureInfo.InvariantCulture), i % 4 == 3 ? "length" : "stop", 60, text.ToString());
        })];
    }
}
