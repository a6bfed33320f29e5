using System.Security.Cryptography;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>
/// Checkpoint files on the worker's own disk, by content. A file is used only if its digest is the one in the manifest, so that answers
/// cannot come from weights other than those they are stored under. Processes may share the folder.
/// </summary>
public sealed class CheckpointCache(BlobStore store, WorkflowOptions options)
{
    /// <summary>A folder with the checkpoint's files.</summary>
    /// <param name="run">The run it was uploaded to.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="weights">Whether tensor files are wanted too; tokenizer and configs always are.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="InvalidDataException">The uploaded files are no longer those of the manifest.</exception>
    public async Task<string> FetchAsync(string run, CheckpointVersion checkpoint, bool weights, CancellationToken cancellation)
    {
        var folder = Path.Combine(options.CacheFolder, "checkpoints", Digest.OfJson(checkpoint.Files));
        Directory.CreateDirectory(folder);
        foreach (var file in checkpoint.Files)
        {
            var path = Path.Combine(folder, Names.Require(file.Name, "file"));
            if ((!weights && CheckpointFiles.IsWeights(file.Name)) || File.Exists(path))
            {
                continue;
            }

            // A finished file appears under its name in one step; a killed download leaves only a temporary file.
            var partial = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.partial";
            try
            {
                await DownloadAsync($"{run}/{checkpoint.Name}/{file.Name}", partial, file, cancellation);
                File.Move(partial, path, overwrite: true);
            }
            finally
            {
                File.Delete(partial);
            }
        }

        return folder;
    }

    private async Task DownloadAsync(string blob, string path, CheckpointFile expected, CancellationToken cancellation)
    {
        try
        {
            await store.Checkpoints.GetBlobClient(blob).DownloadToAsync(path, cancellation);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == 404)
        {
            throw new InvalidDataException($"{blob} is no longer there; upload it again, or leave its checkpoint out of the evaluation.", exception);
        }

        await using var content = File.OpenRead(path);
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation)) != expected.Sha256)
        {
            throw new InvalidDataException($"{blob} was changed after this evaluation was planned; the changed folder is a new checkpoint and is evaluated as one.");
        }
    }
}
