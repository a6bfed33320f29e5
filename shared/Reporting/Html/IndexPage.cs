using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>A report that the index leads to.</summary>
/// <param name="Folders">The folders from the index to the report's page, by name.</param>
/// <param name="Written">When the report was written.</param>
/// <param name="Summary">What it found.</param>
public sealed record IndexedReport(IReadOnlyList<string> Folders, DateTimeOffset Written, ReportSummary Summary);

/// <summary>What the nights of a run made known.</summary>
/// <param name="Count">How many alerts there are.</param>
/// <param name="Night">The night of the newest.</param>
/// <param name="Newest">Its text.</param>
public sealed record IndexedAlerts(int Count, DateOnly Night, string Newest);

/// <summary>The page that lists all runs: a line of scores, the latest verdict and the alerts of each, and the way to its reports. It holds no script.</summary>
public static class IndexPage
{
    /// <summary>The page.</summary>
    /// <param name="reports">All reports, in any order.</param>
    /// <param name="alerts">The alerts of runs that have some, by run.</param>
    public static string Html(IEnumerable<IndexedReport> reports, IReadOnlyDictionary<string, IndexedAlerts> alerts)
    {
        var runs = reports
            .GroupBy(report => report.Summary.Run, StringComparer.Ordinal)
            .Select(run => run.OrderByDescending(report => report.Written).ThenBy(report => report.Summary.Evaluation, StringComparer.Ordinal).ToList())
            .OrderByDescending(run => run[0].Written).ThenBy(run => run[0].Summary.Run, StringComparer.Ordinal)
            .ToList();
        var page = new HtmlText();
        PageFrame.Open(page, "All runs", $"All runs", []);
        page.Add($"<p class=\"subtitle\">{Number.Count(runs.Count, "run", "runs")}, {Number.Count(runs.Sum(run => run.Count), "report", "reports")}, the newest first.</p>\n</header>\n<main>\n");
        if (runs.Count == 0)
        {
            page.Add($"<p>There is no report yet.</p>\n");
        }
        foreach (var run in runs)
        {
            WriteRun(page, run, alerts.GetValueOrDefault(run[0].Summary.Run));
        }
        page.Add($"</main>\n");
        PageFrame.Close(page, []);
        return page.ToString();
    }

    private static void WriteRun(HtmlText page, List<IndexedReport> reports, IndexedAlerts? alerts)
    {
        var latest = reports[0];
        page.Add($"<article class=\"run\">\n<div>\n<h2><a href=\"{Address(latest)}\">{(Prose)$"{latest.Summary.Run}"}</a></h2>\n<p class=\"when\">{Date(latest)}</p>\n</div>\n<div class=\"line\">\n");
        SparkLine.Write(page, latest.Summary);
        page.Add($"\n<p class=\"score\">{Final(latest.Summary)}</p>\n</div>\n<div>\n<p class=\"verdict\"><bdi>{Inert.Line(latest.Summary.Verdict, 1000)}</bdi></p>\n");
        if (alerts is not null)
        {
            page.Add($"<p class=\"alert\">{Number.Count(alerts.Count, "alert", "alerts")}, the newest of {alerts.Night.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}: <bdi>{Inert.Line(alerts.Newest, 1000)}</bdi></p>\n");
        }
        if (reports.Count > 1)
        {
            page.Add($"<details><summary>{Number.Count(reports.Count - 1, "earlier report", "earlier reports")}</summary>\n<ul>\n");
            foreach (var report in reports.Skip(1))
            {
                page.Add($"<li><a href=\"{Address(report)}\">{(Prose)$"{report.Summary.Evaluation}"}</a>, {Date(report)}: {Final(report.Summary)}</li>\n");
            }
            page.Add($"</ul>\n</details>\n");
        }
        page.Add($"</div>\n</article>\n");
    }

    private static Prose Final(ReportSummary summary) => summary.Trajectory is not [.., { Score: { } score }]
        ? (Prose)$"no score"
        : summary.Samples == 0 ? (Prose)$"{score} greedy" : $"{score} Pass@1";

    // Beginning with ./, and with the names' own slashes and colons written out, so that no name can be taken for another address.
    private static string Address(IndexedReport report) => "./" + string.Concat(report.Folders.Select(folder => Uri.EscapeDataString(folder) + "/")) + "report.html";

    private static string Date(IndexedReport report) => report.Written.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
