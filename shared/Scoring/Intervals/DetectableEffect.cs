namespace Hindsight.Scoring;

/// <summary>The smallest true difference that a two-sided test at 5 % finds four times in five.</summary>
public static class DetectableEffect
{
    private const double Power = 0.8;

    /// <summary>For a difference whose standard error has been measured, with Student-t for the clusters there are.</summary>
    /// <returns>In the unit of the difference; at most 1; null where no spread was seen: with one cluster, or where all differences are equal.</returns>
    internal static double? Of(double standardError, int clusters)
    {
        if (clusters < 2 || standardError == 0)
        {
            return null;
        }

        var t = StudentT.TwoSidedQuantile(ClusteredMean.Confidence, clusters - 1) + StudentT.TwoSidedQuantile((2 * Power) - 1, clusters - 1);
        return Math.Min(1, t * standardError);
    }

    /// <summary>Before anything is drawn: the detectable difference of two pass rates, each from k samples of the same problems, paired.</summary>
    /// <param name="problems">N.</param>
    /// <param name="samples">k, of each problem and side.</param>
    /// <param name="meanRate">Mean pass rate over problems.</param>
    /// <param name="rateVariance">Variance of the pass rate between problems.</param>
    /// <param name="correlation">Of the problems' pass rates on the two sides; 0 is what an unpaired test amounts to.</param>
    public static double Planned(int problems, int samples, double meanRate, double rateVariance, double correlation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(problems);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        ArgumentOutOfRangeException.ThrowIfNegative(rateVariance);
        var sampling = Math.Max(0, (meanRate * (1 - meanRate)) - rateVariance) / samples;
        var variance = 2 * ((rateVariance * (1 - correlation)) + sampling) / problems;
        return (Normal.TwoSidedQuantile(ClusteredMean.Confidence) + Normal.TwoSidedQuantile((2 * Power) - 1)) * Math.Sqrt(variance);
    }
}
