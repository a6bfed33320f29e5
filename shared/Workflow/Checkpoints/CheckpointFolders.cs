using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>The state of a checkpoint's folder.</summary>
/// <param name="Manifest">The manifest of its present content; null while there is none.</param>
/// <param name="Waiting">What it waits for, when there is no manifest.</param>
/// <param name="LookAgain">When to look again, when only time is missing.</param>
public sealed record FolderState(Manifest? Manifest, string? Waiting, DateTimeOffset? LookAgain);

/// <summary>Looks at checkpoints' folders: what is in them, whether they are complete, and whether their manifest still holds. Writes nothing.</summary>
public sealed class CheckpointFolders(BlobStore store, WorkflowOptions options, TimeProvider clock)
{
    private const long LargestList = 16L << 20;

    /// <summary>The state of a folder, without changing anything.</summary>
    public async Task<FolderState> LookAsync(string run, string checkpoint, CancellationToken cancellation)
    {
        var blobs = await ListAsync(run, checkpoint, cancellation);
        var manifest = await ReadManifestAsync(run, checkpoint, cancellation);
        return manifest is not null && manifest.Version == await VersionAsync(run, blobs, cancellation)
            ? new FolderState(manifest, null, null)
            : await ReadinessAsync(run, checkpoint, blobs, cancellation);
    }

    internal async Task<FolderState> ReadinessAsync(
        string run, string checkpoint, IReadOnlyList<CheckpointBlob> blobs, CancellationToken cancellation)
    {
        if (await UploadListAsync(run, checkpoint, blobs, cancellation) is { } list)
        {
            var late = list.Files.FirstOrDefault(listed =>
                !blobs.Any(blob => blob.Name == listed.Name && blob.Properties.ContentLength == listed.Size));
            return new FolderState(null, late is null ? null : $"{late.Name}, which its upload.json lists", null);
        }

        string? missing;
        try
        {
            missing = CheckpointFiles.Missing(
                Sizes(blobs),
                () => ShardIndex.Parse(
                    CheckpointBlobs.Of(store, run, checkpoint).Blob(CheckpointFiles.Index).DownloadContent(cancellation).Value.Content,
                    CheckpointFiles.Index));
        }
        catch (InvalidDataException)
        {
            // Complete as far as can be told, and to be refused by name once it has settled.
            missing = null;
        }

        if (missing is not null)
        {
            return new FolderState(null, missing, null);
        }

        var settled = Newest(blobs) + options.Settle;
        return settled > clock.GetUtcNow()
            ? new FolderState(null, "its files to settle", settled)
            : new FolderState(null, null, null);
    }

    internal async Task<UploadList?> UploadListAsync(
        string run, string checkpoint, IReadOnlyList<CheckpointBlob> blobs, CancellationToken cancellation)
    {
        if (blobs.FirstOrDefault(blob => blob.Name == UploadList.FileName) is not { Properties.ContentLength: < LargestList } blob
            || await BlobStore.TryReadAsync(CheckpointBlobs.Of(store, run, checkpoint).Blob(UploadList.FileName), cancellation) is not { } content)
        {
            return null;
        }

        try
        {
            var list = JsonSerializer.Deserialize<UploadList>(content, Json.Compact);
            var older = blob.Properties.LastModified < Newest(blobs.Where(other => other != blob));
            if (older || list?.Files is null || list.Files.Any(file => file?.Name is null))
            {
                return null;
            }

            // A trainer's own files may be listed too; nothing waits for what is not read.
            var read = list.Files.Where(file => CheckpointBlobs.IsRead(file.Name)).ToList();
            return read.Count == 0 ? null : new UploadList(read);
        }
        catch (JsonException)
        {
            // Not the list that an uploader of ours writes: the folder is then judged by its files alone.
            return null;
        }
    }

    internal Task<IReadOnlyList<CheckpointBlob>> ListAsync(string run, string checkpoint, CancellationToken cancellation) =>
        CheckpointBlobs.Of(store, run, checkpoint).ListAsync(cancellation);

    internal async Task<Manifest?> ReadManifestAsync(string run, string checkpoint, CancellationToken cancellation) =>
        await BlobStore.TryReadJsonAsync<Manifest>(ManifestBlob(run, checkpoint), cancellation);

    internal BlobClient ManifestBlob(string run, string checkpoint) =>
        store.Evaluations.GetBlobClient($"manifests/{run}/{checkpoint}.json");

    /// <summary>
    /// What a folder holds. Of an adapter the base's config is part of it, which the adapter is checked against: it is taken in again when
    /// its base arrives or changes.
    /// </summary>
    internal async Task<string> VersionAsync(string run, IReadOnlyList<CheckpointBlob> blobs, CancellationToken cancellation)
    {
        var files = blobs.Select(blob => new { blob.Name, blob.Properties.ContentLength, ETag = blob.Properties.ETag?.ToString() });
        return CheckpointFiles.IsAdapter(Sizes(blobs))
            ? Digest.OfJson(new { files, config = await ETagAsync(BaseConfigBlob(run), cancellation) })
            : Digest.OfJson(files);
    }

    internal BlobClient BaseConfigBlob(string run) =>
        store.Checkpoints.GetBlobClient($"{run}/{EvaluationFreezer.BaseFolder}/{CheckpointFiles.Config}");

    private static async Task<string?> ETagAsync(BlobClient blob, CancellationToken cancellation)
    {
        try
        {
            return (await blob.GetPropertiesAsync(cancellationToken: cancellation)).Value.ETag.ToString();
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }
    }

    private static Dictionary<string, long> Sizes(IEnumerable<CheckpointBlob> blobs) =>
        blobs.Where(blob => blob.Name != UploadList.FileName).ToDictionary(blob => blob.Name, blob => blob.Properties.ContentLength ?? 0);

    internal static DateTimeOffset Newest(IEnumerable<CheckpointBlob> blobs) =>
        blobs.Select(blob => blob.Properties.LastModified ?? DateTimeOffset.MinValue).DefaultIfEmpty(DateTimeOffset.MinValue).Max();
}
