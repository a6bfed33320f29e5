using Azure;
using Azure.Storage.Blobs.Models;
using Hindsight.Reporting;

namespace Hindsight.Workflow;

/// <summary>The page at the root of the reports container that lists all runs.</summary>
public static class ReportIndex
{
    /// <summary>The page.</summary>
    public const string FileName = "index.html";

    /// <summary>Writes the page anew from the summaries and alerts that are there.</summary>
    public static Task WriteAsync(BlobStore store, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);

        // The blob is looked at before the list is read: whoever writes an index that lacks a report has meanwhile been overtaken, and lists again.
        return BlobStore.ChangeAsync(
            store.Reports.GetBlobClient(FileName),
            async _ =>
            {
                var reports = await ReportsAsync(store, cancellation);
                return new BinaryData(IndexPage.Html(reports, await AlertsAsync(store, reports.Select(report => report.Summary.Run), cancellation)));
            },
            ReportFiles.ContentType(FileName),
            cancellation);
    }

    /// <summary>What the index says of the alerts of runs; runs without any are not in it.</summary>
    public static async Task<IReadOnlyDictionary<string, IndexedAlerts>> AlertsAsync(BlobStore store, IEnumerable<string> runs, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(runs);
        var alerts = new Dictionary<string, IndexedAlerts>(StringComparer.Ordinal);
        foreach (var run in runs.Distinct(StringComparer.Ordinal).Where(Names.IsSafe))
        {
            if ((await AlertLog.ReadAsync(store, run, cancellation)).Alerts is [.., var newest] all)
            {
                alerts[run] = new(all.Count, newest.Night, newest.Text);
            }
        }

        return alerts;
    }

    private static async Task<List<IndexedReport>> ReportsAsync(BlobStore store, CancellationToken cancellation)
    {
        var reports = new List<IndexedReport>();
        foreach (var item in await BlobStore.ListAsync(store.Reports, "", cancellation))
        {
            if (item.Name.Split('/') is [var run, var evaluation, ReportFiles.Summary])
            {
                try
                {
                    BlobDownloadResult summary = await store.Reports.GetBlobClient(item.Name).DownloadContentAsync(cancellation);
                    reports.Add(new([run, evaluation], summary.Details.LastModified, ReportSummary.Parse(summary.Content.ToString(), item.Name)));
                }
                catch (Exception exception) when (exception is InvalidDataException or RequestFailedException { Status: 404 })
                {
                    // Of another version, or deleted since it was listed: one such report must not keep the others out of the index.
                }
            }
        }

        return reports;
    }
}
