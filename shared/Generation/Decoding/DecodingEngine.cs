using System.Runtime.ExceptionServices;
using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>The room an engine has.</summary>
public sealed record EngineOptions
{
    private readonly long? memory;

    /// <summary>The most tokens of a prompt and its answer together; the model's own limit holds as well.</summary>
    public int MaxLength { get; init; } = 1024;

    /// <summary>The most answers drawn at once.</summary>
    public int MostRows { get; init; } = 64;

    /// <summary>What computes the model; tokens are drawn from its logits on the CPU.</summary>
    public Device Device { get; init; }

    /// <summary>
    /// Bytes of the device's memory that all of it may take, weights included (see <see cref="EngineMemory"/>); where MostRows rows would
    /// take more, there are fewer. By default most of what the machine, or the container, has; of a GPU, most of what is free.
    /// </summary>
    /// <exception cref="InvalidDataException">The default is asked for and there is no GPU that can be used.</exception>
    public long Memory
    {
        get => memory ?? DeviceMemory.Of(Device).Available / 10 * 9;
        init => memory = value;
    }

    /// <summary>By default all cores of the machine, or those that the container has.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Refuses a precision that the device cannot compute in.</summary>
    /// <exception cref="InvalidDataException">It cannot; the message says what can be taken instead.</exception>
    public void Check(Precision precision)
    {
        var isHalf = precision is Precision.Float16 or Precision.BFloat16;
        if (isHalf != (Device == Device.Cuda))
        {
            var name = precision.ToString().ToLowerInvariant();
            // ONNX Runtime's attention over a cache has kernels for these types alone.
            throw new InvalidDataException(isHalf
                ? $"The precision {name} needs a GPU; on the CPU take float32 or int8."
                : $"The precision {name} is for the CPU; on a GPU take float16 or bfloat16.");
        }
    }
}

/// <summary>What an engine has done.</summary>
/// <param name="Prompts">Prompts read.</param>
/// <param name="PromptTokens">Tokens of these prompts; a prompt is read once for all its samples.</param>
/// <param name="DrawnTokens">Tokens of all answers.</param>
/// <param name="Steps">Runs of the model that gave each active row its next token.</param>
public readonly record struct EngineWork(long Prompts, long PromptTokens, long DrawnTokens, long Steps);

/// <summary>
/// Draws answers, many at once: a batch of rows, each with a sequence and a length of its own. A prompt is read once, in pieces between
/// the steps of the rows, and copied to a row for each of its samples; a row whose answer ends takes the next one. An answer does not
/// depend on what is drawn beside it or before it. One enumeration at a time; the weights must outlive the engine.
/// </summary>
public sealed class DecodingEngine : IDisposable
{
    /// <summary>Raised whenever a change lets the same request on the same device have another answer.</summary>
    public const int NumericsVersion = 2;

    private const string Gpu = "GPU";

    private const int PiecesForEmptyRows = 8;

    private readonly DecodingBatch batch;
    private readonly Sampler[] samplers;
    private readonly Row?[] rows;
    private readonly int[] newest;

    private readonly (long Prompts, long Tokens) probed;

    private long drawnTokens;
    private bool busy;

