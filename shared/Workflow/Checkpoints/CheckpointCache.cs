using System.Security.Cryptography;
using Azure.Storage.Blobs;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>
/// Checkpoint files on the worker's own disk, by content. A file is used only if its digest is the one in the manifest, so that answers
/// cannot come from weights other than those they are stored under. Processes may share the folder.
/// </summary>
public sealed class CheckpointCache(BlobStore store, WorkflowOptions options)
{
    /// <summary>How a checkpoint reads problems and what its tokens mean; an adapter without a tokenizer of its own has its base's.</summary>
    /// <exception cref="InvalidDataException">A file is malformed or not supported.</exception>
    public async Task<CheckpointText> ReadTextAsync(string run, CheckpointVersion checkpoint, CancellationToken cancellation)
    {
        var folder = await FetchAsync(run, checkpoint, weights: false, cancellation);
        return CheckpointText.Load(folder, checkpoint.Base is null ? null : await FetchAsync(run, checkpoint.Base, weights: false, cancellation));
    }

    /// <summary>The config of a checkpoint, or of an adapter's base.</summary>
    /// <exception cref="InvalidDataException">It is malformed or not supported.</exception>
    public async Task<ModelConfig> ReadConfigAsync(string run, CheckpointVersion checkpoint, CancellationToken cancellation)
    {
        var config = Path.Combine(await FetchAsync(run, checkpoint.Model, weights: false, cancellation), CheckpointFiles.Config);
        return ModelConfig.Parse(await File.ReadAllBytesAsync(config, cancellation), config);
    }

    /// <summary>An error with the uploaded folders' names in it: a person knows them, not the worker's copies.</summary>
    public InvalidDataException InUploadedNames(InvalidDataException exception, string run, IEnumerable<CheckpointVersion> checkpoints)
    {
        var why = checkpoints.Aggregate(exception.Message, (text, checkpoint) => text.Replace(FolderOf(checkpoint), $"{run}/{checkpoint.Name}", StringComparison.Ordinal));
        return new InvalidDataException(why, exception);
    }

    /// <summary>A folder with the checkpoint's files.</summary>
    /// <param name="run">The run it was uploaded to.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="weights">Whether tensor files are wanted too; tokenizer and configs always are.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="InvalidDataException">The uploaded files are no longer those of the manifest.</exception>
    public async Task<string> FetchAsync(string run, CheckpointVersion checkpoint, bool weights, CancellationToken cancellation)
    {
        var folder = FolderOf(checkpoint);
        Directory.CreateDirectory(folder);
        foreach (var file in checkpoint.Files)
        {
            var path = Path.Combine(folder, Names.Require(file.Name, "file"));
            if ((!weights && (CheckpointFiles.IsWeights(file.Name) || file.Name == CheckpointFiles.AdapterWeights)) || File.Exists(path))
            {
                continue;
            }

            // A finished file appears under its name in one step; a killed download leaves only a temporary file.
            var partial = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.partial";
            try
            {
                await DownloadAsync(CheckpointBlobs.Of(store, run, checkpoint.Name).Blob(file.Name), partial, file, cancellation);
                File.Move(partial, path, overwrite: true);
            }
            finally
            {
                File.Delete(partial);
            }
        }

        return folder;
    }

    private string FolderOf(CheckpointVersion checkpoint) => Path.Combine(options.CacheFolder, "checkpoints", Digest.OfJson(checkpoint.Files));

    private static async Task DownloadAsync(BlobClient blob, string path, CheckpointFile expected, CancellationToken cancellation)
    {
        try
        {
            await blob.DownloadToAsync(path, cancellation);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == 404)
        {
            throw new InvalidDataException($"{blob.Name} is no longer there; upload it again, or leave its checkpoint out of the evaluation.", exception);
        }

        await using var content = File.OpenRead(path);
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation)) != expected.Sha256)
        {
            throw new InvalidDataException($"{blob.Name} was changed after this evaluation was planned; the changed folder is a new checkpoint and is evaluated as one.");
        }
    }
}
