using System.Collections.Concurrent;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Hindsight.Workflow;

/// <summary>How far a stage is.</summary>
/// <param name="Plan">Its plan; null before it was planned.</param>
/// <param name="Done">Measurements of the finished shards, by index.</param>
/// <param name="Failed">Why shards were given up, by index.</param>
/// <param name="LastSign">When each open shard last gave a sign of life, by index.</param>
public sealed record StageProgress(
    StagePlan? Plan,
    IReadOnlyDictionary<int, ShardDone> Done,
    IReadOnlyDictionary<int, ShardFailed> Failed,
    IReadOnlyDictionary<int, DateTimeOffset> LastSign)
{
    /// <summary>Whether every shard was finished or given up.</summary>
    public bool Finished => Plan is not null && Done.Count + Failed.Count >= Plan.Shards.Count
        && Enumerable.Range(0, Plan.Shards.Count).All(shard => Done.ContainsKey(shard) || Failed.ContainsKey(shard));
}

/// <summary>
/// The blobs of one stage of one evaluation: its plan, and one small marker per shard. A marker is written at most once and never
/// changed, so that finishing a shard twice, or after it was given up, changes nothing.
/// </summary>
public sealed class StageBoard(BlobStore store, string run, string evaluation, Stage stage)
{
    private const string Done = ".done.json";
    private const string Failed = ".failed.json";

    private readonly string prefix = $"runs/{run}/{evaluation}/{Name(stage)}/";

    /// <summary>A stage's name in storage.</summary>
    internal static string Name(Stage stage) => stage.ToString().ToLowerInvariant();

    /// <summary>Writes the plan, unless there is one.</summary>
    public Task<bool> TryPlanAsync(StagePlan plan, CancellationToken cancellation) =>
        BlobStore.TryCreateAsync(Blob("plan.json"), BinaryData.FromObjectAsJson(plan, Json.Compact), cancellation);

    /// <summary>The plan, or null.</summary>
    public Task<StagePlan?> ReadPlanAsync(CancellationToken cancellation) => BlobStore.TryReadJsonAsync<StagePlan>(Blob("plan.json"), cancellation);

    /// <summary>Remembers that all messages of the plan were sent.</summary>
    public Task MarkSentAsync(CancellationToken cancellation) => BlobStore.TryCreateAsync(Blob("sent"), new BinaryData(""), cancellation);

    /// <summary>Whether all messages of the plan were sent.</summary>
    public async Task<bool> WasSentAsync(CancellationToken cancellation) => await Blob("sent").ExistsAsync(cancellation);

    /// <summary>Marks a shard finished.</summary>
    public Task MarkDoneAsync(int shard, ShardDone done, CancellationToken cancellation) =>
        BlobStore.TryCreateJsonAsync(Blob($"{shard:D5}.done.json"), done, cancellation);

    /// <summary>Gives a shard up.</summary>
    public Task MarkFailedAsync(int shard, ShardFailed failed, CancellationToken cancellation) =>
        BlobStore.TryCreateJsonAsync(Blob($"{shard:D5}.failed.json"), failed, cancellation);

    /// <summary>Counts an attempt at a shard that failed.</summary>
    /// <returns>How many failed by now.</returns>
    public async Task<int> CountAttemptAsync(int shard, string why, CancellationToken cancellation)
    {
        var times = ((await ReadAttemptsAsync(shard, cancellation))?.Times ?? 0) + 1;
        await Blob($"{shard:D5}.attempts.json").UploadAsync(
            BinaryData.FromObjectAsJson(new ShardAttempts(times, why), Json.Compact), overwrite: true, cancellation);
        return times;
    }

    /// <summary>The attempts at a shard that failed; null when none reported back.</summary>
    public Task<ShardAttempts?> ReadAttemptsAsync(int shard, CancellationToken cancellation) =>
        BlobStore.TryReadJsonAsync<ShardAttempts>(Blob($"{shard:D5}.attempts.json"), cancellation);

