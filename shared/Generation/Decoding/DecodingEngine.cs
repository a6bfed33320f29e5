using System.Numerics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>The room an engine has.</summary>
public sealed record EngineOptions
{
    /// <summary>The most tokens of a prompt and its answer together; the model's own limit holds as well.</summary>
    public int MaxLength { get; init; } = 1024;

    /// <summary>The most answers drawn at once.</summary>
    public int MostRows { get; init; } = 64;

    /// <summary>Bytes that the rows' keys, values and logits may take; where MostRows rows would take more, there are fewer.</summary>
    public long Memory { get; init; } = 4L << 30;

    public int Threads { get; init; } = Environment.ProcessorCount;
}

/// <summary>What an engine has done.</summary>
/// <param name="Prompts">Prompts read.</param>
/// <param name="PromptTokens">Tokens of these prompts; a prompt is read once for all its samples.</param>
/// <param name="DrawnTokens">Tokens of all answers.</param>
/// <param name="Steps">Runs of the model that gave each active row its next token.</param>
public readonly record struct EngineWork(long Prompts, long PromptTokens, long DrawnTokens, long Steps);

/// <summary>
/// Draws answers, many at once: a batch of rows, each with a sequence and a length of its own. A prompt is read once and its keys and
/// values are copied to a row for each of its samples; a row whose answer ends takes the next one. An answer does not depend on what is
/// drawn beside it or before it. One enumeration at a time; the weights must outlive the engine.
/// </summary>
public sealed class DecodingEngine : IDisposable
{
    /// <summary>Raised whenever a change lets the same request on the same device have another answer.</summary>
    public const int NumericsVersion = 1;

    /// <summary>What computes: answers are promised to be the same, bit for bit, on one device and build.</summary>
    public static string Device { get; } =
        $"CPU ({RuntimeInformation.ProcessArchitecture}), ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <summary>A prompt is read in pieces of this many tokens, so that attention scores stay small however long it is.</summary>
    private const int PromptPiece = 512;

    private readonly ModelGraph graph;
    private readonly InferenceSession session;
    private readonly KeyValueCache rowCache;
    private readonly KeyValueCache promptCache;
    private readonly RotaryTable rotary;
    private readonly Dictionary<int, BoundRun> steps = [];
    private readonly Sampler[] samplers;
    private readonly float[] logits;
    private readonly float[] promptLogits;

    private bool busy;

    public DecodingEngine(Weights weights, EngineOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLength, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MostRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        var config = weights.Config;
        graph = ModelGraph.For(config, Target.Fused);
        MaxLength = Math.Min(options.MaxLength, config.MaxPositions);
        var rowSize = KeyValueCache.RowSize(graph, MaxLength) + ((long)config.VocabularySize * sizeof(float));
        Rows = (int)Math.Clamp(options.Memory / rowSize, 1, options.MostRows);

        samplers = [.. Enumerable.Range(0, options.Threads).Select(_ => new Sampler(config.VocabularySize))];
        logits = new float[(long)Rows * config.VocabularySize];
        promptLogits = new float[config.VocabularySize];
        rotary = graph.Rotary(MaxLength);
        session = graph.Open(weights, options.Threads);
        rowCache = new KeyValueCache(graph, Rows, MaxLength);
        promptCache = new KeyValueCache(graph, rows: 1, MaxLength);
    }

    /// <summary>The most answers drawn at once.</summary>
    public int Rows { get; }

    /// <summary>The most tokens of a prompt and its answer together.</summary>
    public int MaxLength { get; }

    public EngineWork Work { get; private set; }

