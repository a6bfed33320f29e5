using Hindsight.Generation;
using Hindsight.Models;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// Draws the answers of a shard, one shard at a time in a process: there is one device. A second shard may wait for it meanwhile, whose
/// weights are then read ahead where there is room. Each problem's answers are stored as soon as they are drawn, so a lost worker costs
/// seconds.
/// </summary>
public sealed class ShardWorker(
    BlobStore store, MessageBus bus, EvaluationPlanner planner, AnswerStore answers, CheckpointCache cache, WorkflowOptions options,
    TimeProvider clock, ILogger<ShardWorker> log) : IDisposable
{
    private static readonly TimeSpan SignEvery = TimeSpan.FromSeconds(20);

    /// <summary>Asked once, before anything lies there: a worker without its GPU does not start, and its shards go to others.</summary>
    private readonly long deviceMemory = new EngineOptions { Device = options.Device }.Memory;

    private readonly OpenCheckpoints checkpoints = new();
    private readonly SemaphoreSlim turn = new(1);
    private readonly SemaphoreSlim device = new(1);
    private LoadedModel? onDevice;
    private LoadedReward? reward;

    /// <summary>How many times a checkpoint's files were opened to read its weights.</summary>
    internal int CheckpointsOpened => checkpoints.Opened;

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

        try
        {
            using var finished = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var signing = SignAsync(board, message.Shard, finished.Token);
            ShardDone? done;
            try
            {
                done = await DrawAsync(evaluation, suite, plan, message, board, cancellation);
            }
            finally
            {
                await finished.CancelAsync();
                await signing;
            }

            if (done is not null)
            {
                await board.MarkDoneAsync(message.Shard, done, cancellation);
            }

            await bus.SendAsync(new CollectMessage(message.Run, message.Evaluation), cancellation);
            return null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            // Bad input stays bad; anything else may pass, and gets some more attempts.
            var why = exception is InvalidDataException bad ? cache.InUploadedNames(bad, message.Run, Checkpoints(evaluation)).Message : Failures.Sentence(exception);
            if (exception is not InvalidDataException && await board.CountAttemptAsync(message.Shard, why, cancellation) < options.ShardAttempts)
            {
                throw;
            }

            await board.MarkFailedAsync(message.Shard, new ShardFailed(why, exception is InvalidDataException), cancellation);
            await bus.SendAsync(new CollectMessage(message.Run, message.Evaluation), cancellation);
            return why;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // A shard may still be stopping; its engine cannot be freed under it.
        device.Wait();
        onDevice?.Dispose();
        reward?.Dispose();
        checkpoints.Dispose();
        device.Dispose();
        turn.Dispose();
    }

    private static IEnumerable<CheckpointVersion> Checkpoints(Evaluation evaluation) =>
        evaluation.Base is null ? evaluation.Trajectory : evaluation.Trajectory.Append(evaluation.Base);

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

    /// <returns>Null when the shard was closed meanwhile.</returns>
    private async Task<ShardDone?> DrawAsync(
        Evaluation evaluation, Suite suite, StagePlan plan, GenerateMessage message, StageBoard board, CancellationToken cancellation)
    {
        var (variants, shard) = (evaluation.Variants(message.Stage), plan.Shards[message.Shard]);
        var left = await ShardWork.MissingAsync(evaluation, suite, variants, shard, cache, answers, cancellation);
        if (left.Count == 0)
        {
            return new ShardDone(0, 0, 0);
        }

        if (message.Stage == Stage.Rewards)
        {
            return await ScoreAsync(evaluation, left, cancellation);
        }

        var engineOptions = EngineOptionsFor(left.Max(item => item.PromptIds.Count + item.Decoding.MaxTokens));
        EngineOptions? rewardOptions = null;
        if (evaluation.RewardModel is not null && left.Exists(item => item.Kind == AnswerKind.Particles))
        {
            // What the reward model takes, the engine has not.
            (rewardOptions, var taken) = await RewardOptionsAsync(evaluation, left, engineOptions, cancellation);
            engineOptions = engineOptions with { Memory = engineOptions.Memory - taken };
        }

        var parts = Parts(evaluation, variants, plan, shard);
        engineOptions.Check(parts.Precision);
        await TakeDeviceAsync(parts, engineOptions, rewardOptions is null ? null : evaluation.RewardDigest, cancellation);
        try
        {
            // The same shard may have come twice, and been drawn while this one waited.
            if (await board.IsClosedAsync(message.Shard, cancellation))
            {
                return null;
            }

            if (rewardOptions is not null)
            {
                await LoadRewardAsync(evaluation, rewardOptions, cancellation);
            }

            return await DrawAsync(evaluation, parts, engineOptions, left, cancellation);
        }
        finally
        {
            device.Release();
        }
    }

    private async Task<ShardDone> DrawAsync(
        Evaluation evaluation, ModelParts parts, EngineOptions engineOptions, List<ShardWork> left, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        var (drawn, tokens) = (0, 0L);
        var refused = new List<string>();
        while (left.Count > 0)
        {
            var model = await LoadAsync(parts, engineOptions, cancellation);
            var engine = model.Engine(engineOptions);
            string? Refusal(ShardWork item) => model.SlotOf(item.Variant) is { } slot ? engine.WithoutEffect.GetValueOrDefault(slot) : null;
            var held = left.Where(item => model.Holds(item.Variant)).ToList();
            left.RemoveAll(item => model.Holds(item.Variant));
            // One tokenizer at a time; the checkpoints of a run share one, as a rule.
            foreach (var work in held.Where(item => Refusal(item) is null).GroupBy(item => item.TokensDigest))
            {
                var (answered, written) = work.First().Kind == AnswerKind.Particles
                    ? await new PopulationWorker(answers, clock, engine, reward).DrawAsync(evaluation, [.. work], model.SlotOf, cancellation)
                    : await DrawAsync(model, engine, [.. work], cancellation);
                (drawn, tokens) = (drawn + answered, tokens + written);
            }

            refused.AddRange(held.Select(Refusal).OfType<string>());
            // What had no room beside the others.
            parts = parts with { Adapters = [.. parts.Adapters.Where(variant => !model.Holds(variant))] };
        }

        var seconds = clock.GetElapsedTime(started).TotalSeconds;
        log.LogInformation("Drew {Answers} answers, {Tokens} tokens, in {Seconds:0.0} s", drawn, tokens, seconds);
        // Said when the other adapters' answers are stored.
        return refused.Count == 0 ? new ShardDone(drawn, tokens, seconds) : throw new InvalidDataException(string.Join(' ', refused.Distinct()));
    }

    /// <summary>
    /// What to load for a shard. For variants that share a batch that is always the whole stage's, so that it stays loaded from shard to
    /// shard.
    /// </summary>
    private static ModelParts Parts(Evaluation evaluation, IReadOnlyList<Variant> variants, StagePlan plan, Shard shard)
    {
        var precision = PrecisionNames.Parse(evaluation.Spec.Precision);
        if (!plan.Together.Contains(shard.Wanted[0].Variant))
        {
            return new ModelParts(evaluation.Run, precision, variants[shard.Wanted[0].Variant], []);
        }

        var adapters = plan.Together.Select(index => variants[index]).Where(variant => variant.Late.Base is not null)
            .DistinctBy(variant => variant.WeightsDigest).ToList();
        return new ModelParts(evaluation.Run, precision, new Variant(adapters[0].Late.Base!), adapters);
    }

    /// <summary>Draws answers and stores each request's as soon as they are there.</summary>
    /// <returns>How many answers, and how many tokens in them.</returns>
    private async Task<(int Answers, long Tokens)> DrawAsync(LoadedModel model, DecodingEngine engine, List<ShardWork> work, CancellationToken cancellation)
    {
        var (drawn, tokens) = (0, 0L);
        var requests = work.Select(item => new GenerationRequest(item.PromptIds, item.Samples, item.Decoding, item, model.SlotOf(item.Variant)));
        await DrawAndStore.RunAsync<IReadOnlyList<Completion>>(
            (emit, stop) => Draw(engine, work[0].Text, requests, emit, stop),
            async completions =>
            {
                var item = (ShardWork)completions[0].Request.Tag!;
                await answers.WriteAsync(item.Source, item.Prompt, [.. completions.Select(completion => ToAnswer(item, completion, engine.ComputedOn))], cancellation);
                (drawn, tokens) = (drawn + completions.Count, tokens + completions.Sum(completion => completion.Ids.Count));
            },
            cancellation);
        return (drawn, tokens);
    }

    /// <summary>Runs the engine and passes on each request's answers, in order of sample, when the last of them is there.</summary>
    private static void Draw(
        DecodingEngine engine, CheckpointText text, IEnumerable<GenerationRequest> work, Action<IReadOnlyList<Completion>> emit, CancellationToken cancellation)
    {
        var open = new Dictionary<GenerationRequest, List<Completion>>(ReferenceEqualityComparer.Instance);
        foreach (var completion in engine.Generate(work, text.Decode, text.EosIds, cancellation))
        {
            var request = completion.Request;
            var completions = open.TryGetValue(request, out var known) ? known : open[request] = [];
            completions.Add(completion);
            if (completions.Count == request.Samples.Count)
            {
                open.Remove(request);
                completions.Sort((left, right) => left.Sample.CompareTo(right.Sample));
                emit(completions);
            }
        }
    }

    /// <summary>Scores stored answers by the reward model, which alone is on the device.</summary>
    private async Task<ShardDone> ScoreAsync(Evaluation evaluation, List<ShardWork> left, CancellationToken cancellation)
    {
        var (text, _) = await LoadedReward.ReadTextAsync(evaluation, cache, cancellation);
        var spec = evaluation.Spec.RewardModel!;
        var found = new List<(ShardWork Work, List<Answer> Answers)>();
        foreach (var source in left.GroupBy(item => item.Text.Source(item.Variant, evaluation, AnswerKind.Sampled)))
        {
            var stored = await answers.ReadAsync(source.Key, source.Select(item => item.Prompt).ToHashSet(), cancellation);
            found.AddRange(source.Select(item => (item, item.Samples.Select(sample => stored.GetValueOrDefault((item.Prompt, sample))).OfType<Answer>().ToList())));
        }

        // An answer that is missing has no score.
        found.RemoveAll(item => item.Answers.Count == 0);
        var longest = found.Count == 0 ? 2 : found.Max(item =>
        {
            var prompt = text.Read(item.Work.Problem.Conversation);
            return item.Answers.Max(answer => RewardModel.Length(text, prompt, AnswerSteps.Of(answer.Text, spec.Delimiter)));
        });
        await turn.WaitAsync(cancellation);
        try
        {
            await device.WaitAsync(cancellation);
        }
        finally
        {
            turn.Release();
        }

        try
        {
            onDevice?.Dispose();
            onDevice = null;
            await LoadRewardAsync(evaluation, EngineOptionsFor(longest + 1) with { MostRows = RewardScoring.Rows }, cancellation);
            var started = clock.GetTimestamp();
            var (scored, read) = (0, 0L);
            foreach (var (item, sampled) in found)
            {
                var device = evaluation.RewardModel!.Name;
                var scores = await Task.Run(() => RewardScoring.Score(reward!, spec, item.Source, item.Problem, sampled, device, cancellation), cancellation);
                // What is stored together has samples without a gap.
                foreach (var run in scores.GroupBy(score => score.Sample - scores.IndexOf(score)))
                {
                    await answers.WriteAsync(item.Source, item.Prompt, [.. run], cancellation);
                }

                (scored, read) = (scored + scores.Count, read + scores.Sum(score => score.RewardTokens!.Value));
            }

            return new ShardDone(scored, read, clock.GetElapsedTime(started).TotalSeconds);
        }
        finally
        {
            device.Release();
        }
    }

    /// <summary>The room that the reward model gets beside an engine, and how much of it it takes.</summary>
    private async Task<(EngineOptions Options, long Bytes)> RewardOptionsAsync(
        Evaluation evaluation, List<ShardWork> left, EngineOptions engine, CancellationToken cancellation)
    {
        var (text, config) = await LoadedReward.ReadTextAsync(evaluation, cache, cancellation);
        // Its tokens are others; answers are taken to be as many times as long to it as prompts are, and half as long again.
        var length = left.Max(item =>
        {
            var prompt = RewardModel.Length(text, text.Read(item.Problem.Conversation), [""]);
            return prompt + (1.5 * item.Decoding.MaxTokens * Math.Max(1, (double)prompt / item.PromptIds.Count))
                // Each step has a separator; what writes on to its end may have steps of a token.
                + (item.Variant.Method!.WritesToEnd == true ? item.Decoding.MaxTokens : 2 * evaluation.Spec.Particles!.MaxSteps);
        });
        var options = engine with
        {
            MaxLength = (int)Math.Min(length, config.MaxPositions),
            Memory = engine.Memory / 2,
            // One of them to look ahead in.
            MostRows = Math.Max(engine.MostRows, left.Max(item => item.Variant.Method!.Particles)) + (evaluation.Spec.Particles!.LookAhead ? 1 : 0),
        };
        return (options, LoadedReward.Plan(config, options).Total);
    }

    /// <summary>Has the reward model of an evaluation in memory.</summary>
    private async Task LoadRewardAsync(Evaluation evaluation, EngineOptions options, CancellationToken cancellation)
    {
        ForgetRewardUnless(reward?.Digest == evaluation.RewardDigest && reward!.Model.MaxLength >= Math.Min(options.MaxLength, reward.Positions) && reward.Model.Rows >= options.MostRows);
        reward ??= await LoadedReward.LoadAsync(evaluation, options, cache, cancellation);
    }

    private void ForgetRewardUnless(bool isWanted)
    {
        if (!isWanted)
        {
            reward?.Dispose();
            reward = null;
        }
    }

    /// <summary>
    /// Waits for the device and has what is to be drawn from on it. Shards come here one after the other: while one is drawn, the next
    /// reads its weights.
    /// </summary>
    private async Task TakeDeviceAsync(ModelParts parts, EngineOptions engineOptions, string? rewardDigest, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        LoadedModel? ahead = null;
        try
        {
            ahead = await ReadAheadAsync(parts, engineOptions, rewardDigest, cancellation);
            await device.WaitAsync(cancellation);
            try
            {
                ForgetRewardUnless(reward?.Digest == rewardDigest);
                if (ahead is not null)
                {
                    onDevice?.Dispose();
                    (onDevice, ahead) = (ahead, null);
                }

                var model = await LoadAsync(parts, engineOptions, cancellation);
                await Task.Run(() => model.Engine(engineOptions), CancellationToken.None);
            }
            catch
            {
                device.Release();
                throw;
            }
        }
        finally
        {
            ahead?.Dispose();
            turn.Release();
        }
    }

    /// <summary>The weights of a shard that waits for the device, if they are other ones than are on it and both fit into the memory; else null.</summary>
    private async Task<LoadedModel?> ReadAheadAsync(ModelParts parts, EngineOptions engineOptions, string? rewardDigest, CancellationToken cancellation)
    {
        // The room of a reward model that goes is not free yet.
        if (device.CurrentCount > 0 || onDevice is not { } busy || busy.Parts.Digest == parts.Digest || (reward is { } scoring && scoring.Digest != rewardDigest))
        {
            return null;
        }

        var room = (engineOptions.Device == Device.Cpu ? engineOptions.Memory : new EngineOptions().Memory) - busy.HostBytes;
        // What has yet to load other adapters will want all the room there is.
        if (!busy.IsWhole || await LoadedModel.BytesAsync(parts, engineOptions, cache, cancellation) > room)
        {
            log.LogInformation("There is no room to read the weights of {Variant} ahead", parts.Weights.Name);
            return null;
        }

        var ahead = await LoadedModel.LoadAsync(parts, engineOptions, cache, checkpoints, cancellation);
        log.LogInformation("The weights of {Variant} are read ahead", parts.Weights.Name);
        return ahead;
    }

    /// <summary>What is on the device, if it is what is wanted; else that is loaded in its place.</summary>
    private async Task<LoadedModel> LoadAsync(ModelParts parts, EngineOptions engineOptions, CancellationToken cancellation)
    {
        if (onDevice?.Parts.Digest != parts.Digest)
        {
            onDevice?.Dispose();
            onDevice = null;
            onDevice = await LoadedModel.LoadAsync(parts, engineOptions, cache, checkpoints, cancellation);
        }

        return onDevice;
    }

    private EngineOptions EngineOptionsFor(int length)
    {
        var defaults = new EngineOptions();
        return defaults with
        {
            MaxLength = length,
            Device = options.Device,
            Threads = options.Threads > 0 ? options.Threads : defaults.Threads,
            Memory = options.Memory > 0 ? options.Memory : deviceMemory,
        };
    }

    private static Answer ToAnswer(ShardWork work, Completion completion, string device) => new(
        work.Source.Weights, work.Source.Decoding, work.Prompt, completion.Sample, completion.Request.Decoding.Seed,
        completion.Ids, completion.Text, completion.LogProbability, completion.FinishReason, device);
}
