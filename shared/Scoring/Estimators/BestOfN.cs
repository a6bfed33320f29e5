namespace Hindsight.Scoring;

/// <summary>
/// BoN@k|t (for t = 1: Best@k): the chance that the answer of highest reward among k is correct, the k drawn without replacement from the
/// samples of the t newest checkpoints by <see cref="Quota.RoundRobin"/>. Tied rewards share the win evenly. A sample without reward comes
/// after all that have one. Exact.
/// </summary>
/// <remarks>
/// Without ties, an answer of checkpoint j wins with chance C(rⱼ, kⱼ−1)/C(nⱼ, kⱼ) · ∏ C(rₗ, kₗ)/C(nₗ, kₗ) over the other checkpoints l,
/// r being the answers below it. With ties the reward levels are taken one by one: of the answers drawn at a level with none above it, a
/// share of those drawn is correct, summed over how many are drawn.
/// </remarks>
internal static class BestOfN
{
    /// <summary>The value for one problem.</summary>
    /// <param name="samples">By checkpoint, in training order: reward and whether it is correct.</param>
    /// <param name="k">The budget.</param>
    /// <param name="t">Over how many of the newest checkpoints it is spread.</param>
    /// <exception cref="ArgumentOutOfRangeException">t exceeds the checkpoints, or a quota the samples drawn there; or k is not positive.</exception>
    public static double Exact(IReadOnlyList<IReadOnlyList<(double? Reward, bool Correct)>> samples, int k, int t)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(t, samples.Count);
        var quotas = Quota.RoundRobin(k, t);
        var newest = Enumerable.Range(0, t).Where(j => quotas[j] > 0).Select(j => samples[^(j + 1)]).ToList();
        for (var j = 0; j < newest.Count; j++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(quotas[j], newest[j].Count, nameof(k));
        }

        var byReward = newest.SelectMany((drawn, j) => drawn.Select(sample => (Reward: sample.Reward ?? double.NegativeInfinity, sample.Correct, Checkpoint: j)))
            .OrderBy(sample => sample.Reward).ToList();
        var below = new int[newest.Count];
        var (tied, correct) = (new int[newest.Count], new int[newest.Count]);
        var won = 0.0;
        for (var from = 0; from < byReward.Count;)
        {
            Array.Clear(tied);
            Array.Clear(correct);
            var to = from;
            for (; to < byReward.Count && byReward[to].Reward == byReward[from].Reward; to++)
            {
                tied[byReward[to].Checkpoint]++;
                correct[byReward[to].Checkpoint] += byReward[to].Correct ? 1 : 0;
            }

            if (correct.AsSpan().ContainsAnyExcept(0))
            {
                won += Level(newest, quotas, below, tied, correct);
            }

            for (var j = 0; j < below.Length; j++)
            {
                below[j] += tied[j];
            }

            from = to;
        }

        return Math.Min(1, won);
    }

    /// <summary>The chance that the highest reward drawn is of this level and the answer picked there is correct.</summary>
    private static double Level(
        List<IReadOnlyList<(double? Reward, bool Correct)>> newest, int[] quotas, int[] below, int[] tied, int[] correct)
    {
        // By the number drawn at this level: the chance that nothing lies above, and that times the expected number correct.
        double[] chance = [1], expected = [0];
        for (var j = 0; j < quotas.Length; j++)
        {
            var most = Math.Min(tied[j], quotas[j]);
            var (nextChance, nextExpected) = (new double[chance.Length + most], new double[chance.Length + most]);
            for (var y = Math.Max(0, quotas[j] - below[j]); y <= most; y++)
            {
                var ways = Ways(newest[j].Count, below[j], tied[j], quotas[j], y);
                var right = y == 0 ? 0 : y * (correct[j] / (double)tied[j]);
                for (var x = 0; x < chance.Length; x++)
                {
                    nextChance[x + y] += chance[x] * ways;
                    nextExpected[x + y] += ways * (expected[x] + (chance[x] * right));
                }
            }

            (chance, expected) = (nextChance, nextExpected);
        }

        var won = 0.0;
        for (var y = 1; y < expected.Length; y++)
        {
            won += expected[y] / y;
        }

        return won;
    }

    /// <summary>C(tied, y) · C(below, k − y) / C(n, k), in two factors that cannot overflow.</summary>
    private static double Ways(int n, int below, int tied, int k, int y) =>
        Binomials.Hypergeometric(n, below + tied, k, k) * Binomials.Hypergeometric(below + tied, tied, k, y);
}
