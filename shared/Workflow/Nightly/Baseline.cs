using System.Text.Json;
using Azure.Storage.Blobs;

namespace Hindsight.Workflow;

/// <summary>The evaluation that a run's nights are compared with.</summary>
/// <param name="Evaluation">Its id.</param>
/// <param name="Moved">When a person chose it.</param>
public sealed record Baseline(string Evaluation, DateTimeOffset Moved);

/// <summary>
/// The baselines of all runs. Only a person moves one: a baseline that followed the latest results would hide a slow decline.
/// </summary>
public sealed class Baselines(BlobStore store, TimeProvider clock)
{
    private const string Folder = "baselines/";

    /// <summary>A run's baseline; null when nobody chose one.</summary>
    public Task<Baseline?> ReadAsync(string run, CancellationToken cancellation) => BlobStore.TryReadJsonAsync<Baseline>(Blob(run), cancellation);

    /// <summary>How many runs have one.</summary>
    public async Task<int> CountAsync(CancellationToken cancellation) => (await BlobStore.ListAsync(store.Evaluations, Folder, cancellation)).Count;

    /// <summary>Makes an evaluation the baseline of its run.</summary>
    /// <exception cref="InvalidDataException">There is no such evaluation, it has no report yet, or it has no sampled answers.</exception>
    public async Task MoveAsync(string run, string evaluation, CancellationToken cancellation)
    {
        Names.Require(run, "run");
        Names.Require(evaluation, "evaluation");
        if (await EvaluationPlanner.ReadAsync(store, run, evaluation, cancellation) is not var (frozen, _))
        {
            throw new InvalidDataException($"{run} has no evaluation {evaluation}; 'status' names the present one, and the reports of earlier ones lie beside its report.");
        }

        if (!await ReportFiles.ExistsAsync(store, run, evaluation, cancellation))
        {
            throw new InvalidDataException($"Evaluation {evaluation} of {run} has no report yet; 'status' says how far it is.");
        }

        if (frozen.Spec.SamplesPerProblem == 0)
        {
            throw new InvalidDataException($"Evaluation {evaluation} of {run} has greedy answers only; a baseline needs sampled ones: set \"samplesPerProblem\".");
        }

        await Blob(run).UploadAsync(
            new BinaryData(JsonSerializer.SerializeToUtf8Bytes(new Baseline(evaluation, clock.GetUtcNow()), Json.Indented)), overwrite: true, cancellation);
    }

    private BlobClient Blob(string run) => store.Evaluations.GetBlobClient($"{Folder}{run}.json");
}
