using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hindsight.Reporting.Tests;

[Collection(Chromium.Tests)]
public sealed partial class AccessibilityTests(Chromium chromium)
{
    [SkippableFact]
    public Task Every_control_has_a_name_and_every_heading_its_place() => OpenAllAsync(async page =>
    {
        Assert.Equal("", await page.EvaluateAsync<string>("""
            [...document.querySelectorAll("button, input, select, summary, a, [role=img], [tabindex='0']:not(pre)")]
              .filter(control => control.checkVisibility())
              .filter(control => !(control.getAttribute("aria-label") || control.labels?.[0]?.textContent || (control.matches("button, a, summary") && control.textContent)).trim?.())
              .map(control => control.outerHTML.slice(0, 200)).join("\n")
            """));
        var levels = await page.EvaluateAsync<int[]>("[...document.querySelectorAll('h1, h2, h3, h4')].filter(heading => heading.checkVisibility()).map(heading => Number(heading.tagName[1]))");
        Assert.Equal(1, levels[0]);
        Assert.Single(levels, level => level == 1);
        Assert.All(levels.Zip(levels.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1, $"h{pair.First} is followed by h{pair.Second}."));
        Assert.Equal("", await page.EvaluateAsync<string>("[...document.querySelectorAll('[id]')].map(element => element.id).filter((id, i, all) => all.indexOf(id) !== i).join()"));
    });

    [SkippableFact]
    public Task Whoever_walks_by_keyboard_sees_where_they_are() => OpenAllAsync(async page =>
    {
        await page.Locator("nav a").First.FocusAsync();
        var reached = new HashSet<string>();
        for (var stop = 0; stop < 40; stop++)
        {
            await page.Keyboard.PressAsync("Tab");
            var where = await page.EvaluateAsync<string>("""
                (() => { const on = document.activeElement; const style = getComputedStyle(on);
                  return on === document.body ? "" : `${on.tagName} ${style.outlineStyle} ${style.outlineWidth}`; })()
                """);
            if (where.Length == 0)
            {
                break;
            }
            Assert.Matches("^[A-Z]+ solid [1-9]", where);
            reached.Add(where.Split(' ')[0]);
        }
        Assert.Superset(new HashSet<string> { "A", "SUMMARY" }, reached);
    });

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public Task Text_stands_out_from_what_is_behind_it(ColorScheme scheme) => OpenAllAsync(async page =>
    {
        // The text of every visible element against the nearest background that is painted behind it.
        var pairs = await page.EvaluateAsync<string[]>("""
            [...new Set([...document.querySelectorAll("body *:not(script, style, svg, svg *)")]
              .filter(element => element.checkVisibility() && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== ""))
              .map(element => {
                let behind = element;
                while (behind && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
                return getComputedStyle(element).color + " on " + getComputedStyle(behind ?? document.body).backgroundColor;
              }))]
            """);
        Assert.True(pairs.Length > 8, "Hardly any text was found.");
        Assert.All(pairs, pair => Assert.True(Contrast(pair) >= 4.5, $"{pair} has a contrast of {Contrast(pair):F2} only."));
    }, scheme);

    private Task OpenAllAsync(Func<IPage, Task> check, ColorScheme scheme = ColorScheme.Light) =>
        chromium.OpenAsync(ReportPage.Html(SampleReport.Make(), SampleReport.Times), async page =>
        {
            var browser = await Chromium.AnswersAsync(page);
            await browser.GetByLabel("Beside it").SelectOptionAsync("checkpoint-800");
            await browser.Locator("tbody button.link").First.ClickAsync();
            await page.EvaluateAsync("document.querySelectorAll('details').forEach(details => details.open = true)");
            await Assertions.Expect(page.Locator(".heat td.cell").First).ToBeVisibleAsync();
            await check(page);
        }, scheme: scheme);

    /// <summary>The contrast ratio of WCAG 2, from 1 to 21.</summary>
    private static double Contrast(string pair)
    {
        var light = Numbers().Matches(pair).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture) / 255)
            .Select(value => value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4)).ToArray();
        Assert.Equal(6, light.Length);
        var (one, other) = (Luminance(light[..3]), Luminance(light[3..]));
        return (Math.Max(one, other) + 0.05) / (Math.Min(one, other) + 0.05);

        static double Luminance(double[] rgb) => 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    }

    [GeneratedRegex(@"\d+(\.\d+)?")]
    private static partial Regex Numbers();
}
