using Hindsight.Reporting;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>Copies a report out of the storage.</summary>
internal static class ReportDownload
{
    /// <summary>Saves a report's files as <c>{folder}/{run}/…</c>, writes the index of the folder's reports, and says where they lie.</summary>
    public static async Task SaveAsync(BlobStore store, string run, string evaluation, string folder, CancellationToken cancellation)
    {
        var target = Directory.CreateDirectory(Path.Combine(folder, run)).FullName;
        var prefix = $"{run}/{evaluation}/";
        foreach (var blob in await BlobStore.ListAsync(store.Reports, prefix, cancellation))
        {
            await store.Reports.GetBlobClient(blob.Name).DownloadToAsync(Path.Combine(target, Names.Require(blob.Name[prefix.Length..], "file")), cancellation);
        }

        Console.WriteLine($"Report: {Path.Combine(target, ReportFiles.Page)}");
        var index = Path.Combine(Path.GetFullPath(folder), ReportIndex.FileName);
        var reports = Reports(folder).ToList();
        var alerts = await ReportIndex.AlertsAsync(store, reports.Select(report => report.Summary.Run), cancellation);
        await File.WriteAllTextAsync(index, IndexPage.Html(reports, alerts), cancellation);
        Console.WriteLine($"All runs: {index}");
    }

    private static IEnumerable<IndexedReport> Reports(string folder)
    {
        foreach (var file in Directory.EnumerateDirectories(folder).Select(run => new FileInfo(Path.Combine(run, ReportFiles.Summary))).Where(file => file.Exists))
        {
            ReportSummary summary;
            try
            {
                summary = ReportSummary.Parse(File.ReadAllText(file.FullName), file.FullName);
            }
            catch (InvalidDataException exception)
            {
                CommandErrors.Say($"The index leaves a report out: {exception.Message}");
                continue;
            }

            yield return new IndexedReport([file.Directory!.Name], file.LastWriteTimeUtc, summary);
        }
    }
}
