using System.Globalization;
using Hindsight.Workflow;
using Spectre.Console;

namespace Hindsight.Local;

/// <summary>Shows how far an evaluation is: bars with rate and time left on a terminal, a plain line per change otherwise.</summary>
internal abstract class EvaluationProgress
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.7);

    /// <summary>The kind that suits the output.</summary>
    public static EvaluationProgress Create(IAnsiConsole console) =>
        console.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? new Bars(console) : new Lines();

    /// <summary>Shows an upload.</summary>
    public abstract Task UploadAsync(Func<IProgress<(long Done, long Total)>, Task> upload);

    /// <summary>Shows a run's stages until there is a report, or there can be none.</summary>
    /// <param name="reader">Reads the status.</param>
    /// <param name="run">The run.</param>
    /// <param name="check">Throws when nobody works any more.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public abstract Task<RunStatus> WaitAsync(StatusReader reader, string run, Action check, CancellationToken cancellation);

    private static async Task<RunStatus> FollowAsync(StatusReader reader, string run, Action check, Action<RunStatus> show, CancellationToken cancellation)
    {
        while (true)
        {
            check();
            if (await reader.ReadAsync(run, cancellation) is { } status)
            {
                show(status);
                if (status.Report is not null || status.Error is not null)
                {
                    return status;
                }
            }

            await Task.Delay(Interval, cancellation);
        }
    }

    private static string Rate(StageStatus stage, TimeSpan elapsed) => elapsed > TimeSpan.Zero && stage.Tokens > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{stage.Tokens / elapsed.TotalSeconds:N0} tokens/s")
        : "";

    private static TimeSpan? Left(StageStatus stage, TimeSpan elapsed) =>
        stage.Done > 0 ? elapsed / stage.Done * (stage.Shards - stage.Done - stage.Failed) : null;

    private sealed class Lines : EvaluationProgress
    {
        public override async Task UploadAsync(Func<IProgress<(long Done, long Total)>, Task> upload)
        {
            var last = (Done: 0L, Total: 0L);
            await upload(new Reported(value => last = value));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{last.Total / 1048576.0:0.0} MiB of checkpoints are in the storage"));
        }

        public override Task<RunStatus> WaitAsync(StatusReader reader, string run, Action check, CancellationToken cancellation)
        {
            var shown = new HashSet<string>();
            var started = new Dictionary<Stage, DateTimeOffset>();
            return FollowAsync(reader, run, check, Show, cancellation);

            void Show(RunStatus status)
            {
                foreach (var stage in status.Stages)
                {
                    var elapsed = TimeProvider.System.GetUtcNow() - (started.TryGetValue(stage.Stage, out var start)
                        ? start : started[stage.Stage] = TimeProvider.System.GetUtcNow());
                    if (shown.Add($"{stage.Stage} {stage.Done} {stage.Failed} {stage.Shards}"))
                    {
                        var left = Left(stage, elapsed) is { } time && stage.Done < stage.Shards ? $", about {time:m\\:ss} left" : "";
                        var rate = Rate(stage, elapsed) is { Length: > 0 } text && stage.Done < stage.Shards ? $", {text}" : "";
                        Console.WriteLine($"{stage.Stage}: {stage.Done} of {stage.Shards} shards{(stage.Failed > 0 ? $", {stage.Failed} given up" : "")}{rate}{left}");
                    }
                }
            }
        }
    }

    private sealed class Bars(IAnsiConsole console) : EvaluationProgress
    {
        public override Task UploadAsync(Func<IProgress<(long Done, long Total)>, Task> upload) =>
            console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn())
                .StartAsync(async context =>
                {
                    var task = context.AddTask("Uploading checkpoints");
                    await upload(new Reported(value =>
                    {
                        task.MaxValue = value.Total;
                        task.Value = value.Done;
                    }));
                });

        public override Task<RunStatus> WaitAsync(StatusReader reader, string run, Action check, CancellationToken cancellation) =>
            console.Progress().Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
                .StartAsync(context =>
                {
                    var intake = context.AddTask("Taking in checkpoints", maxValue: 1);
                    var tasks = new Dictionary<Stage, (ProgressTask Task, DateTimeOffset Start)>();
                    return FollowAsync(reader, run, check, Show, cancellation);

                    void Show(RunStatus status)
                    {
                        if (status.Stages.Count > 0)
                        {
                            intake.Value = 1;
                        }

                        foreach (var stage in status.Stages)
                        {
                            var (task, start) = tasks.TryGetValue(stage.Stage, out var known)
                                ? known
                                : tasks[stage.Stage] = (context.AddTask(stage.Stage.ToString(), maxValue: Math.Max(1, stage.Shards)), TimeProvider.System.GetUtcNow());
                            task.Value = stage.Shards == 0 ? 1 : stage.Done + stage.Failed;
                            task.Description = $"{stage.Stage}: {stage.Done} of {stage.Shards} shards  {Rate(stage, TimeProvider.System.GetUtcNow() - start)}";
                        }
                    }
                });
    }

    /// <summary>Reports at once, on the caller's thread; <see cref="Progress{T}"/> would report later, on another.</summary>
    private sealed class Reported(Action<(long Done, long Total)> report) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => report(value);
    }
}
