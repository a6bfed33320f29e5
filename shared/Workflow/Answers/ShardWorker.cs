using System.Threading.Channels;
using Hindsight.Generation;
using Hindsight.Models;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// Draws the answers of a shard, one shard at a time in a process: there is one device. Each problem's answers are stored as soon as
/// they are drawn, so a lost worker costs seconds.
/// </summary>
public sealed class ShardWorker(
    BlobStore store, MessageBus bus, EvaluationPlanner planner, AnswerStore answers, CheckpointCache cache, WorkflowOptions options,
    TimeProvider clock, ILogger<ShardWorker> log) : IDisposable
{
    /// <summary>Most samples of one problem that are stored at once, when the last of them is drawn: what a lost worker can cost.</summary>
    private const int StoredTogether = 64;

    private static readonly TimeSpan SignEvery = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim device = new(1);
    private LoadedVariant? onDevice;

    /// <summary>Draws what is still missing of a shard.</summary>
    /// <returns>Null when the shard is closed; else why it can never succeed (and it is given up).</returns>
    public async Task<string?> DrawAsync(GenerateMessage message, CancellationToken cancellation)
    {
        var board = new StageBoard(store, message.Run, message.Evaluation, message.Stage);
        if (await board.IsClosedAsync(message.Shard, cancellation)
            || await planner.ReadAsync(message.Run, message.Evaluation, cancellation) is not var (evaluation, suite)
            || await board.ReadPlanAsync(cancellation) is not { } plan)
        {
            return null;
        }

        await device.WaitAsync(cancellation);
        try
        {
            using var finished = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var signing = SignAsync(board, message.Shard, finished.Token);
            ShardDone done;
            try
            {
                done = await DrawAsync(evaluation, suite, message.Stage, plan.Shards[message.Shard], cancellation);
            }
            finally
            {
                await finished.CancelAsync();
                await signing;
            }

            await board.MarkDoneAsync(message.Shard, done, cancellation);
            await bus.SendAsync(new CollectMessage(message.Run, message.Evaluation), cancellation);
            return null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            // Bad input stays bad; anything else may pass, and gets some more attempts.
            var why = Failures.Sentence(exception);
            if (exception is not InvalidDataException && await board.CountAttemptAsync(message.Shard, why, cancellation) < options.ShardAttempts)
            {
                throw;
            }

            await board.MarkFailedAsync(message.Shard, new ShardFailed(why, exception is InvalidDataException), cancellation);
            await bus.SendAsync(new CollectMessage(message.Run, message.Evaluation), cancellation);
            return why;
        }
        finally
        {
            device.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // A shard may still be stopping; its engine cannot be freed under it.
        device.Wait();
        onDevice?.Dispose();
        device.Dispose();
    }

    /// <summary>Gives signs of life until stopped. A failed one is left out: it only matters if many are.</summary>
    private async Task SignAsync(StageBoard board, int shard, CancellationToken stopped)
    {
        try
        {
            while (true)
            {
                try
                {
                    await board.SignAsync(shard, stopped);
                }
                catch (Exception exception) when (exception is not OperationCanceledException && Failures.IsTransient(exception))
                {
                    log.LogWarning("No sign of life could be given: {Why}", exception.Message);
                }

                await Task.Delay(SignEvery, clock, stopped);
            }
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // The shard is finished.
        }
    }

    private async Task<ShardDone> DrawAsync(
        Evaluation evaluation, Suite suite, Stage stage, Shard shard, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        var variant = evaluation.Variants(stage)[shard.Variant];
        var text = CheckpointText.Load(await cache.FetchAsync(evaluation.Run, variant.Late, weights: false, cancellation));
        var work = await MissingAsync(evaluation.Spec, suite, shard, variant, text, cancellation);
        if (work.Count == 0)
        {
            return new ShardDone(0, 0, 0);
        }

        var length = work.Max(request => request.PromptIds.Count + request.Decoding.MaxTokens);
        var loaded = await LoadAsync(evaluation.Run, variant, length, cancellation);
        var (drawn, tokens) = (0, 0L);
        var finished = Channel.CreateBounded<IReadOnlyList<Completion>>(64);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var drawing = Task.Run(() => Draw(loaded.Engine, text, work, finished.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var completions in finished.Reader.ReadAllAsync(cancellation))
            {
                var item = (Work)completions[0].Request.Tag!;
                await answers.WriteAsync(item.Source, item.Prompt, [.. completions.Select(completion => ToAnswer(item, completion))], cancellation);
                drawn += completions.Count;
                tokens += completions.Sum(completion => completion.Ids.Count);
            }
        }
        finally
        {
            // The engine must be at rest before anyone uses it again, or frees it.
            await stop.CancelAsync();
            await drawing;
        }

        var seconds = clock.GetElapsedTime(started).TotalSeconds;
        log.LogInformation("Drew {Answers} answers, {Tokens} tokens, from {Variant} in {Seconds:0.0} s", drawn, tokens, variant.Name, seconds);
        return new ShardDone(drawn, tokens, seconds);
    }

    /// <summary>Runs the engine and passes on each request's answers, in order of sample, when the last of them is there.</summary>
    private static void Draw(
        DecodingEngine engine, CheckpointText text, List<GenerationRequest> work, ChannelWriter<IReadOnlyList<Completion>> finished, CancellationToken cancellation)
    {
        try
        {
            var open = new Dictionary<GenerationRequest, List<Completion>>(ReferenceEqualityComparer.Instance);
            foreach (var completion in engine.Generate(work, ids => text.Tokenizer.Decode(ids, skipSpecialTokens: true), text.EosIds, cancellation))
            {
                var request = completion.Request;
                var completions = open.TryGetValue(request, out var known) ? known : open[request] = [];
                completions.Add(completion);
                if (completions.Count == request.Samples.Count)
                {
                    open.Remove(request);
                    completions.Sort((left, right) => left.Sample.CompareTo(right.Sample));
                    while (!finished.TryWrite(completions))
                    {
                        finished.WaitToWriteAsync(cancellation).AsTask().GetAwaiter().GetResult();
                    }
                }
            }

            finished.Complete();
        }
        catch (Exception exception)
        {
            finished.Complete(exception);
        }
    }

    private async Task<List<GenerationRequest>> MissingAsync(
        EvaluationSpec spec, Suite suite, Shard shard, Variant variant, CheckpointText text, CancellationToken cancellation)
    {
        var work = new List<GenerationRequest>();
        var stored = new Dictionary<AnswerKind, IReadOnlyDictionary<string, IReadOnlySet<int>>>();
        foreach (var wanted in shard.Wanted)
        {
            var source = text.Source(variant, spec, wanted.Kind);
            if (!stored.TryGetValue(wanted.Kind, out var known))
            {
                stored[wanted.Kind] = known = await answers.ListAsync(source, cancellation);
            }

            if (text.Write(suite.Problems[wanted.Problem], spec).Prompt is not { } prompt)
            {
                continue;
            }

            var have = known.GetValueOrDefault(prompt.Digest);
            var decoding = CheckpointText.Decoding(variant, spec, wanted.Kind);
            work.AddRange(EvaluationPlanner.Gaps(have, wanted.First + wanted.Count)
                .Select(gap => (First: Math.Max(gap.First, wanted.First), End: gap.First + gap.Count))
                .Where(gap => gap.End > gap.First)
                .SelectMany(gap => Enumerable.Range(gap.First, gap.End - gap.First).Chunk(StoredTogether))
                .Select(samples => new GenerationRequest(prompt.Ids, samples, decoding, new Work(source, prompt.Digest))));
        }

        return work;
    }

    /// <summary>An engine over the variant's weights with room for prompts and answers of a length in tokens.</summary>
    private async Task<LoadedVariant> LoadAsync(string run, Variant variant, int length, CancellationToken cancellation)
    {
        var digest = variant.WeightsDigest;
        if (onDevice?.Digest != digest || onDevice.Length < length)
        {
            onDevice?.Dispose();
            onDevice = null;
            var late = await cache.FetchAsync(run, variant.Late, weights: true, cancellation);
            var early = variant.Early is null ? null : await cache.FetchAsync(run, variant.Early, weights: true, cancellation);
            try
            {
                onDevice = await Task.Run(() => LoadedVariant.Load(digest, length, late, early, variant.EarlyWeight, options.Threads), CancellationToken.None);
            }
            catch (InvalidDataException exception)
            {
                // A person knows the uploaded folder, not the worker's copy of it.
                var why = exception.Message.Replace(late, $"{run}/{variant.Late.Name}", StringComparison.Ordinal);
                throw new InvalidDataException(early is null ? why : why.Replace(early, $"{run}/{variant.Early!.Name}", StringComparison.Ordinal), exception);
            }
        }

        return onDevice;
    }

    private static Answer ToAnswer(Work work, Completion completion) => new(
        work.Source.Weights, work.Source.Decoding, work.Prompt, completion.Sample, completion.Request.Decoding.Seed,
        completion.Ids, completion.Text, completion.LogProbability, completion.FinishReason, DecodingEngine.Device);

    /// <summary>Where a request's answers belong.</summary>
    private sealed record Work(AnswerSource Source, string Prompt);

    /// <summary>The weights on the device, whose they are, and the length in tokens that there is room for.</summary>
    private sealed record LoadedVariant(string Digest, int Length, DecodingEngine Engine, Weights Weights) : IDisposable
    {
        public static LoadedVariant Load(string digest, int length, string late, string? early, double earlyWeight, int threads)
        {
            using var lateCheckpoint = Checkpoint.Open(late);
            using var earlyCheckpoint = early is null ? null : Checkpoint.Open(early);
            var weights = earlyCheckpoint is null
                ? Weights.Load(lateCheckpoint)
                : Weights.Interpolate(earlyCheckpoint, lateCheckpoint, earlyWeight);
            var options = new EngineOptions { MaxLength = length, Threads = threads > 0 ? threads : Environment.ProcessorCount };
            try
            {
                return new LoadedVariant(digest, length, new DecodingEngine(weights, options), weights);
            }
            catch
            {
                weights.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            Engine.Dispose();
            Weights.Dispose();
        }
    }
}
