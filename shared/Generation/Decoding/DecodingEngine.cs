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
    private readonly DecodingRows rows;
    private readonly (long Prompts, long Tokens) probed;
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
        rows = new DecodingRows(batch, options.Threads);
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

    public EngineWork Work => new(batch.Prompts - probed.Prompts, batch.PromptTokens - probed.Tokens, rows.Drawn, batch.Steps);

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
        CancellationToken cancellation = default) => Alone(end => Draw(requests, end, cancellation), decode, eosIds);

    /// <summary>Draws the answers of populations, many populations at once; they come as they are finished.</summary>
    /// <param name="requests">Taken one by one, as rows become free.</param>
    /// <param name="rewards">Scores the steps; null where the model's own certainty does.</param>
    /// <param name="decode">Token ids to text, special tokens left out.</param>
    /// <param name="eosIds">The end-of-text tokens.</param>
    /// <param name="roundDone">Is told what a population holds after each round.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="InvalidDataException">As of <see cref="Generate"/>; or a population has more slots than there are rows.</exception>
    public IEnumerable<PopulationAnswers> Generate(
        IEnumerable<PopulationRequest> requests,
        RewardModel? rewards,
        Func<IReadOnlyList<int>, string> decode,
        IReadOnlyList<int> eosIds,
        Action<PopulationRequest, PopulationRound>? roundDone = null,
        CancellationToken cancellation = default) => Alone(
            end => new PopulationDecoding(batch, rows, rewards, end, decode, roundDone).Draw(requests.Select(request => RequireEffect(request, request.Adapter)), cancellation),
            decode,
            eosIds);

    /// <summary><see cref="IsBatchInvariant"/> of an engine that said <see cref="ComputedOn"/> of itself.</summary>
    public static bool IsBatchInvariantOn(string computedOn) => !computedOn.StartsWith(Gpu, StringComparison.Ordinal);

    public void Dispose() => batch.Dispose();

    /// <summary>Draws with all rows, while nobody else does.</summary>
    private IEnumerable<T> Alone<T>(Func<AnswerEnds, IEnumerable<T>> draw, Func<IReadOnlyList<int>, string> decode, IReadOnlyList<int> eosIds)
    {
        if (busy)
        {
            throw new InvalidOperationException("The engine is drawing answers already; it has one batch.");
        }

        busy = true;
        try
        {
            rows.Clear();
            foreach (var drawn in draw(new AnswerEnds(decode, eosIds.ToHashSet(), MaxLength)))
            {
                yield return drawn;
            }
        }
        finally
        {
            busy = false;
        }
    }

    private IEnumerable<Completion> Draw(IEnumerable<GenerationRequest> requests, AnswerEnds end, CancellationToken cancellation)
    {
        using var waiting = new WaitingSamples(requests.Select(request => RequireEffect(request, request.Adapter)), batch);
        while (!waiting.IsEmpty || rows.Free < Rows)
        {
            // The rows wait for one piece of a prompt at most, unless so many stand empty that more are worth the wait.
            var pieces = 2 * rows.Free > Rows ? PiecesForEmptyRows : 1;
            do
            {
                while (rows.Free > 0 && waiting.TryTake() is { } row)
                {
                    rows.DrawFirst(row);
                    if (end.Of(row) is { } completion)
                    {
                        yield return completion;
                        continue;
                    }

                    rows.Place(row);
                }

                cancellation.ThrowIfCancellationRequested();
            }
            while (pieces-- > 0 && waiting.ReadPiece());

            rows.Step();
            foreach (var row in rows.Answers.ToList())
            {
                if (end.Of(row) is { } completion)
                {
                    rows.Remove(row);
                    yield return completion;
                }
            }
        }
    }

    private static string NameOf(Device device) =>
        $"{(device == Device.Cuda ? Gpu : "CPU")} ({DeviceMemory.Of(device).Name}), ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    private T RequireEffect<T>(T request, int? adapter) =>
        adapter is { } slot && WithoutEffect.TryGetValue(slot, out var why) ? throw new InvalidDataException(why) : request;

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
}
