using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>Copies a report out of the storage.</summary>
internal static class ReportDownload
{
    /// <summary>Saves a report's files as <c>{folder}/{run}/…</c> and says where they lie.</summary>
    public static async Task SaveAsync(BlobStore store, string run, string evaluation, string folder, CancellationToken cancellation)
    {
        var target = Directory.CreateDirectory(Path.Combine(folder, run)).FullName;
        var prefix = $"{run}/{evaluation}/";
        foreach (var blob in await BlobStore.ListAsync(store.Reports, prefix, cancellation))
        {
            await store.Reports.GetBlobClient(blob.Name).DownloadToAsync(Path.Combine(target, Names.Require(blob.Name[prefix.Length..], "file")), cancellation);
        }

        Console.WriteLine($"Report: {Path.Combine(target, ReportFiles.Page)}");
    }
}
