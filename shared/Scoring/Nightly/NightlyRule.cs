using System.Text.Json.Serialization;

namespace Hindsight.Scoring;

/// <summary>What a night's results call for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NightlyAction>))]
public enum NightlyAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The window looks worse than the baseline: draw fresh answers of both, and ask again with them.</summary>
    Remeasure,

    /// <summary>The fresh answers say so too: alert.</summary>
    Alert,

    /// <summary>Too many answers are missing to say anything: an alert of its own kind, about the infrastructure.</summary>
    NoVerdict,
}

/// <summary>What was decided, and from what.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Window">The window against the baseline; null when no problem is left.</param>
/// <param name="Confirmation">The fresh answers against each other; null without them.</param>
/// <param name="MissingShare">Share of wanted answers of the window that are missing.</param>
/// <param name="MissingProblems">Problems of the baseline that some night of the window lacks: left out, and an alert of its own kind.</param>
public sealed record NightlyDecision(
    NightlyAction Action, Comparison? Window, Comparison? Confirmation, double MissingShare, IReadOnlyList<string> MissingProblems);

/// <summary>
/// When the sentinel sample's nightly results call for an alert. First the window of nights is compared with the baseline, paired by problem and
/// one-sided, at the square root of the declared rate; on a breach fresh answers of both are drawn and compared likewise. The two tests share no
/// answer, so a quiet night alerts with at most the declared rate. Both must also show a loss of at least the margin, which lowers it further.
/// The declared rate is that of a night over all series watched together: each has its even share (Bonferroni).
/// </summary>
public sealed record NightlyRule
{
    /// <summary>The chance that a night on which nothing changed alerts, over all series.</summary>
    public double FalseAlertRate { get; init; } = 0.01;

    /// <summary>Losses smaller than this do not matter; a share.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>Nights that are averaged, the newest last; fewer are used while there are fewer.</summary>
    public int Window { get; init; } = 3;

    /// <summary>Series (runs, suites) watched with this rule on the same night.</summary>
    public int Series { get; init; } = 1;

    /// <summary>Beyond this share of missing answers nothing is said.</summary>
    public double MostMissing { get; init; } = 0.05;

    /// <summary>Decides.</summary>
    /// <param name="baseline">Graded answers of the baseline, which only a person moves.</param>
    /// <param name="nights">Graded answers by night, the newest last; at least one night.</param>
    /// <param name="wantedPerProblem">Answers wanted of each problem each night.</param>
    /// <param name="fresh">Answers drawn after a breach with fresh seeds; null before.</param>
    /// <param name="seed">Of the random draws.</param>
    public NightlyDecision Decide(
        IReadOnlyList<ProblemCounts> baseline, IReadOnlyList<IReadOnlyList<ProblemCounts>> nights, int wantedPerProblem,
        (IReadOnlyList<ProblemCounts> Baseline, IReadOnlyList<ProblemCounts> Now)? fresh, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        ArgumentNullException.ThrowIfNull(nights);
        ArgumentOutOfRangeException.ThrowIfZero(nights.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Series);
        if (!(FalseAlertRate is > 0 and < 1))
        {
            throw new InvalidOperationException($"The false-alert rate must lie between 0 and 1, and is {FalseAlertRate}.");
        }

        var recent = nights.Skip(nights.Count - Window).ToList();
        var byNight = recent.ConvertAll(night => night.Where(counts => counts.Drawn > 0).ToDictionary(counts => counts.ProblemId, StringComparer.Ordinal));
        var missing = baseline.Where(counts => byNight.Exists(night => !night.ContainsKey(counts.ProblemId))).Select(counts => counts.ProblemId).ToList();
        var wanted = (double)wantedPerProblem * baseline.Count * recent.Count;
        var there = byNight.Sum(night => baseline.Sum(counts => night.TryGetValue(counts.ProblemId, out var found) ? Math.Min(found.Drawn, wantedPerProblem) : 0));
        var missingShare = wanted > 0 ? 1 - (there / wanted) : 1;
        var pooled = baseline.Where(counts => byNight.TrueForAll(night => night.ContainsKey(counts.ProblemId)))
            .Select(counts => counts with
            {
                Drawn = byNight.Sum(night => night[counts.ProblemId].Drawn),
                Correct = byNight.Sum(night => night[counts.ProblemId].Correct),
            }).ToList();
        var window = Compare(baseline, pooled, seed);
        if (window is null || missingShare > MostMissing)
        {
            return new(NightlyAction.NoVerdict, window, null, missingShare, missing);
        }

        var confirmation = fresh is { } drawn ? Compare(drawn.Baseline, drawn.Now, seed) : null;
        var action = !Worse(window) ? NightlyAction.None
            : fresh is null ? NightlyAction.Remeasure
            : confirmation is null ? NightlyAction.NoVerdict
            : Worse(confirmation) ? NightlyAction.Alert
            : NightlyAction.None;
        return new(action, window, confirmation, missingShare, missing);
    }

    private Comparison? Compare(IReadOnlyList<ProblemCounts> baseline, IReadOnlyList<ProblemCounts> now, ulong seed) =>
        EvaluationComparison.Of(baseline, now, ("baseline", "now"), Margin, seed)?.Comparison;

    /// <summary>One-sided at the square root of the series' share of the declared rate, and by the margin or more.</summary>
    private bool Worse(Comparison comparison) =>
        comparison.Difference.Value < 0
        && comparison.Difference.Value <= -Margin
        && comparison.PValue / 2 <= Math.Sqrt(FalseAlertRate / Series);
}