    /// <param name="weights">The model, or the base of the adapters.</param>
    /// <param name="options">The room there is.</param>
    /// <param name="stack">The adapters that requests may name.</param>
    /// <exception cref="InvalidDataException">
    /// The device cannot compute in the weights' precision or is not there, or the model does not fit into its memory.
    /// </exception>
    public DecodingEngine(Weights weights, EngineOptions options, AdapterStack? stack = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLength, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MostRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        options.Check(weights.Precision);
        var config = weights.Config;
        if (config.Reward is not null)
        {
            throw new InvalidDataException($"A model of the architecture {config.Architecture} scores texts; it cannot draw answers.");
        }

        Memory = EngineMemory.Plan(config, weights.Precision, options, stack?.Bytes ?? 0);
        batch = new DecodingBatch(weights, Memory.Rows, Math.Min(options.MaxLength, config.MaxPositions), options.Threads, stack, options.Device);
        ComputedOn = NameOf(options.Device);
        samplers = [.. Enumerable.Range(0, options.Threads).Select(_ => new Sampler(config.VocabularySize))];
        (rows, newest) = (new Row?[batch.Rows], new int[batch.Rows]);
        try
        {
            WithoutEffect = stack is null ? new Dictionary<int, string>() : FindWithoutEffect(stack);
            probed = (batch.Prompts, batch.PromptTokens);
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>The most answers drawn at once.</summary>
    public int Rows => batch.Rows;

    /// <summary>What computes: on a CPU answers are promised to be the same, bit for bit, on one device and build.</summary>
    public string ComputedOn { get; }

    /// <summary>
    /// Whether an answer has the same bits whatever is drawn beside it. On a GPU it may not: products of another number of rows are
    /// computed by other kernels, which sum in another order, so that a token of nearly the same probability can be drawn in its place.
    /// </summary>
    public bool IsBatchInvariant => IsBatchInvariantOn(ComputedOn);

    /// <summary>
    /// The adapters under which the logits are the base's, by their place in the stack, with a sentence about each: it was not trained, or
    /// did not find its way into the graph. A request that names one is refused.
    /// </summary>
    public IReadOnlyDictionary<int, string> WithoutEffect { get; }

    /// <summary>What it takes.</summary>
    public EngineMemory Memory { get; }

    /// <summary>The most tokens of a prompt and its answer together.</summary>
    public int MaxLength => batch.MaxLength;

    public EngineWork Work => new(batch.Prompts - probed.Prompts, batch.PromptTokens - probed.Tokens, drawnTokens, batch.Steps);

    /// <summary>Draws every sample of every request; answers come as they end.</summary>
    /// <param name="requests">Taken one by one, as rows become free.</param>
    /// <param name="decode">Token ids to text, special tokens left out.</param>
    /// <param name="eosIds">The end-of-text tokens.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="InvalidDataException">
    /// A request's adapter changes nothing, its decoding is out of range, its prompt is empty, too long or has ids that the model does not know, or the model's logits
    /// are not finite.
    /// </exception>
    public IEnumerable<Completion> Generate(
        IEnumerable<GenerationRequest> requests,
        Func<IReadOnlyList<int>, string> decode,
        IReadOnlyList<int> eosIds,
        CancellationToken cancellation = default)
    {
        if (busy)
        {
            throw new InvalidOperationException("The engine is drawing answers already; it has one batch.");
        }

        busy = true;
        try
        {
            Array.Clear(rows);
            var end = new AnswerEnds(decode, eosIds.ToHashSet(), MaxLength);
            using var waiting = new WaitingSamples(requests.Select(RequireEffect), batch);
            while (!waiting.IsEmpty || rows.Any(row => row is not null))
            {
                // The rows wait for one piece of a prompt at most, unless so many stand empty that more are worth the wait.
                var pieces = 2 * rows.Count(row => row is not null) < Rows ? PiecesForEmptyRows : 1;
                do
                {
                    while (Array.IndexOf(rows, null) is >= 0 and var free && waiting.TryTake() is { } row)
                    {
                        row.Take(samplers[0].Draw(batch.PromptLogits, row.Request.Decoding, row.Uniform));
                        drawnTokens++;
                        if (end.Of(row) is { } completion)
                        {
                            yield return completion;
                            continue;
                        }

                        batch.Place(free);
                        rows[free] = row;
                    }

                    cancellation.ThrowIfCancellationRequested();
                }
                while (pieces-- > 0 && waiting.ReadPiece());

                Step();
                for (var index = 0; index < rows.Length; index++)
                {
                    if (rows[index] is { } row && end.Of(row) is { } completion)
                    {
                        rows[index] = null;
                        yield return completion;
                    }
                }
            }
        }
        finally
        {
            busy = false;
        }
    }

    /// <summary><see cref="IsBatchInvariant"/> of an engine that said <see cref="ComputedOn"/> of itself.</summary>
    public static bool IsBatchInvariantOn(string computedOn) => !computedOn.StartsWith(Gpu, StringComparison.Ordinal);

    public void Dispose() => batch.Dispose();

    private static string NameOf(Device device) =>
        $"{(device == Device.Cuda ? Gpu : "CPU")} ({DeviceMemory.Of(device).Name}), ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    private GenerationRequest RequireEffect(GenerationRequest request) =>
        request.Adapter is { } slot && WithoutEffect.TryGetValue(slot, out var why) ? throw new InvalidDataException(why) : request;

    private Dictionary<int, string> FindWithoutEffect(AdapterStack stack)
    {
        // Several tokens: over a single one attention has nothing to choose from.
        int[] probe = [.. Enumerable.Range(1, Math.Min(8, MaxLength - 1)).Select(place => place * 97 % batch.Outputs)];
        float[] LogitsOf(int? adapter)
        {
            batch.Begin(probe, adapter);
            batch.ReadPiece();
            return batch.PromptLogits.ToArray();
        }

        var bare = LogitsOf(null);
        return Enumerable.Range(0, stack.Slots).Where(slot => bare.AsSpan().SequenceEqual(LogitsOf(slot))).ToDictionary(
            slot => slot,
            slot => $"{stack.Names[slot]} does not change the model's logits: the adapter was never trained, or its factors are zero.");
    }

    /// <summary>Gives each row its next token.</summary>
    private void Step()
    {
        var active = rows.Count(row => row is not null);
        if (active == 0)
        {
            return;
        }

        var inUse = Array.FindLastIndex(rows, row => row is not null) + 1;
        if (batch.RowsOfStep(active) < batch.RowsOfStep(inUse))
        {
            for (var free = 0; free < active; free++)
            {
                if (rows[free] is null)
                {
                    inUse = Array.FindLastIndex(rows, row => row is not null);
                    batch.Fork(inUse, free);
                    (rows[free], rows[inUse]) = (rows[inUse], null);
                }
            }

            inUse = active;
        }

        for (var index = 0; index < inUse; index++)
        {
            if (rows[index] is { } row)
            {
                newest[index] = row.Ids[^1];
            }
            else
            {
                batch.Clear(index);
            }
        }

        batch.Step(newest.AsSpan(0, inUse));
        try
        {
            Parallel.For(0, samplers.Length, worker =>
            {
                for (var index = worker; index < inUse; index += samplers.Length)
                {
                    rows[index]?.Take(samplers[worker].Draw(batch.Logits(index), rows[index]!.Request.Decoding, rows[index]!.Uniform));
                }
            });
        }
        catch (AggregateException exception) when (exception.InnerException is InvalidDataException bad)
        {
            ExceptionDispatchInfo.Throw(bad);
        }

        drawnTokens += active;
    }
}
