using System.CommandLine;
using Hindsight.Reporting;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>report</c>: copies a run's report out of the storage again, or compares it with another.</summary>
internal static class ReportCommand
{
    private const string Folder = "hindsight-report";

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var report = new Argument<string>("REPORT")
        {
            Description = "The run's name, RUN/EVALUATION for an earlier evaluation of it, or a folder with a saved report.",
        };
        var target = new Option<string>("--out") { Description = $"Where to put it. Default: {Folder} in the current folder.", DefaultValueFactory = _ => Folder };
        var other = new Option<string?>("--compare")
        {
            Description = "Another report, given in the same ways. Writes a page that compares REPORT with it, problem by problem.",
        };
        var margin = new Option<double>("--margin")
        {
            Description = "With --compare: differences of Pass@1 smaller than this share do not matter. Default 0.02.",
            DefaultValueFactory = _ => 0.02,
        };
        margin.Validators.Add(result =>
        {
            if (result.GetValue(margin) is not (>= 0 and <= 1))
            {
                result.AddError("--margin must be between 0 and 1.");
            }
        });
        var connection = Storage.ConnectionOption();
        var command = new Command("report", "Save the report of a run that was evaluated, or compare two reports.") { report, target, other, margin, connection };
        command.Run(async (arguments, cancellation) =>
        {
            var (source, against, folder) = (arguments.GetRequiredValue(report), arguments.GetValue(other), arguments.GetValue(target)!);
            ReportSource.Check(source);
            if (against is not null)
            {
                ReportSource.Check(against);
                await CompareAsync(source, against, arguments.GetValue(margin), folder, arguments.GetValue(connection), cancellation);
                return 0;
            }

            if (ReportSource.IsFolder(source))
            {
                throw new InvalidDataException($"{source} holds a saved report already: open its {ReportFiles.Page}, or compare it with another by --compare.");
            }

            await using var storage = await Storage.OpenAsync(arguments.GetValue(connection), share: true, cancellation);
            var (run, evaluation) = await ReportSource.FindAsync(source, storage.Blobs, cancellation);
            if (!await ReportFiles.ExistsAsync(storage.Blobs, run, evaluation, cancellation))
            {
                throw new InvalidDataException($"There is no report {run}/{evaluation}; 'status' lists the runs and their reports.");
            }

            await ReportDownload.SaveAsync(storage.Blobs, run, evaluation, folder, cancellation);
            return 0;
        });
        return command;
    }

    private static async Task CompareAsync(string source, string against, double margin, string folder, string? connection, CancellationToken cancellation)
    {
        // Two folders need no storage.
        await using var storage = ReportSource.IsFolder(source) && ReportSource.IsFolder(against)
            ? null
            : await Storage.OpenAsync(connection, share: true, cancellation);
        var first = await ReportSource.ReadAsync(against, storage?.Blobs, cancellation);
        var second = await ReportSource.ReadAsync(source, storage?.Blobs, cancellation);
        var comparison = new ComparisonPage(first, second, margin);
        var file = Path.Combine(Directory.CreateDirectory(folder).FullName, $"compare-{Name(second)}-with-{Name(first)}.html");
        await File.WriteAllTextAsync(file, comparison.Html(), cancellation);
        Console.WriteLine(CommandErrors.Inert(comparison.Verdict));
        Console.WriteLine($"Comparison: {file}");

        // A summary that was changed by hand may hold any name.
        string Name(ComparedReport report) => string.Concat(
            (first.Run == second.Run ? $"{report.Run}-{report.Evaluation}" : report.Run)
                .Where(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.').Take(80));
    }
}
