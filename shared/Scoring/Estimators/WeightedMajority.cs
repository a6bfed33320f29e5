namespace Hindsight.Scoring;

/// <summary>
/// Weighted majority: the class whose votes have the largest sum of weights (rewards) wins; ties share the win evenly. The k answers are
/// drawn as for <see cref="MajAtK"/>. Exact when all samples are used or one is; otherwise by seeded draws with their standard error.
/// </summary>
internal static class WeightedMajority
{
    /// <param name="samples">By checkpoint, in training order: the class of each sample and its weight, at least 0.</param>
    /// <param name="correct">By class.</param>
    /// <param name="k">The budget.</param>
    /// <param name="t">Over how many of the newest checkpoints it is spread.</param>
    /// <param name="draws">Monte Carlo draws.</param>
    /// <param name="stream">The problem's own random stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quota exceeds the samples drawn, or a weight is negative or not a number.</exception>
    public static MajAtK.Result Estimate(
        IReadOnlyList<IReadOnlyList<(int Class, double Weight)>> samples, bool[] correct, int k, int t, int draws, RandomStream stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(t, samples.Count);
        var quotas = Quota.RoundRobin(k, t);
        var pools = new (int Class, double Weight)[t][];
        for (var j = 0; j < t; j++)
        {
            pools[j] = [.. samples[^(j + 1)]];
            ArgumentOutOfRangeException.ThrowIfGreaterThan(quotas[j], pools[j].Length, nameof(k));
            if (!Array.TrueForAll(pools[j], sample => sample.Weight >= 0 && double.IsFinite(sample.Weight)))
            {
                throw new ArgumentOutOfRangeException(nameof(samples), "A weight must be a number that is not negative.");
            }
        }

        if (k == 1)
        {
            return new(pools[0].Average(sample => correct[sample.Class] ? 1.0 : 0), 0);
        }

        var all = Enumerable.Range(0, t).All(j => quotas[j] == pools[j].Length);
        var votes = new double[correct.Length];
        double sum = 0, squares = 0;
        draws = all ? 1 : draws;
        for (var draw = 0; draw < draws; draw++)
        {
            Array.Fill(votes, -1);
            for (var j = 0; j < t; j++)
            {
                var pool = pools[j];
                for (var s = 0; s < quotas[j]; s++)
                {
                    var pick = s + stream.Next(pool.Length - s);
                    (pool[s], pool[pick]) = (pool[pick], pool[s]);
                    votes[pool[s].Class] = Math.Max(0, votes[pool[s].Class]) + pool[s].Weight;
                }
            }

            var share = Share(votes, correct);
            sum += share;
            squares += share * share;
        }

        var mean = sum / draws;
        return new(mean, draws > 1 ? Math.Max(0, (squares / draws) - (mean * mean)) / (draws - 1) : 0);
    }

    /// <summary>The share of correct classes among those of largest weight. Sums that differ by rounding alone are tied; a class without votes has −1.</summary>
    internal static double Share(double[] votes, bool[] correct)
    {
        var most = votes.Max() * (1 - 1e-12);
        int tied = 0, right = 0;
        for (var c = 0; c < votes.Length; c++)
        {
            if (votes[c] >= most)
            {
                tied++;
                right += correct[c] ? 1 : 0;
            }
        }

        return right / (double)tied;
    }
}
