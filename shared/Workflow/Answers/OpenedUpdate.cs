using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>A variant that is an adapter, or an interpolation of two, open to be read over its base.</summary>
internal sealed class OpenedUpdate : IDisposable
{
    private readonly List<Adapter> adapters = [];

    private OpenedUpdate(string late, string? early, double earlyWeight, ModelConfig config)
    {
        try
        {
            var lateAdapter = Open(late, config);
            Update = early is null ? new AdapterUpdate(lateAdapter) : new AdapterUpdate(Open(early, config), lateAdapter, earlyWeight);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is added to the base.</summary>
    public AdapterUpdate Update { get; }

    /// <summary>Opens the adapters of a variant; of the base only the config is needed.</summary>
    /// <exception cref="InvalidDataException">An adapter is malformed or does not fit the base, or the other parent is a whole model.</exception>
    public static async Task<OpenedUpdate> OpenAsync(CheckpointCache cache, string run, Variant variant, CancellationToken cancellation)
    {
        RequireSameKind(variant);
        var late = await cache.FetchAsync(run, variant.Late, weights: true, cancellation);
        var early = variant.Early is null ? null : await cache.FetchAsync(run, variant.Early, weights: true, cancellation);
        return new OpenedUpdate(late, early, variant.EarlyWeight, await cache.ReadConfigAsync(run, variant.Late, cancellation));
    }

    /// <summary>
    /// Whether a variant is nothing but low-rank updates of linear maps, so that it can share a batch. One that cannot be read does not: it
    /// fails by itself, for a reason that its shard reports.
    /// </summary>
    public static async Task<bool> IsLowRankAsync(CheckpointCache cache, string run, Variant variant, CancellationToken cancellation)
    {
        if (variant.Late.Base is null)
        {
            return false;
        }

        try
        {
            using var opened = await OpenAsync(cache, run, variant, cancellation);
            return opened.Update.IsLowRank;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <exception cref="InvalidDataException">One parent is an adapter and the other a whole model.</exception>
    public static void RequireSameKind(Variant variant)
    {
        if (variant.Early is { } early && early.Base is null != variant.Late.Base is null)
        {
            var (adapter, whole) = early.Base is null ? (variant.Late, early) : (early, variant.Late);
            throw new InvalidDataException(
                $"{adapter.Name} is an adapter and {whole.Name} a whole model, which cannot be interpolated; merge the adapter into its base first (hindsight merge).");
        }
    }

    public void Dispose() => adapters.ForEach(adapter => adapter.Dispose());

    private Adapter Open(string folder, ModelConfig config)
    {
        adapters.Add(Adapter.Open(folder, config));
        return adapters[^1];
    }
}
