using System.CommandLine;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>report</c>: copies a run's report out of the storage again.</summary>
internal static class ReportCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "The run's name." };
        var target = new Option<string>("--out") { Description = "Where to put it. Default: hindsight-report in the current folder.", DefaultValueFactory = _ => "hindsight-report" };
        var connection = Storage.ConnectionOption();
        var command = new Command("report", "Save the report of a run that was evaluated.") { run, target, connection };
        command.Run(async (arguments, cancellation) =>
        {
            var name = Names.Require(arguments.GetRequiredValue(run), "run");
            await using var storage = await Storage.OpenAsync(arguments.GetValue(connection), share: true, cancellation);
            var status = await StatusCommand.Reader(storage.Blobs).ReadAsync(name, cancellation)
                ?? throw new InvalidDataException($"There is no run {name}; 'status' lists the runs.");
            if (status.Report is null)
            {
                throw new InvalidDataException($"{name} has no report yet; 'status' says how far it is.");
            }

            await ReportDownload.SaveAsync(storage.Blobs, name, status.Evaluation!, arguments.GetValue(target)!, cancellation);
            return 0;
        });
        return command;
    }
}
