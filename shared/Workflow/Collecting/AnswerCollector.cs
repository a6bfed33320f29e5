using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// Looks whether a stage is finished; if so plans the next one, or grades and scores the stored answers and writes the report.
/// Everything it writes is a function of stored blobs, so doing it twice, or at once, gives the same bytes.
/// </summary>
public sealed class AnswerCollector(
    BlobStore store, EvaluationPlanner planner, EvaluationFreezer freezer, ReportBuilder reports, ILogger<AnswerCollector> log)
{
    /// <summary>Handles a message that a shard was closed or a stage planned.</summary>
    public async Task CollectAsync(CollectMessage message, CancellationToken cancellation)
    {
        try
        {
            await CollectUnlessFailedAsync(message, cancellation);
        }
        catch (Exception exception) when (!Failures.IsTransient(exception))
        {
            // It would fail the same way again, and a person must know instead of waiting.
            log.LogError(exception, "The report of {Run}, evaluation {Evaluation}, cannot be made", message.Run, message.Evaluation);
            await planner.MarkFailedAsync(message.Run, message.Evaluation, Failures.Sentence(exception), cancellation);
        }
    }

    private async Task CollectUnlessFailedAsync(CollectMessage message, CancellationToken cancellation)
    {
        if (await planner.ReadAsync(message.Run, message.Evaluation, cancellation) is not var (evaluation, suite)
            || await ReportFiles.ExistsAsync(store, evaluation.Run, evaluation.Id, cancellation))
        {
            return;
        }

        var progress = new Dictionary<Stage, StageProgress>();
        foreach (var stage in evaluation.Stages)
        {
            var board = new StageBoard(store, evaluation.Run, evaluation.Id, stage);
            var plan = await board.ReadPlanAsync(cancellation);
            var finished = plan is not null && await board.IsFinishedAsync(plan, cancellation);
            if (plan is null || (!finished && !await board.WasSentAsync(cancellation)))
            {
                // Not planned yet, or planned by a process that stopped before it had sent all shards.
                if (plan is not null || !await IsSupersededAsync(evaluation, cancellation))
                {
                    await planner.PlanStageAsync(evaluation, suite, stage, cancellation);
                }

                return;
            }

            if (!finished)
            {
                return;
            }

            progress[stage] = await board.ReadAsync(cancellation);
        }

        var files = await reports.BuildAsync(evaluation, suite, progress, cancellation);
        await files.WriteAsync(store, evaluation.Run, evaluation.Id, cancellation);
        log.LogInformation("Wrote the report of {Run}, evaluation {Evaluation}", evaluation.Run, evaluation.Id);
    }

    /// <summary>Whether the run meanwhile asks for another evaluation, which shares this one's answers and makes its next stage needless.</summary>
    private async Task<bool> IsSupersededAsync(Evaluation evaluation, CancellationToken cancellation) =>
        (await freezer.FreezeAsync(evaluation.Run, cancellation)).Evaluation is { } present && present.Id != evaluation.Id;
}
