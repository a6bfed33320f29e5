namespace Hindsight.Scoring;

/// <summary>One difference to be tested: a value for each problem.</summary>
internal sealed record Contrast(string Of, string Against, double[] Differences)
{
    public static Contrast Between(string of, double[] values, string against, double[] others) =>
        new(of, against, [.. values.Zip(others, (value, other) => value - other)]);
}

/// <summary>Paired comparisons, corrected for the family they were declared in.</summary>
internal static class PairedComparison
{
    public static ComparisonFamily Family(string name, IReadOnlyList<Contrast> contrasts, ClusteredMean means, double margin, ulong seed)
    {
        if (contrasts.Count == 0)
        {
            return new(name, margin, []);
        }

        var sums = contrasts.Select(contrast => means.Sums(contrast.Differences)).ToList();
        var pValues = SignFlips.Test([.. contrasts.Select(contrast => means.Totals(contrast.Differences))], seed);
        var critical = MaxT.Critical(sums, means.Clusters, ClusteredMean.Confidence, seed);
        // Two one-sided tests at 5 % are one interval at 90 %. Where there is no spread, the rule of three is shared out by Bonferroni.
        var oneSided = MaxT.Critical(sums, means.Clusters, 1 - (2 * (1 - ClusteredMean.Confidence)), seed);
        var shared = (1 - ClusteredMean.Confidence) / contrasts.Count;
        return new(name, margin,
        [
            .. contrasts.Select((contrast, m) =>
            {
                var together = means.Within(-1, sums[m], critical, 1 - shared);
                return new Comparison(
                    contrast.Of, contrast.Against, contrast.Differences.Length, means.Clusters,
                    means.Difference(contrast.Differences), together,
                    pValues[m].Alone, pValues[m].Adjusted,
                    DetectableEffect.Of(sums[m].StandardError, means.Clusters),
                    Outcome(together, means.Within(-1, sums[m], oneSided, 1 - (2 * shared)), margin),
                    contrast.Differences.Count(difference => difference > 0), contrast.Differences.Count(difference => difference < 0));
            }),
        ]);
    }

    /// <summary>What the intervals allow to be said.</summary>
    internal static Outcome Outcome(Estimate interval, Estimate equivalence, double margin) =>
        -margin < equivalence.Low && equivalence.High < margin ? Scoring.Outcome.NoDifference
        : interval.Low > 0 ? Scoring.Outcome.Gain
        : interval.High < 0 ? Scoring.Outcome.Loss
        : Scoring.Outcome.Inconclusive;
}
