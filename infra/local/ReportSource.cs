using Hindsight.Reporting;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>Where a report is read from: a folder that holds its files, or the storage.</summary>
internal static class ReportSource
{
    /// <summary>Whether a text names a folder with a report in it.</summary>
    public static bool IsFolder(string source) => File.Exists(Path.Combine(source, ReportFiles.Scores));

    /// <summary>Reads one side of a comparison.</summary>
    /// <param name="source">A folder that holds scores.json, or RUN, or RUN/EVALUATION.</param>
    /// <param name="store">The storage; null where both sides are folders.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="InvalidDataException">There is no such report, or its files cannot be read.</exception>
    public static async Task<ComparedReport> ReadAsync(string source, BlobStore? store, CancellationToken cancellation)
    {
        if (store is null || IsFolder(source))
        {
            var (scores, summary) = (Path.Combine(source, ReportFiles.Scores), Path.Combine(source, ReportFiles.Summary));
            return Report(
                Path.GetFileName(Path.GetFullPath(source).TrimEnd(Path.DirectorySeparatorChar)), "", await File.ReadAllTextAsync(scores, cancellation),
                File.Exists(summary) ? await File.ReadAllTextAsync(summary, cancellation) : null, source);
        }

        var (run, evaluation) = await FindAsync(source, store, cancellation);
        return Report(
            run, evaluation,
            await TextAsync(ReportFiles.Scores) ?? throw new InvalidDataException($"There is no report {run}/{evaluation}; 'status' lists the runs and their reports."),
            await TextAsync(ReportFiles.Summary), $"{run}/{evaluation}");

        async Task<string?> TextAsync(string file)
        {
            var blob = store.Reports.GetBlobClient($"{run}/{evaluation}/{file}");
            return await blob.ExistsAsync(cancellation) ? (await blob.DownloadContentAsync(cancellation)).Value.Content.ToString() : null;
        }
    }

    /// <summary>The run and the evaluation that a text names: RUN is its present evaluation, RUN/EVALUATION any.</summary>
    public static async Task<(string Run, string Evaluation)> FindAsync(string source, BlobStore store, CancellationToken cancellation)
    {
        if (source.Split('/') is [var named, var evaluation])
        {
            return (Names.Require(named, "run"), Names.Require(evaluation, "evaluation"));
        }

        var run = Names.Require(source, "run");
        var status = await StatusCommand.Reader(store).ReadAsync(run, cancellation)
            ?? throw new InvalidDataException($"There is no run {run}; 'status' lists the runs.");
        return status.Report is null
            ? throw new InvalidDataException($"{run} has no report yet; 'status' says how far it is.")
            : (run, status.Evaluation!);
    }

    private static ComparedReport Report(string run, string evaluation, string scores, string? summary, string source)
    {
        try
        {
            var known = summary is null ? null : ReportSummary.Parse(summary, ReportFiles.Summary);
            return new ComparedReport(known?.Run ?? run, known?.Evaluation ?? evaluation, ScoresJson.Read(scores), known?.Provenance);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{source}: {exception.Message}", exception);
        }
    }
}
