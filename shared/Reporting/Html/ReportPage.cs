using System.Globalization;
using Hindsight.Reporting.Sections;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>The report as one HTML file that needs no network.</summary>
public static class ReportPage
{
    /// <summary>The line before the only part of the page that may differ between runs.</summary>
    public const string MeasuredStart = "<!-- measured -->";

    /// <summary>The line after it.</summary>
    public const string MeasuredEnd = "<!-- /measured -->";

    /// <summary>The page. The same data gives the same bytes; <paramref name="timings"/> changes only what stands between the two marks.</summary>
    /// <param name="data">What was found.</param>
    /// <param name="timings">What was measured on the way, if anything.</param>
    public static string Html(ReportData data, Timings? timings)
    {
        var sections = Document.Sections(data);
        var page = new HtmlText();
        PageFrame.Open(page, data.Run, $"What {data.Run} knew along the way", PageAssets.Scripts);
        page.Add($"""
            <p class="subtitle">{Document.Subtitle(data)}</p>
            <p class="headline">{Findings.Headline(data.Scores)}</p>

            """);
        PageBlocks.Write(page, Findings.KeyNumbers(data.Scores));
        PageBlocks.WriteBody(page, sections);
        page.AddVerbatim(MeasuredStart + "\n");
        if (timings is not null)
        {
            WriteTimings(page, data.Scores, timings);
        }
        page.AddVerbatim(MeasuredEnd + "\n");
        page.Add($"</main>\n");
        PageFrame.Close(page, PageAssets.Scripts);
        return page.ToString();
    }

    private static void WriteTimings(HtmlText page, EvaluationScores scores, Timings timings)
    {
        page.Add($"<section id=\"measured\">\n<h2>Measured</h2>\n<dl class=\"facts\">\n");
        Fact("Written", timings.Date.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        Fact("Tokens drawn", string.Create(CultureInfo.InvariantCulture, $"{timings.Tokens:N0}"));
        Fact("Tokens per second", string.Create(CultureInfo.InvariantCulture, $"{timings.TokensPerSecond:N0}"));
        page.Add($"</dl>\n");
        foreach (var block in Cost.Measured(scores, timings).Concat(scores.Budget is { } budget ? SameTokens.Measured(budget, timings) : []))
        {
            PageBlocks.Write(page, block);
        }
        page.Add($"</section>\n");

        void Fact(string label, string value) => page.Add($"<div><dt>{(Prose)$"{label}"}</dt><dd>{(Prose)$"{value}"}</dd></div>\n");
    }
}
