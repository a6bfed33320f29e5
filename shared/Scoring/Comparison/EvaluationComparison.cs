namespace Hindsight.Scoring;

/// <summary>How often a problem was solved.</summary>
/// <param name="ProblemId">The problem.</param>
/// <param name="Cluster">Its cluster; its id, if it is its own.</param>
/// <param name="Drawn">Graded answers, at least one.</param>
/// <param name="Correct">Those that are correct.</param>
public sealed record ProblemCounts(string ProblemId, string Cluster, int Drawn, int Correct)
{
    internal double Rate => Correct / (double)Drawn;
}

/// <summary>Two evaluations, paired by problem.</summary>
/// <param name="Comparison">Pass@1 of the second minus the first, over the problems that both have.</param>
/// <param name="Margin">Differences smaller than this do not matter.</param>
/// <param name="Gained">Problems solved more often by the second, beyond sampling noise; the clearest first.</param>
/// <param name="Lost">Problems solved less often by the second, likewise.</param>
/// <param name="OnlyFirst">Problems that the second lacks: left out.</param>
/// <param name="OnlySecond">Problems that the first lacks: left out.</param>
public sealed record EvaluationComparison(
    Comparison Comparison, double Margin,
    IReadOnlyList<ProblemChange> Gained, IReadOnlyList<ProblemChange> Lost,
    IReadOnlyList<string> OnlyFirst, IReadOnlyList<string> OnlySecond)
{
    /// <summary>Share of the listed changes that may be chance (Benjamini and Hochberg).</summary>
    private const double FalseDiscoveries = 0.1;

    /// <summary>Compares two evaluations.</summary>
    /// <param name="first">The earlier, or the baseline.</param>
    /// <param name="second">The later.</param>
    /// <param name="names">What the two are called.</param>
    /// <param name="margin">Differences smaller than this do not matter; a share.</param>
    /// <param name="seed">Of the random draws.</param>
    /// <returns>Null when they share no problem.</returns>
    public static EvaluationComparison? Of(
        IReadOnlyList<ProblemCounts> first, IReadOnlyList<ProblemCounts> second, (string First, string Second) names, double margin, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNegative(margin);
        var later = second.ToDictionary(counts => counts.ProblemId, StringComparer.Ordinal);
        var ids = first.Select(counts => counts.ProblemId).ToHashSet(StringComparer.Ordinal);
        var pairs = first.Where(counts => later.ContainsKey(counts.ProblemId)).Select(counts => (Before: counts, After: later[counts.ProblemId])).ToList();
        if (pairs.Count == 0)
        {
            return null;
        }

        var contrast = new Contrast(names.Second, names.First, [.. pairs.Select(pair => pair.After.Rate - pair.Before.Rate)]);
        var means = new ClusteredMean(pairs.Select(pair => pair.After.Cluster));
        var family = PairedComparison.Family("", [contrast], means, margin, seed);
        var changes = ProblemChange.Clear(pairs, FalseDiscoveries);
        return new(
            family.Members[0], margin,
            [.. changes.Where(change => change.After > change.Before)],
            [.. changes.Where(change => change.After < change.Before)],
            [.. first.Select(counts => counts.ProblemId).Where(id => !later.ContainsKey(id))],
            [.. second.Select(counts => counts.ProblemId).Where(id => !ids.Contains(id))]);
    }
}

/// <summary>A problem whose pass rate changed.</summary>
/// <param name="ProblemId">The problem.</param>
/// <param name="Before">Pass rate in the first evaluation.</param>
/// <param name="After">Pass rate in the second.</param>
/// <param name="PValue">Fisher's exact test, two-sided; null where each has a single answer, and the answer flipped.</param>
public sealed record ProblemChange(string ProblemId, double Before, double After, double? PValue)
{
    /// <summary>The changes that stand out from sampling noise, the clearest first; of single answers, all that flipped.</summary>
    internal static List<ProblemChange> Clear(IReadOnlyList<(ProblemCounts Before, ProblemCounts After)> pairs, double falseDiscoveries)
    {
        var changes = pairs.Where(pair => pair.Before.Rate != pair.After.Rate)
            .Select(pair => new ProblemChange(
                pair.After.ProblemId, pair.Before.Rate, pair.After.Rate,
                pair is { Before.Drawn: 1, After.Drawn: 1 } ? null : Fisher(pair.Before, pair.After)))
            .OrderBy(change => change.PValue ?? 0).ThenBy(change => change.ProblemId, StringComparer.Ordinal)
            .ToList();
        var flips = changes.TakeWhile(change => change.PValue is null).Count();
        // The last rank at which the p-value is below its line; problems that did not change count as tests too.
        var last = changes.FindLastIndex(change => change.PValue is { } p && p <= falseDiscoveries * (changes.IndexOf(change) - flips + 1) / pairs.Count);
        return changes[..(Math.Max(last + 1, flips))];
    }

    /// <summary>The chance, had both the same rate, of a split of the correct answers no likelier than the one seen.</summary>
    internal static double Fisher(ProblemCounts before, ProblemCounts after)
    {
        var (n, correct) = (before.Drawn + after.Drawn, before.Correct + after.Correct);
        var seen = Chance(before.Correct);
        return Math.Min(1, Enumerable.Range(0, Math.Min(correct, before.Drawn) + 1).Select(Chance).Where(chance => chance <= seen * (1 + 1e-9)).Sum());

        double Chance(int x) => Binomials.Hypergeometric(n, correct, before.Drawn, x);
    }
}
