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
