using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>Where the files of a checkpoint lie: of a run's in <c>checkpoints/{run}/{name}/</c>, of a reward model in <c>models/{name}/</c>.</summary>
/// <param name="Container">The container.</param>
/// <param name="Prefix">What their names begin with there.</param>
internal sealed record CheckpointBlobs(BlobContainerClient Container, string Prefix)
{
    /// <summary>In place of a run's name: the models that belong to no run.</summary>
    public const string Models = "models";

    public static CheckpointBlobs Of(BlobStore store, string run, string checkpoint) =>
        run == Models ? new(store.Models, $"{checkpoint}/") : new(store.Checkpoints, $"{run}/{checkpoint}/");

    public BlobClient Blob(string file) => Container.GetBlobClient(Prefix + file);

    /// <summary>The files that matter, and the list an uploader may have written, by name.</summary>
    public async Task<IReadOnlyList<CheckpointBlob>> ListAsync(CancellationToken cancellation) =>
        [.. (await BlobStore.ListAsync(Container, Prefix, cancellation))
            .Select(blob => new CheckpointBlob(blob.Name[Prefix.Length..], blob.Properties))
            .Where(blob => blob.Name == UploadList.FileName || IsRead(blob.Name))
            .OrderBy(blob => blob.Name, StringComparer.Ordinal)];

    public static bool IsRead(string name) => CheckpointFiles.Matters(name) && !name.Contains('/');
}

/// <summary>A file of a checkpoint in storage.</summary>
internal sealed record CheckpointBlob(string Name, BlobItemProperties Properties);
