namespace Hindsight.Scoring;

/// <summary>
/// The distribution of the per-problem pass rate ρ and the bound on Pass@k that it implies (arXiv 2504.10478): for k ≥ 2,
/// E[Pass@k] ≤ 1 − ((1 − μ)² + v)^(k/2), with μ the mean and v the variance of ρ over problems; equal at k = 2. Raising μ helps, raising v hurts.
/// </summary>
/// <param name="Mean">μ.</param>
/// <param name="PlugInVariance">The variance of the observed rates: too large by the sampling noise.</param>
/// <param name="Variance">v without that noise: what the unbiased E[(1 − ρ)²] leaves over (1 − μ)²; below 0 by chance at times.</param>
/// <param name="Bounds">By k.</param>
public sealed record BiasVariance(double Mean, double PlugInVariance, double Variance, IReadOnlyList<PassBound> Bounds)
{
    /// <summary>From n samples of each problem of which c are correct.</summary>
    /// <param name="counts">By problem: n, at least 2, and c.</param>
    /// <param name="budgets">The k to bound Pass@k for, each at least 2 and at most every n.</param>
    internal static BiasVariance Of(IReadOnlyList<(int Drawn, int Correct)> counts, IEnumerable<int> budgets)
    {
        var mean = counts.Average(count => count.Correct / (double)count.Drawn);
        var square = counts.Average(count => 1 - PassAtK.Estimate(count.Drawn, count.Correct, 2));
        return new(
            mean,
            counts.Average(count => Math.Pow((count.Correct / (double)count.Drawn) - mean, 2)),
            square - ((1 - mean) * (1 - mean)),
            [.. budgets.Select(k => new PassBound(k, counts.Average(count => PassAtK.Estimate(count.Drawn, count.Correct, k)), Bound(square, k)))]);
    }

    /// <summary>1 − E[(1 − ρ)²]^(k/2).</summary>
    /// <exception cref="ArgumentOutOfRangeException">k is below 2, where the inequality turns round.</exception>
    internal static double Bound(double square, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 2);
        return 1 - Math.Pow(square, k / 2.0);
    }
}

/// <summary>Pass@k beside its bound, from the unbiased E[(1 − ρ)²]. Loose where rates gather at 0 and 1: a diagnostic, not a forecast.</summary>
public sealed record PassBound(int K, double PassAtK, double Bound);
