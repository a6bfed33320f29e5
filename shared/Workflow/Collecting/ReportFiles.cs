namespace Hindsight.Workflow;

/// <summary>The files of a report, by name. <c>scores.json</c> is written last: where it is, the report is whole.</summary>
public sealed record ReportFiles(IReadOnlyDictionary<string, string> Texts)
{
    /// <summary>The scores, whose presence says that the report is whole.</summary>
    public const string Scores = "scores.json";

    /// <summary>The page.</summary>
    public const string Page = "report.html";

    /// <summary>The same findings as text.</summary>
    public const string Markdown = "report.md";

    /// <summary>Every graded answer, a line each.</summary>
    public const string Answers = "answers.jsonl";

    /// <summary>What the index and comparisons need to know of the report.</summary>
    public const string Summary = "summary.json";

    /// <summary>What was measured: times and rates, which differ from run to run.</summary>
    public const string Timings = "timings.json";

    /// <summary>Whether an evaluation's report is whole.</summary>
    public static async Task<bool> ExistsAsync(BlobStore store, string run, string evaluation, CancellationToken cancellation) =>
        await store.Reports.GetBlobClient($"{run}/{evaluation}/{Scores}").ExistsAsync(cancellation);

    /// <summary>Makes an evaluation's report count as unfinished.</summary>
    public static Task DropAsync(BlobStore store, string run, string evaluation, CancellationToken cancellation) =>
        store.Reports.DeleteBlobIfExistsAsync($"{run}/{evaluation}/{Scores}", cancellationToken: cancellation);

    /// <summary>Writes the files, those of an unfinished earlier attempt overwritten.</summary>
    public async Task WriteAsync(BlobStore store, string run, string evaluation, CancellationToken cancellation)
    {
        foreach (var (name, text) in Texts.Where(file => file.Key != Scores))
        {
            await UploadAsync(name, text);
        }

        // Before the scores: a report that counts as whole is in the index.
        await ReportIndex.WriteAsync(store, cancellation);
        await UploadAsync(Scores, Texts[Scores]);

        Task UploadAsync(string name, string text) => store.Reports.GetBlobClient($"{run}/{evaluation}/{name}").UploadAsync(
            new BinaryData(text), new Azure.Storage.Blobs.Models.BlobUploadOptions { HttpHeaders = new() { ContentType = ContentType(name) } }, cancellation);
    }

    /// <summary>The media type of a file of a report.</summary>
    internal static string ContentType(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".md" => "text/markdown; charset=utf-8",
        ".json" => "application/json",
        _ => "application/x-ndjson",
    };
}
