namespace Hindsight.Workflow;

/// <summary>
/// What <c>evaluation.json</c> asks of the nights (<c>nightly</c>): a fixed sample of problems is redrawn with the final checkpoint and
/// compared with the baseline. It is no part of an evaluation's identity: other settings ask the same question of the same weights.
/// </summary>
public sealed record NightlySpec
{
    /// <summary>Problems of the sentinel sample, in [2, 1000000]; at most all. Default 50.</summary>
    public int Sentinel { get; init; } = 50;

    /// <summary>Losses smaller than this do not matter; a share, in [0, 1). Default 0.02.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>The chance that a night on which nothing changed alerts, over all runs that have a baseline; in (0, 0.5]. Default 0.01.</summary>
    public double FalseAlertRate { get; init; } = 0.01;

    /// <summary>Nights of the same weights that are averaged, in [1, 30]. Default 3.</summary>
    public int Window { get; init; } = 3;

    /// <summary>Where alerts are posted as JSON too: an absolute https address, which is a secret. Default none.</summary>
    public string? Webhook { get; init; }

    /// <summary>Says without the webhook, whose address is a secret.</summary>
    public override string ToString() => $"{nameof(NightlySpec)} of {Sentinel} problems";

    /// <summary>The first field that has an impossible value, and its rule; null when all are possible.</summary>
    internal (string Field, string Rule)? Mistake =>
        Sentinel is < 2 or > 1_000_000 ? ("nightly.sentinel", "must be between 2 and 1000000")
        : Margin is not (>= 0 and < 1) ? ("nightly.margin", "must be at least 0 and below 1")
        : FalseAlertRate is not (> 0 and <= 0.5) ? ("nightly.falseAlertRate", "must be above 0 and at most 0.5")
        : Window is < 1 or > 30 ? ("nightly.window", "must be between 1 and 30")
        : Webhook is not null && !IsWebhook(Webhook) ? ("nightly.webhook", "must be an absolute address that starts with https://")
        : null;

    private static bool IsWebhook(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.UserInfo.Length == 0 && address.Length <= 2048;
}
