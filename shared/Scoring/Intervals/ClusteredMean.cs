namespace Hindsight.Scoring;

/// <summary>
/// The mean over problems with its 95 % interval for new problems of the same kind. The unit is the cluster of problems: samples are
/// averaged within a problem first, so their noise is already in the spread between problems. Student-t with (clusters − 1) degrees of
/// freedom and the cluster-robust standard error (for clusters of one problem: the ordinary one).
/// </summary>
/// <remarks>
/// Where all clusters agree the spread is 0 and Student-t would claim certainty. Then the rule of three speaks, in its exact form: with
/// 95 % confidence problems unlike those seen are less than p = 1 − 0.05^(1/clusters) of all, and they may have any value in the range.
/// With one cluster nothing is known about the spread, and the interval is the whole range.
/// </remarks>
internal sealed class ClusteredMean
{
    public const double Confidence = 0.95;

    /// <summary>Below this a standard error is rounding, and all clusters agree.</summary>
    private const double NoSpread = 1e-12;

    private readonly int[] clusterOf;

    /// <param name="clusters">The cluster of each problem.</param>
    public ClusteredMean(IEnumerable<string> clusters)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        clusterOf = [.. clusters.Select(cluster => ids.TryAdd(cluster, ids.Count) ? ids.Count - 1 : ids[cluster])];
        Clusters = ids.Count;
        CriticalT = Clusters > 1 ? StudentT.TwoSidedQuantile(Confidence, Clusters - 1) : double.PositiveInfinity;
    }

    /// <summary>How many clusters there are.</summary>
    public int Clusters { get; }

    /// <summary>Standard errors from the mean to an end of the interval.</summary>
    public double CriticalT { get; }

    /// <summary>A mean of shares: values and interval lie in [0, 1].</summary>
    public Estimate Share(IReadOnlyList<double> values) => Within(0, Sums(values), CriticalT, Confidence);

    /// <summary>A mean of paired differences of shares: values and interval lie in [−1, 1].</summary>
    public Estimate Difference(IReadOnlyList<double> values) => Within(-1, Sums(values), CriticalT, Confidence);

    /// <summary>
    /// The ratio of two means over problems, Σ numerators / Σ denominators, with values in [0, 1]; its interval is that of the mean of
    /// (numerator − ratio · denominator) / mean denominator. Null when the denominators sum to 0.
    /// </summary>
    public Estimate? Ratio(IReadOnlyList<double> numerators, IReadOnlyList<double> denominators)
    {
        var scale = denominators.Average();
        if (!(scale > 0))
        {
            return null;
        }

        var ratio = numerators.Average() / scale;
        var spread = Sums([.. numerators.Zip(denominators, (n, d) => (n - (ratio * d)) / scale)]);
        return Within(0, spread with { Mean = ratio }, CriticalT, Confidence);
    }

    /// <summary>The mean, and what each cluster adds to its error.</summary>
    public ClusterSums Sums(IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Count, clusterOf.Length);
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        var mean = values.Average();
        var influence = new double[Clusters];
        for (var i = 0; i < values.Count; i++)
        {
            influence[clusterOf[i]] += values[i] - mean;
        }

        var factor = Clusters > 1 ? Math.Sqrt(Clusters / (Clusters - 1.0)) / values.Count : 0;
        var variance = 0.0;
        for (var g = 0; g < influence.Length; g++)
        {
            influence[g] *= factor;
            variance += influence[g] * influence[g];
        }

        return new(mean, influence, Math.Sqrt(variance));
    }

    /// <summary>Sums of the values by cluster.</summary>
    public double[] Totals(IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Count, clusterOf.Length);
        var totals = new double[Clusters];
        for (var i = 0; i < values.Count; i++)
        {
            totals[clusterOf[i]] += values[i];
        }

        return totals;
    }

    /// <summary>The interval of a mean in [least, 1] that reaches <paramref name="critical"/> standard errors to either side.</summary>
    /// <param name="least">0 for shares, −1 for differences.</param>
    /// <param name="sums">The mean.</param>
    /// <param name="critical">Standard errors to either side.</param>
    /// <param name="confidence">What the rule of three is to hold with, where there is no spread.</param>
    public Estimate Within(double least, ClusterSums sums, double critical, double confidence)
    {
        var mean = sums.Mean;
        if (Clusters == 1)
        {
            return new(mean, least, 1);
        }

        if (sums.StandardError < NoSpread)
        {
            var unseen = 1 - Math.Pow(1 - confidence, 1.0 / Clusters);
            return new(mean, (mean * (1 - unseen)) + (least * unseen), (mean * (1 - unseen)) + unseen);
        }

        var margin = critical * sums.StandardError;
        return new(mean, Math.Max(least, mean - margin), Math.Min(1, mean + margin));
    }
}

/// <summary>A mean over problems and its spread between clusters.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Influence">By cluster; their squares sum to the squared standard error.</param>
/// <param name="StandardError">Cluster-robust; 0 with one cluster, where it is not known.</param>
internal sealed record ClusterSums(double Mean, double[] Influence, double StandardError);
