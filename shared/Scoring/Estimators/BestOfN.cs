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

        quotas = quotas[..newest.Count];
        var byReward = newest.SelectMany((drawn, j) => drawn.Select(sample => (Reward: sample.Reward ?? double.NegativeInfinity, sample.Correct, Checkpoint: j)))
            .OrderBy(sample => sample.Reward).ToList();
        var (below, tied, correct) = (new int[quotas.Length], new int[quotas.Length], new int[quotas.Length]);
        // By checkpoint: the chance that all its answers lie below the level.
        var allBelow = new double[quotas.Length];
        var won = 0.0;
        for (var from = 0; from < byReward.Count;)
        {
            var (_, right, only) = byReward[from];
            var to = from + 1;
            if (to == byReward.Count || byReward[to].Reward != byReward[from].Reward)
            {
                // No tie. Of the drawings without an answer above this one, a share of k in below + 1 holds it.
                var upTo = AllAmong(newest[only].Count, below[only] + 1, quotas[only]);
                if (right)
                {
                    var here = upTo * quotas[only] / (below[only] + 1);
                    for (var j = 0; j < quotas.Length && here != 0; j++)
                    {
                        here *= j == only ? 1 : allBelow[j];
                    }

                    won += here;
                }

                below[only]++;
                allBelow[only] = upTo;
            }
            else
            {
                Array.Clear(tied);
                Array.Clear(correct);
                for (to = from; to < byReward.Count && byReward[to].Reward == byReward[from].Reward; to++)
                {
                    tied[byReward[to].Checkpoint]++;
                    correct[byReward[to].Checkpoint] += byReward[to].Correct ? 1 : 0;
                }

                won += Level(newest, quotas, below, tied, correct);
                for (var j = 0; j < below.Length; j++)
                {
                    below[j] += tied[j];
                    allBelow[j] = AllAmong(newest[j].Count, below[j], quotas[j]);
                }
            }

            from = to;
        }

        return Math.Min(1, won);
    }

    /// <summary>The share of correct answers among those of highest reward.</summary>
    public static double Share(IReadOnlyList<(double? Reward, bool Correct)> drawn)
    {
        var (most, tied, right) = (double.NegativeInfinity, 0, 0);
        foreach (var (reward, correct) in drawn)
        {
            var given = reward ?? double.NegativeInfinity;
            if (given > most)
            {
                (most, tied, right) = (given, 0, 0);
            }

            if (given == most)
            {
                tied++;
                right += correct ? 1 : 0;
            }
        }

        return right / (double)tied;
    }

    /// <summary>The chance that k of n answers all lie among a certain few.</summary>
    private static double AllAmong(int n, int few, int k) => Binomials.Hypergeometric(n, few, k, k);

    /// <summary>The chance that the highest reward drawn is of this level and the answer picked there is correct.</summary>
    private static double Level(
        List<IReadOnlyList<(double? Reward, bool Correct)>> newest, int[] quotas, int[] below, int[] tied, int[] correct)
    {
        for (var j = 0; j < quotas.Length; j++)
        {
            if (below[j] + tied[j] < quotas[j])
            {
                return 0; // Something above is drawn for certain.
            }
        }

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
        AllAmong(n, below + tied, k) * Binomials.Hypergeometric(below + tied, tied, k, y);
}
