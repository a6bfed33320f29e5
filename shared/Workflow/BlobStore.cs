using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Hindsight.Workflow;

/// <summary>
/// The blob containers that hold everything the pipeline knows. Messages are only claim tickets; whatever has to survive is here,
/// and whatever must happen once is a conditional write.
/// </summary>
public sealed class BlobStore(BlobServiceClient service)
{
    /// <summary>Most bytes of a blob that is read whole: specs, suites, plans.</summary>
    public const long LargestDocument = 256L << 20;

    /// <summary><c>{run}/{checkpoint}/{file}</c> as uploaded, and <c>{run}/evaluation.json</c>.</summary>
    public BlobContainerClient Checkpoints { get; } = service.GetBlobContainerClient("checkpoints");

    /// <summary><c>{name}/{file}</c>: reward models, as uploaded.</summary>
    public BlobContainerClient Models { get; } = service.GetBlobContainerClient("models");

    /// <summary><c>{suite}.jsonl</c>.</summary>
    public BlobContainerClient Suites { get; } = service.GetBlobContainerClient("suites");

    /// <summary>Manifests, frozen evaluations, shards and their markers.</summary>
    public BlobContainerClient Evaluations { get; } = service.GetBlobContainerClient("evaluations");

    /// <summary><c>{weights}/{decoding}/{prompt}/{first}-{last}.jsonl</c>.</summary>
    public BlobContainerClient Answers { get; } = service.GetBlobContainerClient("answers");

    /// <summary><c>{run}/{evaluation}/report.html</c> and its companions.</summary>
    public BlobContainerClient Reports { get; } = service.GetBlobContainerClient("reports");

    /// <summary>Creates the containers that do not exist yet.</summary>
    public async Task CreateContainersAsync(CancellationToken cancellation)
    {
        foreach (var container in (BlobContainerClient[])[Checkpoints, Models, Suites, Evaluations, Answers, Reports])
        {
            await container.CreateIfNotExistsAsync(cancellationToken: cancellation);
        }
    }

    /// <summary>Writes a blob unless there is one already: the first accepted copy stands.</summary>
    /// <returns>Whether this call wrote it.</returns>
    public static async Task<bool> TryCreateAsync(BlobClient blob, BinaryData content, CancellationToken cancellation)
    {
        try
        {
            await blob.UploadAsync(content, new BlobUploadOptions { Conditions = new() { IfNoneMatch = ETag.All } }, cancellation);
            return true;
        }
        catch (RequestFailedException exception) when (exception.Status is 409 or 412)
        {
            return false;
        }
    }

    /// <summary>Writes a value as JSON unless the blob exists.</summary>
    /// <returns>Whether this call wrote it.</returns>
    public static Task<bool> TryCreateJsonAsync<T>(BlobClient blob, T value, CancellationToken cancellation) =>
        TryCreateAsync(blob, new BinaryData(JsonSerializer.SerializeToUtf8Bytes(value, Json.Indented)), cancellation);

    /// <summary>The blob's content, or null when there is no such blob.</summary>
    /// <exception cref="InvalidDataException">It has more than <see cref="LargestDocument"/> bytes.</exception>
    public static async Task<BinaryData?> TryReadAsync(BlobClient blob, CancellationToken cancellation)
    {
        try
        {
            BlobDownloadStreamingResult download = await blob.DownloadStreamingAsync(cancellationToken: cancellation);
            await using var content = download.Content;
            return download.Details.ContentLength <= LargestDocument
                ? await BinaryData.FromStreamAsync(content, cancellation)
                : throw new InvalidDataException($"{blob.Name} has {download.Details.ContentLength} bytes, more than the {LargestDocument} that are read of such a file.");
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }
    }

    /// <summary>The blob's JSON as a value, or null when there is no such blob. For documents that the pipeline wrote itself.</summary>
    public static async Task<T?> TryReadJsonAsync<T>(BlobClient blob, CancellationToken cancellation)
        where T : class =>
        await TryReadAsync(blob, cancellation) is { } content ? JsonSerializer.Deserialize<T>(content, Json.Compact) : null;

    /// <summary>Writes a blob unless it has that content already: a blob that does not change raises no event and keeps its ETag.</summary>
    public static async Task WriteIfChangedAsync(BlobClient blob, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        if ((await TryReadAsync(blob, cancellation))?.ToMemory().Span.SequenceEqual(content.Span) != true)
        {
            await blob.UploadAsync(new BinaryData(content), overwrite: true, cancellation);
        }
    }

    /// <summary>Writes a blob anew from what it held; again where someone else wrote it meanwhile, so that no change is lost.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="change">Makes its content from the present one, null where there is none; null leaves it as it is. It may be called more than once.</param>
    /// <param name="contentType">Its media type.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task ChangeAsync(
        BlobClient blob, Func<BinaryData?, Task<BinaryData?>> change, string contentType, CancellationToken cancellation)
    {
        while (true)
        {
            BlobDownloadResult? before = null;
            try
            {
                before = await blob.DownloadContentAsync(cancellation);
            }
            catch (RequestFailedException exception) when (exception.Status == 404)
            {
            }

            if (await change(before?.Content) is not { } after)
            {
                return;
            }

            try
            {
                await blob.UploadAsync(
                    after,
                    new BlobUploadOptions
                    {
                        HttpHeaders = new() { ContentType = contentType },
                        Conditions = before is null ? new() { IfNoneMatch = ETag.All } : new() { IfMatch = before.Details.ETag },
                    },
                    cancellation);
                return;
            }
            catch (RequestFailedException exception) when (exception.Status is 409 or 412)
            {
            }
        }
    }

    /// <summary>Changes a blob that holds a value as JSON.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="none">What counts as its value where there is no blob.</param>
    /// <param name="change">The new value; the same reference leaves the blob as it is. It may be called more than once.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The value that the blob has now.</returns>
    public static async Task<T> ChangeJsonAsync<T>(BlobClient blob, T none, Func<T, T> change, CancellationToken cancellation)
        where T : class
    {
        var after = none;
        await ChangeAsync(
            blob,
            content =>
            {
                var before = content is null ? none : JsonSerializer.Deserialize<T>(content, Json.Compact)!;
                after = change(before);
                return Task.FromResult(ReferenceEquals(before, after) ? null : new BinaryData(JsonSerializer.SerializeToUtf8Bytes(after, Json.Indented)));
            },
            "application/json",
            cancellation);
        return after;
    }

    /// <summary>All blobs whose names start with a prefix.</summary>
    public static async Task<IReadOnlyList<BlobItem>> ListAsync(BlobContainerClient container, string prefix, CancellationToken cancellation)
    {
        var blobs = new List<BlobItem>();
        await foreach (var blob in container.GetBlobsAsync(prefix: prefix, cancellationToken: cancellation))
        {
            blobs.Add(blob);
        }

        return blobs;
    }

    /// <summary>The names of the folders directly below a prefix (empty, or ending in a slash).</summary>
    public static async Task<IReadOnlyList<string>> ListFoldersAsync(
        BlobContainerClient container, string prefix, CancellationToken cancellation)
    {
        var folders = new List<string>();
        await foreach (var item in container.GetBlobsByHierarchyAsync(delimiter: "/", prefix: prefix, cancellationToken: cancellation))
        {
            if (item.IsPrefix)
            {
                folders.Add(item.Prefix[prefix.Length..^1]);
            }
        }

        return folders;
    }
}
