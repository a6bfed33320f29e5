using System.Globalization;
using Azure.Storage.Blobs;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>A night's check of one evaluation of a run: of the present one, or of the redrawn sentinel sample.</summary>
/// <param name="Date">The night's date, UTC.</param>
/// <param name="Evaluation">The evaluation that is looked at.</param>
/// <param name="Weights">Digest of the final checkpoint's weights.</param>
/// <param name="Asked">Of a sentinel sample what was asked for, without the webhook; null for the present evaluation.</param>
/// <param name="Baseline">Of a sentinel sample the evaluation it is compared with; null without one.</param>
public sealed record Night(DateOnly Date, string Evaluation, string Weights, NightlySpec? Asked, string? Baseline);

/// <summary>The evaluations that draw fresh answers after a breach.</summary>
/// <param name="Baseline">Of the baseline's final checkpoint.</param>
/// <param name="Now">Of the night's.</param>
public sealed record Remeasurement(string Baseline, string Now);

/// <summary>What a night came to.</summary>
/// <param name="Action">What was called for; never <see cref="NightlyAction.Remeasure"/>.</param>
/// <param name="Window">The window of nights against the baseline; null where they were not compared.</param>
/// <param name="Confirmation">The fresh answers of both; null where none were needed.</param>
/// <param name="MissingShare">Share of the wanted answers that are missing; null where there was no baseline.</param>
public sealed record NightlyResult(NightlyAction Action, Comparison? Window = null, Comparison? Confirmation = null, double? MissingShare = null);

/// <summary>The nights of a run: small blobs, each written at most once.</summary>
internal sealed class NightBook(BlobStore store, string run)
{
    private const string Opened = ".night.json";
    private const string Again = ".again.json";
    private const string Decided = ".decided.json";

    private readonly string prefix = $"nights/{run}/";

    /// <summary>A night's name: its date first, so that names are in order.</summary>
    public static string NameOf(Night night) => $"{DateOf(night.Date)}-{night.Evaluation}";

    /// <summary>A date as text whose order is that of time.</summary>
    public static string DateOf(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The run.</summary>
    public string Run => run;

    /// <summary>The names of all nights, the oldest first, and whether each is decided.</summary>
    public async Task<IReadOnlyList<(string Name, bool Decided)>> ListAsync(CancellationToken cancellation)
    {
        var names = (await BlobStore.ListAsync(store.Evaluations, prefix, cancellation)).Select(blob => blob.Name[prefix.Length..]).ToList();
        var decided = names.Where(name => name.EndsWith(Decided, StringComparison.Ordinal)).Select(name => name[..^Decided.Length]).ToHashSet();
        return [.. names.Where(name => name.EndsWith(Opened, StringComparison.Ordinal)).Select(name => name[..^Opened.Length])
            .Order(StringComparer.Ordinal).Select(name => (name, decided.Contains(name)))];
    }

    /// <summary>Opens a night, unless it is.</summary>
    public Task OpenAsync(Night night, CancellationToken cancellation) => BlobStore.TryCreateJsonAsync(Blob(NameOf(night) + Opened), night, cancellation);

    /// <summary>The night of that name.</summary>
    public async Task<Night> ReadAsync(string name, CancellationToken cancellation) => (await BlobStore.TryReadJsonAsync<Night>(Blob(name + Opened), cancellation))!;

    /// <summary>What is drawn again for a night; null when nothing is.</summary>
    public Task<Remeasurement?> ReadRemeasurementAsync(Night night, CancellationToken cancellation) =>
        BlobStore.TryReadJsonAsync<Remeasurement>(Blob(NameOf(night) + Again), cancellation);

    /// <summary>Remembers what is drawn again.</summary>
    public Task RemeasureAsync(Night night, Remeasurement again, CancellationToken cancellation) =>
        BlobStore.TryCreateJsonAsync(Blob(NameOf(night) + Again), again, cancellation);

    /// <summary>What a night came to; null while it is open.</summary>
    public Task<NightlyResult?> ReadResultAsync(Night night, CancellationToken cancellation) =>
        BlobStore.TryReadJsonAsync<NightlyResult>(Blob(NameOf(night) + Decided), cancellation);

    /// <summary>Closes a night.</summary>
    public Task DecideAsync(Night night, NightlyResult result, CancellationToken cancellation) =>
        BlobStore.TryCreateJsonAsync(Blob(NameOf(night) + Decided), result, cancellation);

    private BlobClient Blob(string name) => store.Evaluations.GetBlobClient(prefix + name);
}
