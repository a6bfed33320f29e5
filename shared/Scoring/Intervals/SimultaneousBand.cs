namespace Hindsight.Scoring;

/// <summary>Bands for whole curves: with 95 % confidence the curve for new problems of this kind lies inside at all its points at once.</summary>
internal static class SimultaneousBand
{
    /// <returns>By point of the curve.</returns>
    /// <param name="means">The clusters.</param>
    /// <param name="points">By point: the value of each problem, in [0, 1].</param>
    /// <param name="seed">Of the draws.</param>
    public static Band[] Of(ClusteredMean means, IReadOnlyList<IReadOnlyList<double>> points, ulong seed)
    {
        var sums = points.Select(means.Sums).ToList();
        var critical = MaxT.Critical(sums, means.Clusters, ClusteredMean.Confidence, seed);
        // The rule of three, where it speaks, is shared out among the points by Bonferroni.
        var confidence = 1 - ((1 - ClusteredMean.Confidence) / Math.Max(1, points.Count));
        return [.. sums.Select(point => means.Within(0, point, critical, confidence)).Select(band => new Band(band.Low, band.High))];
    }
}
