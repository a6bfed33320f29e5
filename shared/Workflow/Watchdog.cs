using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// Sees to it that nothing waits for ever: takes in uploads that no event announced, offers shards again whose message was lost or is in
/// the dead-letter queue, gives them up after a limited number of offers, has a finished evaluation collected whose last message was lost,
/// and takes the open nights a step further.
/// </summary>
public sealed class Watchdog(
    BlobStore store, MessageBus bus, EvaluationFreezer freezer, NightlyCheck nightly, WorkflowOptions options, TimeProvider clock,
    ILogger<Watchdog> log)
{
    /// <summary>Looks at everything once.</summary>
    public Task LookAsync(CancellationToken cancellation) => freezer.ForEachRunAsync(
        run => LookAsync(run, cancellation), (exception, run) => log.LogError(exception, "{Run} cannot be looked after", run), cancellation);

    private async Task LookAsync(string run, CancellationToken cancellation)
    {
        var state = await freezer.FreezeAsync(run, cancellation);
        foreach (var complete in state.Folders.Where(folder => folder.Value is { Manifest: null, Waiting: null }))
        {
            await bus.AnnounceAsync(store.Checkpoints.Name, $"{run}/{complete.Key}/config.json", cancellation);
        }

        if (state.ModelToTakeIn is { } model)
        {
            await bus.AnnounceAsync(store.Models.Name, $"{model}/config.json", cancellation);
        }

        if (state.Evaluation is { } evaluation
            && !await ReportFiles.ExistsAsync(store, run, evaluation.Id, cancellation)
            && await EvaluationPlanner.ReadFailureAsync(store, run, evaluation.Id, cancellation) is null)
        {
            await DriveAsync(evaluation, cancellation);
        }

        foreach (var redrawn in await nightly.AdvanceAsync(run, state, cancellation))
        {
            await DriveAsync(redrawn, cancellation);
        }
    }

    private async Task DriveAsync(Evaluation evaluation, CancellationToken cancellation)
    {
        foreach (var stage in evaluation.Stages)
        {
            var board = new StageBoard(store, evaluation.Run, evaluation.Id, stage);
            var progress = await board.ReadAsync(cancellation);
            if (progress.Plan is null || !await board.WasSentAsync(cancellation))
            {
                await (stage == Stage.Trajectory
                    ? bus.SendAsync(new PlanMessage(evaluation.Run), cancellation)
                    : bus.SendAsync(new CollectMessage(evaluation.Run, evaluation.Id), cancellation));
                return;
            }

            if (!progress.Finished)
            {
                await OfferLostAsync(evaluation, stage, board, progress, cancellation);
                return;
            }
        }

        await bus.SendAsync(new CollectMessage(evaluation.Run, evaluation.Id), cancellation);
    }

    private async Task OfferLostAsync(
        Evaluation evaluation, Stage stage, StageBoard board, StageProgress progress, CancellationToken cancellation)
    {
        // While shards of this evaluation wait in the queue, a silent one may just be waiting its turn.
        if (await bus.IsWaitingAsync(evaluation.Run, evaluation.Id, cancellation))
        {
            return;
        }

        var lost = clock.GetUtcNow() - options.ShardLost;
        for (var shard = 0; shard < progress.Plan!.Shards.Count; shard++)
        {
            if (progress.Done.ContainsKey(shard) || progress.Failed.ContainsKey(shard) || progress.LastSign.GetValueOrDefault(shard) > lost)
            {
                continue;
            }

            var message = new GenerateMessage(evaluation.Run, evaluation.Id, stage, shard);
            if (await board.CountOfferAsync(shard, cancellation) > options.ShardOffers)
            {
                await GiveUpAsync(message, cancellation);
            }
            else
            {
                log.LogWarning("Shard {Shard} of {Run}, {Stage}, is lost; offering it again", shard, evaluation.Run, stage);
                await bus.SendAsync([message], cancellation);
            }
        }
    }

    private async Task GiveUpAsync(GenerateMessage message, CancellationToken cancellation)
    {
        var board = new StageBoard(store, message.Run, message.Evaluation, message.Stage);
        if (!await board.IsClosedAsync(message.Shard, cancellation))
        {
            var attempts = await board.ReadAttemptsAsync(message.Shard, cancellation);
            await board.MarkFailedAsync(
                message.Shard, new ShardFailed(attempts?.Why ?? "every worker that took this shard stopped before finishing it", Final: false), cancellation);
            await bus.SendAsync(new CollectMessage(message.Run, message.Evaluation), cancellation);
        }
    }
}
