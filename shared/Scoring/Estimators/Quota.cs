namespace Hindsight.Scoring;

/// <summary>How k samples are spread over the t newest checkpoints (Temporal Sampling, arXiv 2505.20196).</summary>
internal static class Quota
{
    /// <summary>Round robin, newest first; the remainder goes to the newest checkpoints.</summary>
    /// <returns>Samples by checkpoint, the newest at index 0; length <paramref name="t"/>, sum <paramref name="k"/>.</returns>
    public static int[] RoundRobin(int k, int t)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(t);
        var quotas = new int[t];
        for (var j = 0; j < t; j++)
        {
            quotas[j] = (k / t) + (j < k % t ? 1 : 0);
        }

        return quotas;
    }
}
