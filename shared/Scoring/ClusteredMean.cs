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
    private const double Confidence = 0.95;

    private readonly int[] _clusterOf;
    private readonly int _clusters;
    private readonly double _quantile;

    /// <param name="clusters">The cluster of each problem.</param>
    public ClusteredMean(IEnumerable<string> clusters)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        _clusterOf = [.. clusters.Select(cluster => ids.TryAdd(cluster, ids.Count) ? ids.Count - 1 : ids[cluster])];
        _clusters = ids.Count;
        _quantile = _clusters > 1 ? StudentT.TwoSidedQuantile(Confidence, _clusters - 1) : 0;
    }

    /// <summary>A mean of shares: values and interval lie in [0, 1].</summary>
    public Estimate Share(IReadOnlyList<double> values) => Within(0, values);

    /// <summary>A mean of paired differences of shares: values and interval lie in [−1, 1].</summary>
    public Estimate Difference(IReadOnlyList<double> values) => Within(-1, values);

    private Estimate Within(double least, IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Count, _clusterOf.Length);
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        var mean = values.Average();
        if (_clusters == 1)
        {
            return new(mean, least, 1);
        }

        var residuals = new double[_clusters];
        for (var i = 0; i < values.Count; i++)
        {
            residuals[_clusterOf[i]] += values[i] - mean;
        }

        var variance = _clusters / (_clusters - 1.0) * residuals.Sum(residual => residual * residual) / ((double)values.Count * values.Count);
        if (variance < 1e-24)
        {
            var unseen = 1 - Math.Pow(1 - Confidence, 1.0 / _clusters);
            return new(mean, (mean * (1 - unseen)) + (least * unseen), (mean * (1 - unseen)) + unseen);
        }

        var margin = _quantile * Math.Sqrt(variance);
        return new(mean, Math.Max(least, mean - margin), Math.Min(1, mean + margin));
    }
}
