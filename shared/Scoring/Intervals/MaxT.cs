namespace Hindsight.Scoring;

/// <summary>
/// Critical values for several means at once. Multiplying what each cluster adds to the errors by independent standard normal numbers
/// (the Gaussian multiplier bootstrap) gives, given the data, jointly normal errors with the observed correlations; those are drawn
/// directly. The quantile of the largest |error| is carried over to Student-t at equal tail probability, so that a family of one has the
/// ordinary interval. All families use the same draws.
/// </summary>
internal static class MaxT
{
    private const int Draws = 20_000;

    /// <returns>Standard errors to either side at which all intervals of the family hold together, with <paramref name="confidence"/>.</returns>
    public static double Critical(IReadOnlyList<ClusterSums> family, int clusters, double confidence, ulong seed)
    {
        if (clusters < 2)
        {
            return double.PositiveInfinity;
        }

        var spread = family.Where(member => member.StandardError > 0).ToList();
        var pointwise = StudentT.TwoSidedQuantile(confidence, clusters - 1);
        if (spread.Count < 2)
        {
            return pointwise;
        }

        var factor = Cholesky(spread);
        var stream = RandomStream.For(seed, "simultaneous");
        var largest = new double[Draws];
        var normal = new double[spread.Count];
        for (var draw = 0; draw < Draws; draw++)
        {
            for (var i = 0; i < normal.Length; i++)
            {
                normal[i] = stream.NextNormal();
                var error = 0.0;
                for (var j = 0; j <= i; j++)
                {
                    error += factor[i][j] * normal[j];
                }

                largest[draw] = Math.Max(largest[draw], Math.Abs(error));
            }
        }

        Array.Sort(largest);
        var together = Normal.TwoSidedTail(largest[(int)Math.Ceiling(confidence * Draws) - 1]);
        return Math.Max(pointwise, Bisection.Rising(t => -StudentT.TwoSidedTail(t, clusters - 1), -together));
    }

    /// <summary>The lower factor of the correlation matrix; a column without remaining variance (points that move together) is 0.</summary>
    private static double[][] Cholesky(List<ClusterSums> family)
    {
        var factor = family.Select((_, i) => new double[i + 1]).ToArray();
        for (var i = 0; i < factor.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var value = Correlation(family[i], family[j]);
                for (var m = 0; m < j; m++)
                {
                    value -= factor[i][m] * factor[j][m];
                }

                factor[i][j] = i == j ? Math.Sqrt(Math.Max(0, value)) : factor[j][j] > 1e-6 ? value / factor[j][j] : 0;
            }
        }

        return factor;
    }

    private static double Correlation(ClusterSums one, ClusterSums other)
    {
        var sum = 0.0;
        for (var g = 0; g < one.Influence.Length; g++)
        {
            sum += one.Influence[g] * other.Influence[g];
        }

        return sum / (one.StandardError * other.StandardError);
    }
}