    /// <summary>Draws every sample of every request; answers come as they end.</summary>
    /// <param name="requests">Taken one by one, as rows become free.</param>
    /// <param name="decode">Token ids to text, special tokens left out.</param>
    /// <param name="eosIds">The end-of-text tokens.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="InvalidDataException">
    /// A request's decoding is out of range, its prompt is empty, too long or has ids that the model does not know, or the model's logits
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
            var end = new AnswerEnds(decode, eosIds.ToHashSet(), MaxLength);
            var rows = new List<Row>(Rows);
            using var waiting = Wanted(requests, cancellation).GetEnumerator();
            while (true)
            {
                while (rows.Count < Rows && waiting.MoveNext())
                {
                    cancellation.ThrowIfCancellationRequested();
                    var row = waiting.Current;
                    row.Take(samplers[0].Draw(promptLogits, row.Request.Decoding, row.Uniform));
                    Work = Work with { DrawnTokens = Work.DrawnTokens + 1 };
                    if (end.Of(row) is { } completion)
                    {
                        yield return completion;
                        continue;
                    }

                    rowCache.Copy(promptCache, 0, rows.Count, row.Request.PromptIds.Count);
                    rows.Add(row);
                }

                if (rows.Count == 0)
                {
                    yield break;
                }

                cancellation.ThrowIfCancellationRequested();
                Step(rows);
                for (var index = rows.Count - 1; index >= 0; index--)
                {
                    if (end.Of(rows[index]) is { } completion)
                    {
                        // The last row moves into the gap, so that active rows are always the first ones.
                        var last = rows.Count - 1;
                        if (index != last)
                        {
                            rowCache.Copy(rowCache, last, index, rows[last].Length - 1);
                            rows[index] = rows[last];
                        }

                        rows.RemoveAt(last);
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

    public void Dispose()
    {
        foreach (var step in steps.Values)
        {
            step.Dispose();
        }

        session.Dispose();
        rowCache.Dispose();
        promptCache.Dispose();
    }

    /// <summary>The wanted samples one by one; the prompt of the current one is in the prompt's cache and logits.</summary>
    private IEnumerable<Row> Wanted(IEnumerable<GenerationRequest> requests, CancellationToken cancellation)
    {
        IReadOnlyList<int> read = [];
        foreach (var request in requests)
        {
            request.Decoding.Validate();
            graph.CheckIds(request.PromptIds);
            if (request.PromptIds.Count >= MaxLength)
            {
                throw new InvalidDataException(
                    $"The prompt has {request.PromptIds.Count} tokens; with at least one of an answer that is more than the {MaxLength} there is room for.");
            }

            if (request.Samples.Count == 0)
            {
                continue;
            }

            // Greedy and sampled answers to one prompt are requests of their own, and come one after the other.
            if (!read.SequenceEqual(request.PromptIds))
            {
                Read(request.PromptIds, cancellation);
                read = request.PromptIds;
            }

            var stream = new RandomStream(request.Decoding.Seed, request.PromptIds);
            foreach (var sample in request.Samples)
            {
                yield return new Row(request, sample, stream.OfSample(sample));
            }
        }
    }

    /// <summary>Runs the prompt into the prompt's cache and logits.</summary>
    private void Read(IReadOnlyList<int> prompt, CancellationToken cancellation)
    {
        for (var start = 0; start < prompt.Count; start += PromptPiece)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = Math.Min(PromptPiece, prompt.Count - start);
            using var piece = new BoundRun(graph, session, promptCache, rotary, rows: 1, tokens: length, promptLogits);
            for (var place = 0; place < length; place++)
            {
                piece.Ids[place] = prompt[start + place];
            }

            piece.Selected[0] = length - 1;
            piece.LastPositions[0] = start + length - 1;
            piece.GreatestLength[0] = start + length;
            piece.Run();
        }

        Work = Work with { Prompts = Work.Prompts + 1, PromptTokens = Work.PromptTokens + prompt.Count };
    }

    /// <summary>Gives each row its next token.</summary>
    private void Step(List<Row> rows)
    {
        var step = StepOf(rows.Count);
        for (var index = 0; index < step.Ids.Length; index++)
        {
            // Rows beyond the active ones read and write their own first place and disturb nobody.
            var active = index < rows.Count;
            step.Ids[index] = active ? rows[index].Ids[^1] : 0;
            step.LastPositions[index] = active ? rows[index].Length - 1 : 0;
        }

        step.GreatestLength[0] = rows.Max(row => row.Length);
        step.Run();

        var vocabulary = promptLogits.Length;
        try
        {
            Parallel.For(0, samplers.Length, worker =>
            {
                for (var index = worker; index < rows.Count; index += samplers.Length)
                {
                    var row = rows[index];
                    row.Take(samplers[worker].Draw(logits.AsSpan(index * vocabulary, vocabulary), row.Request.Decoding, row.Uniform));
                }
            });
        }
        catch (AggregateException exception) when (exception.InnerException is InvalidDataException bad)
        {
            ExceptionDispatchInfo.Throw(bad);
        }

        Work = Work with { Steps = Work.Steps + 1, DrawnTokens = Work.DrawnTokens + rows.Count };
    }

    /// <summary>A run for at least that many rows: the next power of two.</summary>
    private BoundRun StepOf(int active)
    {
        var rows = Math.Min(Rows, (int)BitOperations.RoundUpToPowerOf2((uint)active));
        if (!steps.TryGetValue(rows, out var step))
        {
            step = new BoundRun(graph, session, rowCache, rotary, rows, tokens: 1, logits);
            for (var index = 0; index < rows; index++)
            {
                step.Selected[index] = index;
            }

            steps.Add(rows, step);
        }

        return step;
    }
}
