using Azure.Storage.Blobs;
using Hindsight.Models;
using Hindsight.Scoring;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>Turns what is wanted and not yet stored into shards, and offers them to the workers.</summary>
public sealed class EvaluationPlanner(
    BlobStore store, MessageBus bus, EvaluationFreezer freezer, AnswerStore answers, CheckpointCache cache, WorkflowOptions options,
    ILogger<EvaluationPlanner> log)
{
    /// <summary>
    /// Before anything was measured: tokens per second × bytes of weights, which is what a device does that reads a batch of 64 rows'
    /// weights at 1 GB/s. Low for any real device, so that the first shards come out small rather than long.
    /// </summary>
    private const double FirstBytesPerSecond = 64e9;

    private const string Failure = "failed.json", Overlaps = "overlaps.json";

    /// <summary>Plans the evaluation that a run asks for at present, if it can start.</summary>
    public async Task PlanAsync(PlanMessage message, CancellationToken cancellation)
    {
        var state = await freezer.FreezeAsync(message.Run, cancellation);
        if (state.Evaluation is not { } evaluation)
        {
            log.LogInformation("{Run} cannot be evaluated yet: {Why}", message.Run, state.Refused ?? $"waiting for {state.Waiting}");
            return;
        }

        await KeepOverlapsAsync(evaluation, state.Suite!, cancellation);
        await KeepAsync(evaluation, state.Suite!, cancellation);
        await EvaluationBlob(evaluation.Run, evaluation.Id, Failure).DeleteIfExistsAsync(cancellationToken: cancellation);
        await StartAsync(evaluation, state.Suite!, message.Retry, cancellation);
    }

    /// <summary>Freezes an evaluation, with its suite, unless it is.</summary>
    public async Task KeepAsync(Evaluation evaluation, Suite suite, CancellationToken cancellation)
    {
        await BlobStore.TryCreateAsync(EvaluationBlob(evaluation.Run, evaluation.Id, "suite.jsonl"), new BinaryData(suite.Content), cancellation);
        await BlobStore.TryCreateJsonAsync(EvaluationBlob(evaluation.Run, evaluation.Id, "evaluation.json"), evaluation, cancellation);
    }

    /// <summary>Looks for the problems in the training text, once, so that the report does not depend on that text being there later.</summary>
    private async Task KeepOverlapsAsync(Evaluation evaluation, Suite suite, CancellationToken cancellation)
    {
        var blob = EvaluationBlob(evaluation.Run, evaluation.Id, Overlaps);
        if (evaluation.TrainingText is not null && !await blob.ExistsAsync(cancellation))
        {
            await BlobStore.TryCreateJsonAsync(blob, await TrainingText.ScanAsync(store, evaluation, suite, cancellation), cancellation);
        }
    }

    /// <summary>Plans a frozen evaluation's first stage; what cannot be planned is marked failed.</summary>
    /// <param name="evaluation">The evaluation.</param>
    /// <param name="suite">Its suite.</param>
    /// <param name="retry">Whether shards that were given up are tried again.</param>
    /// <param name="cancellation">Stops the planning.</param>
    public async Task StartAsync(Evaluation evaluation, Suite suite, bool retry, CancellationToken cancellation)
    {
        try
        {
            if (retry)
            {
                await ForgetFailuresAsync(evaluation, cancellation);
            }

            await LoadedReward.CheckAsync(evaluation, suite, cache, cancellation);
            await PlanStageAsync(evaluation, suite, Stage.Trajectory, cancellation);
        }
        catch (Exception exception) when (!Failures.IsTransient(exception))
        {
            log.LogError(exception, "{Run}, evaluation {Evaluation}, cannot be planned", evaluation.Run, evaluation.Id);
            await MarkFailedAsync(evaluation.Run, evaluation.Id, Failures.Sentence(exception), cancellation);
        }
    }

    /// <summary>Opens the shards again that were given up for a reason that may have passed, and drops the report that lacks them.</summary>
    private async Task ForgetFailuresAsync(Evaluation evaluation, CancellationToken cancellation)
    {
        var any = false;
        foreach (var stage in evaluation.Stages)
        {
            any |= await new StageBoard(store, evaluation.Run, evaluation.Id, stage).ForgetFailuresAsync(cancellation);
        }

        if (any)
        {
            await ReportFiles.DropAsync(store, evaluation.Run, evaluation.Id, cancellation);
        }
    }

    /// <summary>Plans a stage, once; a second call sends what the first may not have sent.</summary>
    public async Task PlanStageAsync(Evaluation evaluation, Suite suite, Stage stage, CancellationToken cancellation)
    {
        var board = new StageBoard(store, evaluation.Run, evaluation.Id, stage);
        if (await board.ReadPlanAsync(cancellation) is null)
        {
            await board.TryPlanAsync(await DivideAsync(evaluation, suite, stage, cancellation), cancellation);
        }

        if (!await board.WasSentAsync(cancellation))
        {
            var plan = (await board.ReadPlanAsync(cancellation))!;
            await bus.SendAsync(
                Enumerable.Range(0, plan.Shards.Count).Select(shard => new GenerateMessage(evaluation.Run, evaluation.Id, stage, shard)), cancellation);
            await board.MarkSentAsync(cancellation);
        }

        await bus.SendAsync(new CollectMessage(evaluation.Run, evaluation.Id), cancellation);
    }

    /// <summary>A frozen evaluation with its suite; null when there is none of that id.</summary>
    public Task<(Evaluation Evaluation, Suite Suite)?> ReadAsync(string run, string id, CancellationToken cancellation) => ReadAsync(store, run, id, cancellation);

    /// <summary>A frozen evaluation with its suite; null when there is none of that id.</summary>
    public static async Task<(Evaluation Evaluation, Suite Suite)?> ReadAsync(BlobStore store, string run, string id, CancellationToken cancellation)
    {
        var evaluation = await BlobStore.TryReadJsonAsync<Evaluation>(EvaluationBlob(store, run, id, "evaluation.json"), cancellation);
        if (evaluation is null || await BlobStore.TryReadAsync(EvaluationBlob(store, run, id, "suite.jsonl"), cancellation) is not { } suite)
        {
            return null;
        }

        var parsed = Suite.Parse(evaluation.Suite, suite);
        // A night's sample is of the same run and was not looked for.
        return (evaluation, evaluation.TrainingText is not null && await BlobStore.TryReadJsonAsync<ProblemOverlap[]>(EvaluationBlob(store, run, id, Overlaps), cancellation) is { } overlaps
            ? parsed with { Problems = [.. parsed.Problems.Zip(overlaps, (problem, overlap) => problem with { Overlap = overlap })] }
            : parsed);
    }

    /// <summary>Remembers why an evaluation cannot be finished; planning it again forgets that.</summary>
    public Task MarkFailedAsync(string run, string id, string why, CancellationToken cancellation) =>
        EvaluationBlob(run, id, Failure).UploadAsync(BinaryData.FromObjectAsJson(new ShardFailed(why, Final: false), Json.Compact), overwrite: true, cancellation);

    /// <summary>Why an evaluation cannot be finished; null when nothing is known against it.</summary>
    public static async Task<string?> ReadFailureAsync(BlobStore store, string run, string id, CancellationToken cancellation) =>
        (await BlobStore.TryReadJsonAsync<ShardFailed>(EvaluationBlob(store, run, id, Failure), cancellation))?.Why;

    private BlobClient EvaluationBlob(string run, string id, string name) => EvaluationBlob(store, run, id, name);

    private static BlobClient EvaluationBlob(BlobStore store, string run, string id, string name) => store.Evaluations.GetBlobClient($"runs/{run}/{id}/{name}");

    private async Task<StagePlan> DivideAsync(Evaluation evaluation, Suite suite, Stage stage, CancellationToken cancellation)
    {
        var rate = await MeasuredAsync(evaluation.Run, isReading: stage == Stage.Rewards, cancellation);
        var variants = evaluation.Variants(stage);
        var missing = new List<(int Variant, List<WantedAnswers> Wanted)>();
        for (var index = 0; index < variants.Count; index++)
        {
            if (await MissingAsync(evaluation, suite, stage, index, cancellation) is { Count: > 0 } wanted)
            {
                missing.Add((index, wanted));
            }
        }

        var together = new List<int>();
        foreach (var (index, _) in missing)
        {
            // Scores are the reward model's work alone.
            if (stage != Stage.Rewards && await OpenedUpdate.IsLowRankAsync(cache, evaluation.Run, variants[index], cancellation))
            {
                together.Add(index);
            }
        }

        // The bare base costs no more than another adapter where there are any.
        together = together.Count == 0 ? [] : [.. missing.Select(item => item.Variant).Where(index => together.Contains(index) || IsBase(variants[index]))];
        var shards = missing.Where(item => !together.Contains(item.Variant))
            .SelectMany(item => Split(item.Wanted, rate ?? Expected(evaluation.Spec, variants[item.Variant])));
        if (together.Count > 0)
        {
            // Each method by itself, so that its device time can be told.
            shards = missing.Where(item => together.Contains(item.Variant)).GroupBy(item => variants[item.Variant].Method)
                .SelectMany(method => Split(
                    method.SelectMany(item => item.Wanted).OrderBy(item => item.Problem).ThenBy(item => item.Variant), rate ?? Expected(evaluation.Spec, variants[together[0]])))
                .Concat(shards);
        }

        return new StagePlan([.. shards.Select(part => new Shard(part))], together);

        bool IsBase(Variant variant) => variant.Early is null && variant.Late == evaluation.Base;
    }

    /// <summary>What a variant's answers still lack.</summary>
    private async Task<List<WantedAnswers>> MissingAsync(
        Evaluation evaluation, Suite suite, Stage stage, int index, CancellationToken cancellation)
    {
        var (spec, variant) = (evaluation.Spec, evaluation.Variants(stage)[index]);
        CheckpointText text;
        try
        {
            text = await cache.ReadTextAsync(evaluation.Run, variant.Late, cancellation);
        }
        catch (InvalidDataException exception)
        {
            // The worker meets the same error and reports it with the shard, where the report finds it.
            log.LogWarning("{Variant} of {Run}: {Why}", variant.Name, evaluation.Run, exception.Message);
            return [.. suite.Problems.SelectMany((_, problem) => Kinds(evaluation, stage, variant).Select(kind => new WantedAnswers(index, problem, kind.Kind, 0, kind.Count)))];
        }

        var prompts = suite.Problems.Select(problem => text.Write(problem, spec).Prompt).ToList();
        var missing = new List<WantedAnswers>();
        foreach (var (kind, count) in Kinds(evaluation, stage, variant))
        {
            var stored = await answers.ListAsync(text.Source(variant, evaluation, kind), cancellation);
            for (var problem = 0; problem < prompts.Count; problem++)
            {
                if (prompts[problem] is { } prompt)
                {
                    var gaps = Gaps(stored.GetValueOrDefault(prompt.Digest), count);
                    // What grows together is drawn together.
                    missing.AddRange((kind == AnswerKind.Particles ? gaps.Take(1).Select(_ => (First: 0, Count: count)) : gaps)
                        .Select(gap => new WantedAnswers(index, problem, kind, gap.First, gap.Count)));
                }
            }
        }

        // A problem's greedy and sampled answers next to each other: they share the prompt's prefill.
        return [.. missing.OrderBy(wanted => wanted.Problem).ThenBy(wanted => wanted.Kind).ThenBy(wanted => wanted.First)];
    }

    /// <summary>The kinds of answers that a stage wants of each problem, and how many.</summary>
    internal static IEnumerable<(AnswerKind Kind, int Count)> Kinds(Evaluation evaluation, Stage stage, Variant variant)
    {
        var spec = evaluation.Spec;
        if (stage is Stage.Rewards or Stage.Particles)
        {
            yield return stage == Stage.Rewards ? (AnswerKind.Rewards, spec.SamplesPerProblem)
                : variant.Method is { } method ? (AnswerKind.Particles, method.Answers)
                : (AnswerKind.Sampled, evaluation.PlainSamples);
            yield break;
        }

        if (spec.Greedy && stage == Stage.Trajectory)
        {
            yield return (AnswerKind.Greedy, 1);
        }

        if (spec.SamplesPerProblem > 0)
        {
            yield return (AnswerKind.Sampled, spec.SamplesPerProblem);
        }
    }

    /// <summary>The runs of sample indices below <paramref name="count"/> that are not stored.</summary>
    internal static IEnumerable<(int First, int Count)> Gaps(IReadOnlySet<int>? stored, int count)
    {
        var first = 0;
        while (first < count)
        {
            if (stored is not null && stored.Contains(first))
            {
                first++;
                continue;
            }

            var end = first + 1;
            while (end < count && (stored is null || !stored.Contains(end)))
            {
                end++;
            }

            yield return (first, end - first);
            first = end;
        }
    }

    /// <summary>Cuts wanted answers, sorted by problem, into shards of about the wanted device time; one problem is the least.</summary>
    private IEnumerable<IReadOnlyList<WantedAnswers>> Split(IEnumerable<WantedAnswers> wanted, (double Rate, double Tokens) pace)
    {
        var answersPerShard = Math.Max(1, options.ShardTime.TotalSeconds * pace.Rate / pace.Tokens);
        var part = new List<WantedAnswers>();
        var drawn = 0.0;
        foreach (var problem in wanted.GroupBy(item => item.Problem))
        {
            var count = problem.Sum(item => item.Count);
            if (part.Count > 0 && drawn + count > answersPerShard)
            {
                yield return part;
                (part, drawn) = ([], 0);
            }

            part.AddRange(problem);
            drawn += count;
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }

    /// <summary>Tokens per second and tokens per answer to expect of a variant before anything was measured.</summary>
    private static (double Rate, double Tokens) Expected(EvaluationSpec spec, Variant variant)
    {
        var bytes = variant.Late.Model.Files.Where(file => CheckpointFiles.IsWeights(file.Name)).Sum(file => file.Size);
        return (Math.Min(10_000, FirstBytesPerSecond / Math.Max(1, bytes)), Math.Min(spec.MaxTokens, 256));
    }

    /// <summary>
    /// Tokens per second and tokens per answer, as this run's finished shards measured them; null before there are any. A reward model reads
    /// much faster than answers are drawn.
    /// </summary>
    private async Task<(double Rate, double Tokens)?> MeasuredAsync(string run, bool isReading, CancellationToken cancellation)
    {
        var reading = $"/{StageBoard.Name(Stage.Rewards)}/";
        var done = (await BlobStore.ListAsync(store.Evaluations, $"runs/{run}/", cancellation))
            .Where(blob => blob.Name.EndsWith(".done.json", StringComparison.Ordinal) && blob.Name.Contains(reading, StringComparison.Ordinal) == isReading)
            .OrderByDescending(blob => blob.Properties.LastModified)
            .Take(8);
        var (answered, tokens, seconds) = (0, 0L, 0.0);
        foreach (var blob in done)
        {
            var shard = (await BlobStore.TryReadJsonAsync<ShardDone>(store.Evaluations.GetBlobClient(blob.Name), cancellation))!;
            (answered, tokens, seconds) = (answered + shard.Answers, tokens + shard.Tokens, seconds + shard.Seconds);
        }

        return tokens > 0 && seconds > 0 ? (tokens / seconds, (double)tokens / answered) : null;
    }
}
