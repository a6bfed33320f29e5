namespace Hindsight.Scoring;

/// <summary>Unbiased estimators of the chance that at least one of k samples is correct.</summary>
internal static class PassAtK
{
    /// <summary>
    /// Pass@k = 1 − C(n−c, k) / C(n, k) for one problem (arXiv 2107.03374), as a product that neither overflows nor cancels.
    /// </summary>
    /// <param name="drawn">n, the samples drawn.</param>
    /// <param name="correct">c, those that are correct.</param>
    /// <param name="k">The budget.</param>
    /// <exception cref="ArgumentOutOfRangeException">k exceeds n: the value cannot be estimated, and is never clamped.</exception>
    public static double Estimate(int drawn, int correct, int k) => 1 - Miss(drawn, correct, k);

    /// <summary>
    /// Pass@k|t for one problem: 1 − ∏ⱼ C(nⱼ−cⱼ, kⱼ) / C(nⱼ, kⱼ) over the t newest checkpoints (arXiv 2505.20196).
    /// Samples of different checkpoints are independent, so the product of unbiased factors is unbiased.
    /// </summary>
    /// <param name="drawn">nⱼ by checkpoint, in training order; the last is the newest.</param>
    /// <param name="correct">cⱼ, likewise.</param>
    /// <param name="k">The budget over all t checkpoints.</param>
    /// <param name="t">How many of the newest checkpoints share it.</param>
    /// <exception cref="ArgumentOutOfRangeException">t exceeds the checkpoints, or a quota the samples drawn there.</exception>
    public static double Temporal(int[] drawn, int[] correct, int k, int t)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(t, drawn.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(correct.Length, drawn.Length);
        var quotas = Quota.RoundRobin(k, t);
        var miss = 1.0;
        for (var j = 0; j < t; j++)
        {
            miss *= Miss(drawn[^(j + 1)], correct[^(j + 1)], quotas[j]);
        }

        return 1 - miss;
    }

    private static double Miss(int drawn, int correct, int k)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(correct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(correct, drawn);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, drawn);
        if (drawn - correct < k)
        {
            return 0;
        }

        var miss = 1.0;
        for (var s = 0; s < k; s++)
        {
            miss *= (drawn - correct - s) / (double)(drawn - s);
        }

        return miss;
    }
}
