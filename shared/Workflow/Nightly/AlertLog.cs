using Azure.Storage.Blobs;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>What an alert is about.</summary>
public enum AlertKind
{
    /// <summary>The final checkpoint is worse than the baseline.</summary>
    Loss,

    /// <summary>Problems lack answers.</summary>
    MissingProblems,

    /// <summary>The pipeline could not do its work: nothing is said about the model.</summary>
    Infrastructure,
}

/// <summary>Something that a person should look at.</summary>
/// <param name="Id">Digest of what it is about: the same finding is announced once, however many nights it lasts.</param>
/// <param name="Run">The run.</param>
/// <param name="Night">The night that found it.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Evaluation">The evaluation that shows it, which has a report like any other.</param>
/// <param name="Baseline">The evaluation it was compared with; null without one.</param>
/// <param name="Text">One sentence, which may quote untrusted names.</param>
public sealed record Alert(string Id, string Run, DateOnly Night, AlertKind Kind, string Evaluation, string? Baseline, string Text);

/// <summary><c>alerts/{run}.json</c>.</summary>
/// <param name="Alerts">The newest last.</param>
/// <param name="Undelivered">Ids of those whose message is still to be sent.</param>
public sealed record RunAlerts(IReadOnlyList<Alert> Alerts, IReadOnlyList<string> Undelivered);

/// <summary>
/// Announces alerts: a line in the run's list and in the index of reports, a message on the queue <c>alerts</c>, and a post to the run's webhook. A process that stops in
/// between announces again, under the same id; nothing is announced after it was delivered.
/// </summary>
public sealed class AlertLog(BlobStore store, MessageBus bus, AlertWebhook webhook, ILogger<AlertLog> log)
{
    private const int Kept = 200;

    private static readonly RunAlerts None = new([], []);

    /// <summary>A run's alerts.</summary>
    public Task<RunAlerts> ReadAsync(string run, CancellationToken cancellation) => ReadAsync(store, run, cancellation);

    /// <summary>A run's alerts.</summary>
    public static async Task<RunAlerts> ReadAsync(BlobStore store, string run, CancellationToken cancellation) =>
        await BlobStore.TryReadJsonAsync<RunAlerts>(Blob(store, run), cancellation) ?? None;

    /// <summary>Announces an alert, unless it was.</summary>
    /// <param name="alert">The alert.</param>
    /// <param name="address">The run's webhook, if it has one.</param>
    /// <param name="cancellation">Stops the announcement.</param>
    public async Task RaiseAsync(Alert alert, Uri? address, CancellationToken cancellation)
    {
        var known = await ChangeAsync(
            alert.Run,
            list => list.Alerts.Any(listed => listed.Id == alert.Id) ? list : new RunAlerts([.. list.Alerts.TakeLast(Kept - 1), alert], [.. list.Undelivered, alert.Id]),
            cancellation);
        if (!known.Undelivered.Contains(alert.Id))
        {
            return;
        }

        await ReportIndex.WriteAsync(store, cancellation);
        log.LogWarning("Alert {Id} about {Run}: {Kind}", alert.Id, alert.Run, alert.Kind);
        await bus.SendAsync(alert, cancellation);
        if (address is not null && await webhook.PostAsync(address, alert, cancellation) is { } why)
        {
            // The message and the list have it; a webhook that is down must not hold up the night.
            log.LogError("The webhook of {Run} did not take alert {Id}: {Why}", alert.Run, alert.Id, why);
        }

        await ChangeAsync(alert.Run, list => list with { Undelivered = [.. list.Undelivered.Where(id => id != alert.Id)] }, cancellation);
    }

    private Task<RunAlerts> ChangeAsync(string run, Func<RunAlerts, RunAlerts> change, CancellationToken cancellation) =>
        BlobStore.ChangeJsonAsync(Blob(store, run), None, change, cancellation);

    private static BlobClient Blob(BlobStore store, string run) => store.Evaluations.GetBlobClient($"alerts/{run}.json");
}
