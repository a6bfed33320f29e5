using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Hindsight.Models;
using Hindsight.Reporting;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>
/// A training run as trainers leave it on disk: folders with a model each. Optimizer states, random states and logs beside the models
/// are never read or uploaded.
/// </summary>
internal sealed class RunFolder
{
    private const string DigestKey = "sha256";

    private RunFolder(string path, IReadOnlyList<string> checkpoints, IReadOnlyList<RefusedCheckpoint> refused)
    {
        Path = path;
        Checkpoints = checkpoints;
        Refused = refused;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Names of the folders that hold a model that can be uploaded.</summary>
    public IReadOnlyList<string> Checkpoints { get; }

    /// <summary>Folders that look like checkpoints and lack something.</summary>
    public IReadOnlyList<RefusedCheckpoint> Refused { get; }

    /// <summary>Finds the checkpoints of a run.</summary>
    /// <exception cref="InvalidDataException">There is no checkpoint in it.</exception>
    public static RunFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new InvalidDataException($"{path} is not a folder; name the folder that holds checkpoint-100, checkpoint-200, …");
        }

        var (checkpoints, refused) = (new List<string>(), new List<RefusedCheckpoint>());
        foreach (var folder in Directory.GetDirectories(path).OrderBy(folder => Names.Step(System.IO.Path.GetFileName(folder)) ?? long.MaxValue)
                     .ThenBy(folder => folder, StringComparer.Ordinal))
        {
            var name = System.IO.Path.GetFileName(folder);
            var files = new DirectoryInfo(folder).GetFiles().ToDictionary(file => file.Name, file => file.Length);
            if (!files.Keys.Any(LooksLikeModel))
            {
                continue;
            }

            if (!Names.IsSafe(name))
            {
                refused.Add(new RefusedCheckpoint(name, "its name has characters other than letters, digits and . _ - + =; rename it."));
            }
            else if (Missing(folder, files) is { } missing)
            {
                refused.Add(new RefusedCheckpoint(name, missing));
            }
            else
            {
                checkpoints.Add(name);
            }
        }

        return checkpoints.Any(name => name != EvaluationFreezer.BaseFolder)
            ? new RunFolder(path, checkpoints, refused)
            : throw new InvalidDataException(refused.Count > 0
                ? $"{path} has no checkpoint that can be used. {refused[0].Name}: {refused[0].Reason}"
                : File.Exists(System.IO.Path.Combine(path, CheckpointFiles.Config))
                    ? $"{path} is a single checkpoint; name the folder that holds checkpoint-100, checkpoint-200, …, or try this one with 'generate'."
                    : $"{path} has no checkpoint: no folder in it holds a config.json and model.safetensors.");
    }

    /// <summary>
    /// Uploads what is not there yet: the checkpoints, and the reward model if it lies in the folder. Each list of files goes last, so that
    /// Intake knows the folder is whole.
    /// </summary>
    public async Task UploadAsync(
        BlobStore blobs, string run, string? rewardModel, IProgress<(long Done, long Total)> progress, CancellationToken cancellation)
    {
        List<(BlobContainerClient Container, string Prefix, FileInfo[] Files)> folders =
            [.. Checkpoints.Select(checkpoint => (blobs.Checkpoints, $"{run}/{checkpoint}/", Files(System.IO.Path.Combine(Path, checkpoint))))];
        if (rewardModel is not null && Directory.Exists(RewardModelFolder(Path, rewardModel)))
        {
            folders.Add((blobs.Models, $"{rewardModel}/", Files(RewardModelFolder(Path, rewardModel))));
        }

        var total = folders.Sum(folder => folder.Files.Sum(file => file.Length));
        var done = 0L;
        foreach (var (container, prefix, files) in folders)
        {
            var listed = new ConcurrentBag<CheckpointFile>();
            await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellation }, async (file, token) =>
            {
                listed.Add(await UploadAsync(container.GetBlobClient(prefix + file.Name), file, token));
                progress.Report((Interlocked.Add(ref done, file.Length), total));
            });

            var list = JsonSerializer.SerializeToUtf8Bytes(
                new UploadList([.. listed.OrderBy(file => file.Name, StringComparer.Ordinal)]), JsonSerializerOptions.Web);
            await BlobStore.WriteIfChangedAsync(container.GetBlobClient(prefix + UploadList.FileName), list, cancellation);
        }
    }

    /// <summary>Where a run's folder holds the reward model that its evaluation names.</summary>
    public static string RewardModelFolder(string path, string name) => System.IO.Path.Combine(path, "models", name);

    /// <summary>Uploads files that belong to the run and to no checkpoint, unless they are there.</summary>
    public static async Task UploadAsync(BlobContainerClient container, string run, IEnumerable<FileInfo> files, CancellationToken cancellation)
    {
        foreach (var file in files)
        {
            await UploadAsync(container.GetBlobClient($"{run}/{file.Name}"), file, cancellation);
        }
    }

    private static async Task<CheckpointFile> UploadAsync(BlobClient blob, FileInfo file, CancellationToken cancellation)
    {
        await using var content = file.OpenRead();
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
        if (!await IsThereAsync(blob, content.Length, digest, cancellation))
        {
            content.Position = 0;
            await blob.UploadAsync(content, new BlobUploadOptions { Metadata = new Dictionary<string, string> { [DigestKey] = digest } }, cancellation);
        }

        return new CheckpointFile(file.Name, content.Length, digest);
    }

    private static async Task<bool> IsThereAsync(BlobClient blob, long length, string digest, CancellationToken cancellation)
    {
        try
        {
            BlobProperties there = await blob.GetPropertiesAsync(cancellationToken: cancellation);
            return there.ContentLength == length && there.Metadata.TryGetValue(DigestKey, out var known) && known == digest;
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == 404)
        {
            return false;
        }
    }

    /// <summary>What the reward model in a run's folder lacks; null for nothing, or where there is none.</summary>
    public static string? MissingRewardModelFile(string path, string name) =>
        new DirectoryInfo(RewardModelFolder(path, name)) is { Exists: true } folder
            ? Missing(folder.FullName, folder.GetFiles().ToDictionary(file => file.Name, file => file.Length))
            : null;

    private static FileInfo[] Files(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles().Where(file => CheckpointFiles.Matters(file.Name)).OrderBy(file => file.Name, StringComparer.Ordinal)];

    private static string? Missing(string folder, IReadOnlyDictionary<string, long> files)
    {
        try
        {
            return CheckpointFiles.Missing(
                files, () => ShardIndex.Parse(File.ReadAllBytes(System.IO.Path.Combine(folder, CheckpointFiles.Index)), CheckpointFiles.Index));
        }
        catch (InvalidDataException)
        {
            // A malformed index is refused by Intake, like everything that is there and wrong.
            return null;
        }
    }

    private static bool LooksLikeModel(string file) =>
        file is CheckpointFiles.Config or CheckpointFiles.AdapterConfig
        || file.EndsWith(".safetensors", StringComparison.Ordinal)
        || file.StartsWith("pytorch_model", StringComparison.Ordinal);
}
