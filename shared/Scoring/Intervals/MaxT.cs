namespace Hindsight.Scoring;

/// <summary>
/// Critical values for several means at once: the quantile of the largest |error| of <see cref="JointNormal"/>, carried over to Student-t at
/// equal tail probability, so that a family of one has the ordinary interval.
/// </summary>
internal sealed class MaxT
{
    private readonly int clusters;
    private readonly double[] largest;

    public MaxT(IReadOnlyList<ClusterSums> family, int clusters)
    {
        this.clusters = clusters;
        var spread = family.Where(member => member.StandardError > 0).ToList();
        largest = clusters < 2 || spread.Count < 2
            ? []
            : JointNormal.Statistics(spread, errors =>
            {
                var most = 0.0;
                foreach (var error in errors)
                {
                    most = Math.Max(most, Math.Abs(error));
                }

                return most;
            });
        Array.Sort(largest);
    }

    /// <returns>Standard errors to either side at which all intervals of the family hold together.</returns>
    public double Critical(double confidence)
    {
        if (clusters < 2)
        {
            return double.PositiveInfinity;
        }

        var alone = StudentT.TwoSidedQuantile(confidence, clusters - 1);
        if (largest.Length == 0)
        {
            return alone;
        }

        var tail = Normal.TwoSidedTail(largest[(int)Math.Ceiling(confidence * largest.Length) - 1]);
        return Math.Max(alone, Bisection.Rising(t => -StudentT.TwoSidedTail(t, clusters - 1), -tail));
    }
}
