using Hindsight.Reporting;

namespace Hindsight.Workflow;

/// <summary>How far one stage of an evaluation is.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Shards">Shards planned.</param>
/// <param name="Done">Shards finished.</param>
/// <param name="Failed">Shards given up.</param>
/// <param name="Answers">Answers drawn by the finished shards.</param>
/// <param name="Tokens">Tokens drawn by them.</param>
/// <param name="Seconds">Device seconds they took.</param>
public sealed record StageStatus(Stage Stage, int Shards, int Done, int Failed, int Answers, long Tokens, double Seconds);

/// <summary>What can be said of a run.</summary>
/// <param name="Run">Its name.</param>
/// <param name="Checkpoints">Its complete checkpoints in training order, the base first.</param>
/// <param name="Incomplete">Folders that are not complete, and what they wait for.</param>
/// <param name="Refused">Checkpoints that cannot be used, and why.</param>
/// <param name="Waiting">What the evaluation waits for before it starts.</param>
/// <param name="Error">What a person must put right before it can start.</param>
/// <param name="Evaluation">Id of the evaluation that the run asks for at present.</param>
/// <param name="Stages">Its stages planned so far.</param>
/// <param name="Report">Where its report lies in the reports container; null while there is none.</param>
public sealed record RunStatus(
    string Run, IReadOnlyList<string> Checkpoints, IReadOnlyList<RefusedCheckpoint> Incomplete, IReadOnlyList<RefusedCheckpoint> Refused,
    string? Waiting, string? Error, string? Evaluation, IReadOnlyList<StageStatus> Stages, string? Report);

/// <summary>Reads the state of runs from the blobs alone.</summary>
public sealed class StatusReader(BlobStore store, EvaluationFreezer freezer)
{
    /// <summary>The names of all runs.</summary>
    public Task<IReadOnlyList<string>> RunsAsync(CancellationToken cancellation) => freezer.RunsAsync(cancellation);

    /// <summary>The status of a run; null when there is no such run.</summary>
    public async Task<RunStatus?> ReadAsync(string run, CancellationToken cancellation)
    {
        var state = await freezer.FreezeAsync(run, cancellation);
        if (state.Folders.Count == 0 && state.Evaluation is null)
        {
            return null;
        }

        var (complete, incomplete, refused) = (new List<string>(), new List<RefusedCheckpoint>(), new List<RefusedCheckpoint>());
        foreach (var (folder, look) in state.Folders)
        {
            if (look.Manifest is null)
            {
                incomplete.Add(new RefusedCheckpoint(folder, look.Waiting ?? "being taken in"));
            }
            else if (look.Manifest.Refused is { } why)
            {
                refused.Add(new RefusedCheckpoint(folder, why));
            }
            else
            {
                complete.Add(folder);
            }
        }

        var stages = new List<StageStatus>();
        if (state.Evaluation is { } evaluation)
        {
            complete = [.. evaluation.Variants(Stage.Trajectory).Select(variant => variant.Name)];
            refused.AddRange(evaluation.Refused.ExceptBy(refused.Select(checkpoint => checkpoint.Name), checkpoint => checkpoint.Name));
            foreach (var stage in evaluation.Stages)
            {
                var progress = await new StageBoard(store, run, evaluation.Id, stage).ReadAsync(cancellation);
                if (progress.Plan is not null)
                {
                    stages.Add(new StageStatus(
                        stage, progress.Plan.Shards.Count, progress.Done.Count, progress.Failed.Count,
                        progress.Done.Values.Sum(done => done.Answers), progress.Done.Values.Sum(done => done.Tokens),
                        progress.Done.Values.Sum(done => done.Seconds)));
                }
            }
        }

        var id = state.Evaluation?.Id;
        var report = id is not null && await ReportFiles.ExistsAsync(store, run, id, cancellation) ? $"{run}/{id}/{ReportFiles.Page}" : null;
        var failure = id is not null && report is null ? await EvaluationPlanner.ReadFailureAsync(store, run, id, cancellation) : null;
        var error = state.Refused ?? (failure is null ? null : $"The report of evaluation {id} cannot be made: {failure}");
        return new RunStatus(run, complete, incomplete, refused, state.Waiting, error, id, stages, report);
    }
}
