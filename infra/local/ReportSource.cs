using Hindsight.Reporting;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>Where a report is read from: a folder that holds its files, or the storage.</summary>
internal static class ReportSource
{
    /// <summary>Whether a text names a folder with a report in it.</summary>
    public static bool IsFolder(string source) => File.Exists(Path.Combine(source, ReportFiles.Scores));

    /// <summary>Refuses what can be no report, before any storage is opened for it.</summary>
    /// <exception cref="InvalidDataException">It is a path, and no report lies there.</exception>
    public static void Check(string source)
    {
        if (!IsFolder(source) && !(source.Split('/') is { Length: 1 or 2 } names && names.All(Names.IsSafe)))
        {
            throw new InvalidDataException(Directory.Exists(source)
                ? $"The folder {source} holds no saved report: {ReportFiles.Scores} is missing."
                : $"There is no folder {source}; give a saved report's folder, a run's name, or RUN/EVALUATION.");
        }
    }

    /// <summary>Reads one side of a comparison.</summary>
    /// <param name="source">A folder that holds scores.json, or RUN, or RUN/EVALUATION.</param>
    /// <param name="store">The storage; null where both sides are folders.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="InvalidDataException">There is no such report, or its files cannot be read.</exception>
    public static async Task<ComparedReport> ReadAsync(string source, BlobStore? store, CancellationToken cancellation)
    {
        if (store is null || IsFolder(source))
        {
            return await ReadAsync(
                Path.GetFileName(Path.GetFullPath(source).TrimEnd(Path.DirectorySeparatorChar)), "", source,
                file => Task.FromResult<Stream?>(File.Exists(Path.Combine(source, file)) ? File.OpenRead(Path.Combine(source, file)) : null), cancellation);
        }

        var (run, evaluation) = await FindAsync(source, store, cancellation);
        return await ReadAsync(
            run, evaluation, $"{run}/{evaluation}",
            async file => store.Reports.GetBlobClient($"{run}/{evaluation}/{file}") is var blob && await blob.ExistsAsync(cancellation)
                ? await blob.OpenReadAsync(cancellationToken: cancellation)
                : null,
            cancellation);
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
            ?? throw new InvalidDataException($"There is no run {run}, nor a folder of that name with a saved report; 'status' lists the runs.");
        return status.Report is null
            ? throw new InvalidDataException($"{run} has no report yet; 'status' says how far it is.")
            : (run, status.Evaluation!);
    }

    private static async Task<ComparedReport> ReadAsync(
        string run, string evaluation, string source, Func<string, Task<Stream?>> open, CancellationToken cancellation)
    {
        try
        {
            var scores = ScoresJson.Read(await TextAsync(ReportFiles.Scores)
                ?? throw new InvalidDataException("there is no report; 'status' lists the runs and their reports."));
            var known = await TextAsync(ReportFiles.Summary) is { } summary ? ReportSummary.Parse(summary, ReportFiles.Summary) : null;
            await using var answers = await open(ReportFiles.Answers);
            return new ComparedReport(known?.Run ?? run, known?.Evaluation ?? evaluation, scores, known?.Provenance)
            {
                Answers = answers is not null && scores.Trajectory is [.., var final]
                    ? await AnswerLines.ReadExamplesAsync(answers, final.Name, ReportFiles.Answers, cancellation)
                    : [],
            };
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{source}: {exception.Message}", exception);
        }

        async Task<string?> TextAsync(string file)
        {
            await using var content = await open(file);
            return content is null ? null : await new StreamReader(content).ReadToEndAsync(cancellation);
        }
    }
}
