using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Azure.Storage.Blobs;
using Hindsight.Models;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// Takes in uploads: when a checkpoint's folder is complete and has settled, reads it once, checks what can be checked without
/// loading it, and writes its manifest. No evaluation starts from a folder without a manifest that matches its content.
/// </summary>
public sealed class CheckpointIntake(
    BlobStore store, CheckpointFolders folders, EvaluationFreezer freezer, CheckpointCache cache, MessageBus bus, WorkflowOptions options, TimeProvider clock, ILogger<CheckpointIntake> log)
{
    private const long SmallFile = 64L << 20;

    /// <summary>Handles a blob-created event.</summary>
    public async Task HandleAsync(BinaryData uploadEvent, CancellationToken cancellation)
    {
        if (BlobCreated.Parse(uploadEvent) is not { } created || (created.Container != store.Checkpoints.Name && created.Container != store.Models.Name))
        {
            return;
        }

        var path = created.Blob.Split('/');
        if (created.Container == store.Models.Name)
        {
            path = [CheckpointBlobs.Models, .. path];
        }
        else if (path[0] == CheckpointBlobs.Models)
        {
            log.LogWarning("Ignored a blob of a run called models: that name is kept for reward models, which are uploaded to the container models");
            return;
        }

        if (path.Length is < 2 or > 3 || !Names.IsSafe(path[0]) || (path.Length == 3 && !Names.IsSafe(path[1])))
        {
            log.LogWarning("Ignored a blob that is not in run/checkpoint/file, or whose names use other characters than letters, digits and . _ - + =");
            return;
        }

        if (path.Length == 2)
        {
            // What is asked, or a training text that was waited for.
            if (path[0] != CheckpointBlobs.Models)
            {
                await bus.SendAsync(new PlanMessage(path[0]), cancellation);
            }

            return;
        }

        var state = await TakeInAsync(path[0], path[1], cancellation);
        if (state.Manifest is not null)
        {
            foreach (var run in path[0] == CheckpointBlobs.Models ? await freezer.RunsWithAsync(path[1], cancellation) : [path[0]])
            {
                await bus.SendAsync(new PlanMessage(run), cancellation);
            }
        }
        else if (state.LookAgain is { } at)
        {
            await bus.LookAgainAsync(uploadEvent, at, cancellation);
        }
    }

    private async Task<FolderState> TakeInAsync(string run, string checkpoint, CancellationToken cancellation)
    {
        var blobs = await folders.ListAsync(run, checkpoint, cancellation);
        var version = await folders.VersionAsync(run, blobs, cancellation);
        var known = await folders.ReadManifestAsync(run, checkpoint, cancellation);
        if (known?.Version == version)
        {
            return new FolderState(known, null, null);
        }

        var readiness = await folders.ReadinessAsync(run, checkpoint, blobs, cancellation);
        if (readiness.Waiting is not null)
        {
            return readiness;
        }

        var files = new List<CheckpointFile>();
        foreach (var blob in blobs.Where(blob => blob.Name != UploadList.FileName))
        {
            await using var content = await CheckpointBlobs.Of(store, run, checkpoint).Blob(blob.Name).OpenReadAsync(cancellationToken: cancellation);
            var hash = await SHA256.HashDataAsync(content, cancellation);
            files.Add(new CheckpointFile(blob.Name, blob.Properties.ContentLength ?? 0, Convert.ToHexStringLower(hash)));
        }

        if (await folders.UploadListAsync(run, checkpoint, blobs, cancellation) is { } list && list.Files.Any(listed => !files.Contains(listed)))
        {
            return new FolderState(
                null, "files that differ from its upload.json: they are being written, or were changed afterwards", clock.GetUtcNow() + options.Settle);
        }

        // What was read must be what was listed: a folder that changed meanwhile announces itself again.
        if (await folders.VersionAsync(run, await folders.ListAsync(run, checkpoint, cancellation), cancellation) != version)
        {
            return new FolderState(null, "files that are being written", clock.GetUtcNow() + options.Settle);
        }

        var taken = new CheckpointVersion(checkpoint, null, files);
        var refusal = taken.IsAdapter ? await AdapterRefusalAsync(run, taken, cancellation) : await RefusalAsync(run, checkpoint, files, cancellation);
        var manifest = new Manifest(version, CheckpointFolders.Newest(blobs), files, refusal);
        await folders.ManifestBlob(run, checkpoint).UploadAsync(
            new BinaryData(JsonSerializer.SerializeToUtf8Bytes(manifest, Json.Indented)), overwrite: true, cancellation);
        return new FolderState(manifest, null, null);
    }

    /// <summary>
    /// Why an adapter cannot be used with the run's base; null when nothing speaks against it, or there is no base yet that could be asked.
    /// Adapters are drawn beside one another, so each is read whole here: a broken one must not harm the others.
    /// </summary>
    private async Task<string?> AdapterRefusalAsync(string run, CheckpointVersion adapter, CancellationToken cancellation)
    {
        var config = folders.BaseConfigBlob(run);
        if (adapter.Name == EvaluationFreezer.BaseFolder || await BlobStore.TryReadAsync(config, cancellation) is not { } content)
        {
            return null;
        }

        ModelConfig baseConfig;
        try
        {
            baseConfig = ModelConfig.Parse(content, config.Name);
        }
        catch (InvalidDataException)
        {
            // The base is refused for it.
            return null;
        }

        try
        {
            CheckpointText.CheckAdapter(await cache.FetchAsync(run, adapter, weights: true, cancellation), baseConfig);
            return null;
        }
        catch (InvalidDataException exception)
        {
            return cache.InUploadedNames(exception, run, [adapter]).Message;
        }
    }

    /// <summary>Why a complete folder cannot be used, found without reading tensors; null when nothing speaks against it.</summary>
    private async Task<string?> RefusalAsync(
        string run, string checkpoint, IReadOnlyList<CheckpointFile> files, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("hindsight-intake-").FullName;
        try
        {
            foreach (var file in files)
            {
                await OutlineAsync(CheckpointBlobs.Of(store, run, checkpoint).Blob(file.Name), file, Path.Combine(folder, file.Name), cancellation);
            }

            CheckpointText.Check(folder, isReward: run == CheckpointBlobs.Models);
            return null;
        }
        catch (Exception exception) when (!Failures.IsTransient(exception))
        {
            return Failures.Sentence(exception).Replace(folder, $"{run}/{checkpoint}", StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A small file whole; of a tensor file the header, with a hole of the right length for the tensors.</summary>
    private static async Task OutlineAsync(BlobClient blob, CheckpointFile file, string path, CancellationToken cancellation)
    {
        await using var content = await blob.OpenReadAsync(bufferSize: 1 << 16, cancellationToken: cancellation);
        await using var outline = File.Create(path);
        if (!CheckpointFiles.IsWeights(file.Name))
        {
            if (file.Size > SmallFile)
            {
                throw new InvalidDataException($"{blob.Name} has {file.Size} bytes, more than the {SmallFile} that are read of such a file.");
            }

            await content.CopyToAsync(outline, cancellation);
            return;
        }

        var length = new byte[sizeof(ulong)];
        await content.ReadAtLeastAsync(length, length.Length, throwOnEndOfStream: false, cancellation);
        await outline.WriteAsync(length, cancellation);
        var header = new byte[Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(length), (ulong)Math.Clamp(file.Size - length.Length, 0, SafetensorsHeader.MaxLength))];
        await content.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellation);
        await outline.WriteAsync(header, cancellation);
        outline.SetLength(file.Size);
    }
}
