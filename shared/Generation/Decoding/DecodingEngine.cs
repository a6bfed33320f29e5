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
/// Draws answers, many at once: a batch of rows, each with a sequence and a length of its own. A prompt is read once, in pieces between
/// the steps of the rows, and copied to a row for each of its samples; a row whose answer ends takes the next one. An answer does not
/// depend on what is drawn beside it or before it. One enumeration at a time; the weights must outlive the engine.
/// </summary>
public sealed class DecodingEngine : IDisposable
{
    /// <summary>Raised whenever a change lets the same request on the same device have another answer.</summary>
    public const int NumericsVersion = 2;

    /// <summary>What computes: answers are promised to be the same, bit for bit, on one device and build.</summary>
    public static string Device { get; } =
        $"CPU ({RuntimeInformation.ProcessArchitecture}), ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    private const int PiecesForEmptyRows = 8;

    private readonly DecodingBatch batch;
    private readonly Sampler[] samplers;
    private readonly Row?[] rows;
    private readonly int[] newest;

    private long drawnTokens;
    private bool busy;

    public DecodingEngine(Weights weights, EngineOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLength, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MostRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        var config = weights.Config;
        var maxLength = Math.Min(options.MaxLength, config.MaxPositions);
        var rowSize = KeyValueCache.RowSize(ModelGraph.For(config, Target.Fused), maxLength) + ((long)config.VocabularySize * sizeof(float));
        var count = (int)Math.Clamp(options.Memory / rowSize, 1, options.MostRows);
        batch = new DecodingBatch(weights, count, maxLength, options.Threads);
        samplers = [.. Enumerable.Range(0, options.Threads).Select(_ => new Sampler(config.VocabularySize))];
        (rows, newest) = (new Row?[count], new int[count]);
    }

    /// <summary>The most answers drawn at once.</summary>
    public int Rows => batch.Rows;

    /// <summary>The most tokens of a prompt and its answer together.</summary>
    public int MaxLength => batch.MaxLength;

    public EngineWork Work => new(batch.Prompts, batch.PromptTokens, drawnTokens, batch.Steps);

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
            Array.Clear(rows);
            var end = new AnswerEnds(decode, eosIds.ToHashSet(), MaxLength);
            using var waiting = new WaitingSamples(requests, batch);
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

    public void Dispose() => batch.Dispose();

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
