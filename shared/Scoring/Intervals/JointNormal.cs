using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Hindsight.Scoring;

/// <summary>
/// Errors of several means at once. Multiplying what each cluster adds to them by independent standard normal numbers (the Gaussian
/// multiplier bootstrap) gives, given the data, jointly normal errors with the observed spread and correlations; those are drawn directly.
/// All families, and all evaluations, use the same draws: what differs between two results is never the luck of the draw.
/// </summary>
internal static class JointNormal
{
    private const int Draws = 5_000;

    /// <summary>By number of means, rounded up to a power of two: independent standard normal numbers, draw by draw.</summary>
    private static readonly ConcurrentDictionary<int, double[]> Tables = new();

    /// <returns>By draw: the statistic of the errors, in standard errors of each mean.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A long loop that is entered once: it must not start in the slow tier.
    public static double[] Statistics(IReadOnlyList<ClusterSums> family, Func<double[], double> statistic)
    {
        var factor = Cholesky(family);
        var row = (int)BitOperations.RoundUpToPowerOf2((uint)family.Count);
        var table = Tables.GetOrAdd(row, Table);
        var (errors, statistics) = (new double[family.Count], new double[Draws]);
        for (var draw = 0; draw < Draws; draw++)
        {
            var normal = table.AsSpan(draw * row, row);
            for (var i = 0; i < errors.Length; i++)
            {
                var error = 0.0;
                var weights = factor[i];
                for (var j = 0; j < weights.Length; j++)
                {
                    error += weights[j] * normal[j];
                }

                errors[i] = error;
            }

            statistics[draw] = statistic(errors);
        }

        return statistics;
    }

    private static double[] Table(int row)
    {
        var stream = RandomStream.For(0, "joint errors");
        var table = new double[Draws * row];
        for (var i = 0; i < table.Length; i++)
        {
            table[i] = stream.NextNormal();
        }

        return table;
    }

    /// <summary>The lower factor of the correlation matrix; a column without remaining variance (means that move together) is 0.</summary>
    private static double[][] Cholesky(IReadOnlyList<ClusterSums> family)
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
        if (one.StandardError == 0 || other.StandardError == 0)
        {
            return 0;
        }

        var sum = 0.0;
        for (var g = 0; g < one.Influence.Length; g++)
        {
            sum += one.Influence[g] * other.Influence[g];
        }

        return sum / (one.StandardError * other.StandardError);
    }
}
