using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>What a worker is to load.</summary>
/// <param name="Run">The run.</param>
/// <param name="Precision">Of the linear maps.</param>
/// <param name="Weights">The variant whose weights are loaded: the base, where adapters are drawn beside it.</param>
/// <param name="Adapters">Variants that are low-rank updates of that base.</param>
internal sealed record ModelParts(string Run, Precision Precision, Variant Weights, IReadOnlyList<Variant> Adapters)
{
    /// <summary>Equal for equal content.</summary>
    public string Digest => Workflow.Digest.OfJson(
        new { Precision, weights = Weights.WeightsDigest, adapters = Adapters.Select(variant => variant.WeightsDigest) });
}

/// <summary>Weights in memory, the adapters beside them, and an engine over both. Kept from shard to shard while it fits.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly Weights weights;
    private readonly AdapterStack? stack;
    private readonly Dictionary<string, int> slots;
    private DecodingEngine? engine;
    private Device device;
    private int length;

    private LoadedModel(ModelParts parts, Weights weights, AdapterStack? stack, IReadOnlyList<Variant> adapters)
    {
        (Parts, this.weights, this.stack) = (parts, weights, stack);
        slots = adapters.Select((variant, slot) => (variant.WeightsDigest, slot)).ToDictionary(pair => pair.WeightsDigest, pair => pair.slot);
    }

    /// <summary>What was asked for; there may have been room for fewer adapters, see <see cref="Holds"/>.</summary>
    public ModelParts Parts { get; }

    /// <summary>Bytes of this machine's memory that it may take, as planned: beside a GPU's own, what was copied there.</summary>
    public long HostBytes => engine is null ? long.MaxValue
        : device == Device.Cpu ? engine.Memory.Total
        : engine.Memory.Weights + engine.Memory.Adapters;

    /// <summary>Whether all adapters that were asked for had room.</summary>
    public bool IsWhole => slots.Count == Parts.Adapters.Count;

    /// <summary>Bytes of this machine's memory that weights and adapters take before there is an engine over them.</summary>
    /// <inheritdoc cref="LoadAsync"/>
    public static Task<long> BytesAsync(ModelParts parts, EngineOptions options, CheckpointCache cache, CancellationToken cancellation) =>
        WithAdaptersAsync(
            parts, cache,
            (config, updates) =>
            {
                var (_, plan) = Fitting(config, parts.Precision, options, updates);
                return Task.FromResult(plan.Weights + plan.Adapters);
            },
            cancellation);

    /// <summary>Loads weights, or as many of the adapters as there is room for beside them. What takes memory is planned first.</summary>
    /// <param name="parts">What is wanted.</param>
    /// <param name="options">The room there is for the engine.</param>
    /// <param name="cache">Where the files are.</param>
    /// <param name="checkpoints">The checkpoints that were read before.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="InvalidDataException">A file is malformed or does not fit the others, or the memory is too small.</exception>
    public static Task<LoadedModel> LoadAsync(
        ModelParts parts, EngineOptions options, CheckpointCache cache, OpenCheckpoints checkpoints, CancellationToken cancellation)
    {
        var (run, variant) = (parts.Run, parts.Weights);
        OpenedUpdate.RequireSameKind(variant);
        return WithAdaptersAsync(
            parts, cache,
            async (config, updates) =>
            {
                using var merged = variant.Late.Base is null ? null : await OpenedUpdate.OpenAsync(cache, run, variant, cancellation);
                var (fitting, _) = Fitting(config, parts.Precision, options, updates);
                var late = await cache.FetchAsync(run, variant.Late.Model, weights: true, cancellation);
                var early = merged is not null || variant.Early is null ? null : await cache.FetchAsync(run, variant.Early, weights: true, cancellation);
                return await Task.Run(
                    () =>
                    {
                        var weights = Read(checkpoints, late, early, variant.EarlyWeight, merged?.Update, parts.Precision);
                        try
                        {
                            var stack = fitting == 0 ? null : AdapterStack.Create(config, updates[..fitting], parts.Precision);
                            return new LoadedModel(parts, weights, stack, [.. parts.Adapters.Take(fitting)]);
                        }
                        catch
                        {
                            weights.Dispose();
                            throw;
                        }
                    },
                    CancellationToken.None);
            },
            cancellation);
    }

    /// <summary>Whether a variant's answers can be drawn from what is loaded.</summary>
    public bool Holds(Variant variant) => variant.WeightsDigest == Parts.Weights.WeightsDigest || slots.ContainsKey(variant.WeightsDigest);

    /// <summary>The place of a variant in the stack of adapters; null for the weights themselves.</summary>
    public int? SlotOf(Variant variant) => variant.WeightsDigest == Parts.Weights.WeightsDigest ? null : slots[variant.WeightsDigest];

    /// <summary>An engine with room for prompts and answers of a length in tokens.</summary>
    public DecodingEngine Engine(EngineOptions options)
    {
        if (engine is null || length < options.MaxLength || engine.Memory.Total > options.Memory)
        {
            engine?.Dispose();
            engine = null;
            engine = new DecodingEngine(weights, options, stack);
            (device, length) = (options.Device, options.MaxLength);
        }

        return engine;
    }

    public void Dispose()
    {
        engine?.Dispose();
        stack?.Dispose();
        weights.Dispose();
    }

    /// <summary>Opens the adapters for as long as they are used; with the config of their base.</summary>
    private static async Task<T> WithAdaptersAsync<T>(
        ModelParts parts, CheckpointCache cache, Func<ModelConfig, List<AdapterUpdate>, Task<T>> use, CancellationToken cancellation)
    {
        var config = await cache.ReadConfigAsync(parts.Run, parts.Weights.Late, cancellation);
        var adapters = new List<OpenedUpdate>();
        try
        {
            foreach (var adapter in parts.Adapters)
            {
                adapters.Add(await OpenedUpdate.OpenAsync(cache, parts.Run, adapter, cancellation));
            }

            return await use(config, [.. adapters.Select(adapter => adapter.Update)]);
        }
        finally
        {
            adapters.ForEach(adapter => adapter.Dispose());
        }
    }

    /// <summary>How many of the adapters fit, halving until they do (the others wait for another pass), and the plan with these.</summary>
    private static (int Count, EngineMemory Plan) Fitting(ModelConfig config, Precision precision, EngineOptions options, List<AdapterUpdate> updates)
    {
        for (var count = updates.Count; ; count = (count + 1) / 2)
        {
            try
            {
                return (count, EngineMemory.Plan(config, precision, options, count == 0 ? 0 : AdapterStack.BytesFor(config, updates[..count], precision)));
            }
            catch (InvalidDataException) when (count > 1)
            {
                // With fewer it may fit.
            }
        }
    }

    private static Weights Read(
        OpenCheckpoints checkpoints, string late, string? early, double earlyWeight, AdapterUpdate? update, Precision precision) =>
        checkpoints.Read(early is null ? [late] : [late, early], opened => opened switch
        {
            [var one] => update is null ? Weights.Load(one, precision) : Weights.Merge(one, update, precision),
            _ => Weights.Interpolate(opened[1], opened[0], earlyWeight, precision),
        });
}
