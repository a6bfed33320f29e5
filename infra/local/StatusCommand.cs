using System.CommandLine;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>status</c>: every run, its checkpoints, what is incomplete or refused, and how far its evaluation is.</summary>
internal static class StatusCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var connection = Storage.ConnectionOption();
        var command = new Command("status", "List the runs and how far they are.") { connection };
        command.Run(async (arguments, cancellation) =>
        {
            await using var storage = await Storage.OpenAsync(arguments.GetValue(connection), share: true, cancellation);
            var reader = Reader(storage.Blobs);
            var runs = await reader.RunsAsync(cancellation);
            if (runs.Count == 0)
            {
                Console.WriteLine("No runs yet. Upload one to the container 'checkpoints', or use 'evaluate'.");
            }

            foreach (var run in runs)
            {
                foreach (var line in await reader.ReadAsync(run, cancellation) is { } status ? Lines(status) : [])
                {
                    Console.WriteLine(CommandErrors.Inert(line));
                }
            }

            return 0;
        });
        return command;
    }

    /// <summary>A run's status as lines of text.</summary>
    public static IEnumerable<string> Lines(RunStatus status)
    {
        yield return status.Run;
        yield return $"  {status.Checkpoints.Count} checkpoints: {string.Join(", ", status.Checkpoints)}";
        foreach (var incomplete in status.Incomplete)
        {
            yield return $"  {incomplete.Name} is incomplete: {incomplete.Reason}";
        }

        foreach (var refused in status.Refused)
        {
            yield return $"  {refused.Name} was refused: {refused.Reason}";
        }

        if ((status.Error ?? (status.Waiting is null ? null : $"waiting for {status.Waiting}")) is { } why)
        {
            yield return $"  {why}";
        }

        foreach (var stage in status.Stages)
        {
            yield return $"  {stage.Stage}: {stage.Done} of {stage.Shards} shards done{(stage.Failed > 0 ? $", {stage.Failed} given up" : "")}";
        }

        if (status.Evaluation is not null)
        {
            yield return status.Report is null ? $"  evaluation {status.Evaluation}: no report yet" : $"  evaluation {status.Evaluation}: report at reports/{status.Report}";
        }
    }

    /// <summary>Reads statuses from a storage account.</summary>
    public static StatusReader Reader(BlobStore store)
    {
        var folders = new CheckpointFolders(store, new WorkflowOptions(), TimeProvider.System);
        return new StatusReader(store, new EvaluationFreezer(store, folders));
    }
}