    /// <summary>Opens the shards again that were given up, but not for bad input.</summary>
    /// <returns>Whether there were any; their messages are then to be sent again.</returns>
    public async Task<bool> ForgetFailuresAsync(CancellationToken cancellation)
    {
        var passing = (await ReadAsync(cancellation)).Failed.Where(shard => !shard.Value.Final).Select(shard => shard.Key).ToList();
        foreach (var shard in passing)
        {
            foreach (var marker in (string[])["attempts", "offered", "failed"])
            {
                await Blob($"{shard:D5}.{marker}.json").DeleteIfExistsAsync(cancellationToken: cancellation);
            }
        }

        if (passing.Count > 0)
        {
            await Blob("sent").DeleteIfExistsAsync(cancellationToken: cancellation);
        }

        return passing.Count > 0;
    }

    /// <summary>A sign of life from the worker that has a shard.</summary>
    public Task SignAsync(int shard, CancellationToken cancellation) =>
        Blob($"{shard:D5}.alive").UploadAsync(new BinaryData(""), overwrite: true, cancellation);

    /// <summary>Counts one more offer of a shard.</summary>
    /// <returns>How often it was offered again by now.</returns>
    public async Task<int> CountOfferAsync(int shard, CancellationToken cancellation)
    {
        var blob = Blob($"{shard:D5}.offered.json");
        var times = ((await BlobStore.TryReadJsonAsync<ShardOffered>(blob, cancellation))?.Times ?? 0) + 1;
        await blob.UploadAsync(BinaryData.FromObjectAsJson(new ShardOffered(times), Json.Compact), overwrite: true, cancellation);
        return times;
    }

    /// <summary>Whether a shard was finished or given up.</summary>
    public async Task<bool> IsClosedAsync(int shard, CancellationToken cancellation) =>
        await Blob($"{shard:D5}.done.json").ExistsAsync(cancellation) || await Blob($"{shard:D5}.failed.json").ExistsAsync(cancellation);

    /// <summary>Whether every shard of the plan was finished or given up, told from names alone.</summary>
    public async Task<bool> IsFinishedAsync(StagePlan plan, CancellationToken cancellation)
    {
        var closed = (await BlobStore.ListAsync(store.Evaluations, prefix, cancellation))
            .Where(blob => blob.Name.EndsWith(Done, StringComparison.Ordinal) || blob.Name.EndsWith(Failed, StringComparison.Ordinal))
            .Select(blob => blob.Name[prefix.Length..].Split('.')[0]);
        return closed.Distinct().Count() >= plan.Shards.Count;
    }

    /// <summary>How far the stage is, with what its closed shards say.</summary>
    public async Task<StageProgress> ReadAsync(CancellationToken cancellation)
    {
        var plan = await ReadPlanAsync(cancellation);
        var done = new ConcurrentDictionary<int, ShardDone>();
        var failed = new ConcurrentDictionary<int, ShardFailed>();
        var signs = new Dictionary<int, DateTimeOffset>();
        var blobs = await BlobStore.ListAsync(store.Evaluations, prefix, cancellation);
        foreach (var blob in blobs)
        {
            var shards = Shard(blob) is { } shard ? [shard] : Enumerable.Range(0, plan?.Shards.Count ?? 0);
            foreach (var open in shards)
            {
                signs[open] = Latest(signs.GetValueOrDefault(open), blob);
            }
        }

        await Parallel.ForEachAsync(blobs, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellation }, async (blob, token) =>
        {
            if (blob.Name.EndsWith(Done, StringComparison.Ordinal)
                && await BlobStore.TryReadJsonAsync<ShardDone>(store.Evaluations.GetBlobClient(blob.Name), token) is { } measured)
            {
                done[Shard(blob)!.Value] = measured;
            }
            else if (blob.Name.EndsWith(Failed, StringComparison.Ordinal)
                && await BlobStore.TryReadJsonAsync<ShardFailed>(store.Evaluations.GetBlobClient(blob.Name), token) is { } why)
            {
                failed[Shard(blob)!.Value] = why;
            }
        });
        foreach (var shard in done.Keys)
        {
            failed.TryRemove(shard, out _);
        }

        return new StageProgress(plan, done, failed, signs);
    }

    private int? Shard(BlobItem marker) => int.TryParse(marker.Name[prefix.Length..].Split('.')[0], out var shard) ? shard : null;

    private static DateTimeOffset Latest(DateTimeOffset known, BlobItem blob) =>
        blob.Properties.LastModified is { } modified && modified > known ? modified : known;

    private BlobClient Blob(string name) => store.Evaluations.GetBlobClient(prefix + name);
}
