using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>
/// <c>reports/{run}/looks.json</c>: the evaluations of a run that were judged on each report split, in the order in which they first were. A
/// report made again finds its place there, so what it says of its split stays the same.
/// </summary>
/// <param name="Splits">Ids of evaluations, by the id of the split.</param>
internal sealed record ReportSplitLooks(SortedDictionary<string, IReadOnlyList<string>> Splits)
{
    /// <summary>Records that an evaluation is judged on splits.</summary>
    /// <returns>For each of these splits how often it was looked at until then, this look included.</returns>
    public static async Task<LookCounter> RecordAsync(
        BlobStore store, string run, string evaluation, IReadOnlyCollection<string> splits, CancellationToken cancellation)
    {
        if (splits.Count == 0)
        {
            return LookCounter.None;
        }

        var looks = await BlobStore.ChangeJsonAsync(
            store.Reports.GetBlobClient($"{run}/looks.json"), new ReportSplitLooks([]), known => splits.Aggregate(known, (all, split) => all.With(split, evaluation)), cancellation);
        return splits.Aggregate(LookCounter.None, (counter, split) =>
            looks.Splits[split].TakeWhile(other => other != evaluation).Append(evaluation).Aggregate(counter, (count, _) => count.After(split)));
    }

    private ReportSplitLooks With(string split, string evaluation)
    {
        var known = Splits.GetValueOrDefault(split, []);
        return known.Contains(evaluation) ? this : new(new SortedDictionary<string, IReadOnlyList<string>>(Splits, StringComparer.Ordinal) { [split] = [.. known, evaluation] });
    }
}
