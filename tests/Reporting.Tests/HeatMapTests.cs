using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed class HeatMapTests(Chromium chromium)
{
    private static readonly ReportData Data = SampleReport.Make(checkpoints: 40, problems: 1000) with { Answers = AnswerBrowserTests.Many(1000) };

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public Task A_thousand_problems_by_forty_checkpoints_are_one_picture_of_few_elements(ColorScheme scheme) =>
        chromium.OpenAsync(ReportPage.Html(Data, null), async page =>
        {
            var heat = page.Locator(".heat");
            Assert.Equal(9, await heat.Locator(".cells path").CountAsync());
            Assert.True(await page.EvaluateAsync<int>("document.querySelectorAll('*').length") < 12_000, "The page holds more elements than a browser draws in an instant.");
            await heat.Locator(".cells").HoverAsync(new() { Position = new() { X = 5, Y = 1 } });
            await Assertions.Expect(heat.Locator(".under")).ToHaveTextAsync(OneOf(0, " at base: .*"));
            await heat.Locator(".cells").ClickAsync(new() { Position = new() { X = 5, Y = 200 } });
            await Assertions.Expect(heat.Locator(".marked th")).ToHaveTextAsync(OneOf(398, ""));
            await Chromium.KeepAsync(page.Locator("#problems"), $"heat-map-{scheme}");
        }, scheme: scheme);

    // 1000 problems stand in 500 rows of a pixel, and the picture may begin within a pixel.
    private static Regex OneOf(int first, string then) => new($"^({string.Join('|', Data.Scores.Problems.Skip(first).Take(5).Select(problem => problem.Id))}){then}$");

    [SkippableFact]
    public Task Every_problem_is_reached_from_the_keyboard_with_its_numbers_and_leads_to_its_answers()
    {
        var hardest = Data.Scores.Problems[^1];
        var data = Data with { Answers = [.. Data.Answers, new("checkpoint-4000", hardest.Id, 0, Scoring.Verdict.Wrong, "1", "stop", 3, "one")] };
        return chromium.OpenAsync(ReportPage.Html(data, null), async page =>
        {
            await page.Locator(".heat summary").FocusAsync();
            await page.Keyboard.PressAsync("Enter");
            await page.Keyboard.PressAsync("Tab");
            await page.Keyboard.TypeAsync(hardest.Id);
            var row = page.Locator(".heat tbody tr");
            await Assertions.Expect(row).ToHaveCountAsync(1);
            Assert.Equal(
                [.. hardest.PassRates.Prepend(hardest.BasePassRate!.Value).Select(rate => Math.Round(100 * rate, MidpointRounding.AwayFromZero).ToString(CultureInfo.InvariantCulture))],
                await row.Locator("td").AllInnerTextsAsync());
            await row.Locator("button").FocusAsync();
            await page.Keyboard.PressAsync("Enter");
            await Assertions.Expect(page.Locator(".count")).ToHaveTextAsync("1 of 1,001 answers");
            Assert.Equal("answer-problem", await page.EvaluateAsync<string>("document.activeElement.id"));
        });
    }

    [SkippableFact]
    public Task All_its_numbers_are_saved() => chromium.OpenAsync(ReportPage.Html(Data, null), async page =>
    {
        await page.Locator(".heat summary").ClickAsync();
        var csv = Csv.Parse((await AnswerBrowserTests.SaveAsync(page, page.Locator(".heat .all-csv")))[1..]);
        Assert.Equal(1001, csv.Count);
        Assert.Equal(["problem", "base", "checkpoint-100"], csv[0][..3]);
        foreach (var (problem, row) in Data.Scores.Problems.Zip(csv.Skip(1)))
        {
            Assert.Equal(problem.Id, row[0]);
            Assert.Equal(problem.PassRates, row[2..].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)));
        }
    });
}
