using Azure;
using Azure.Storage.Blobs.Models;
using Hindsight.Reporting;

namespace Hindsight.Workflow;

/// <summary>The page at the root of the reports container that lists all runs.</summary>
public static class ReportIndex
{
    /// <summary>The page.</summary>
    public const string FileName = "index.html";

    /// <summary>Writes the page anew from the summaries that are there.</summary>
    public static async Task WriteAsync(BlobStore store, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);
        var blob = store.Reports.GetBlobClient(FileName);
        while (true)
        {
            // Read before the list is: whoever writes an index that lacks a report has meanwhile been overtaken, and lists again.
            var seen = await TagAsync(blob, cancellation);
            var page = IndexPage.Html(await ReportsAsync(store, cancellation));
            try
            {
                await blob.UploadAsync(
                    new BinaryData(page),
                    new BlobUploadOptions
                    {
                        HttpHeaders = new() { ContentType = ReportFiles.ContentType(FileName) },
                        Conditions = seen is { } tag ? new() { IfMatch = tag } : new() { IfNoneMatch = ETag.All },
                    },
                    cancellation);
                return;
            }
            catch (RequestFailedException exception) when (exception.Status is 409 or 412)
            {
            }
        }
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

    private static async Task<ETag?> TagAsync(Azure.Storage.Blobs.BlobClient blob, CancellationToken cancellation)
    {
        try
        {
            return (await blob.GetPropertiesAsync(cancellationToken: cancellation)).Value.ETag;
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }
    }
}
