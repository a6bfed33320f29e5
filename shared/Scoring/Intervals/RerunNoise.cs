namespace Hindsight.Scoring;

/// <summary>
/// How much Pass@k|t over these very problems is known to within the samples drawn: what a re-run on the same problems may move. It says
/// nothing about other problems. The variance of each checkpoint's factor C(n−c, k) / C(n, k) is its exact variance when c is drawn again
/// from a binomial with the observed rate, times n / (n − 1), which is unbiased for k = 1.
/// </summary>
internal sealed class RerunNoise
{
    private readonly Dictionary<(int Drawn, int Correct, int K), double> variances = [];

    /// <summary>The 95 % interval (normal) of the mean over the problems; null when some problem has a single sample, which shows no spread.</summary>
    /// <param name="problems">The problems.</param>
    /// <param name="k">The budget.</param>
    /// <param name="t">Over how many of the newest checkpoints it is spread.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quota exceeds the samples drawn.</exception>
    public RerunInterval? Of(IReadOnlyList<(int[] Drawn, int[] Correct)> problems, int k, int t)
    {
        var quotas = Quota.RoundRobin(k, t);
        double sum = 0, variance = 0;
        var samples = 0L;
        foreach (var (drawn, correct) in problems)
        {
            double missed = 1, squares = 1, all = 1;
            for (var j = 0; j < t && quotas[j] > 0; j++)
            {
                var (n, c) = (drawn[^(j + 1)], correct[^(j + 1)]);
                if (n < 2)
                {
                    return null;
                }

                samples += n;
                var miss = 1 - PassAtK.Estimate(n, c, quotas[j]);
                missed *= miss;
                squares *= miss * miss;
                all *= (miss * miss) + Variance(n, c, quotas[j]);
            }

            sum += 1 - missed;
            variance += Math.Max(0, all - squares);
        }

        return Interval(sum / problems.Count, variance, problems.Count, samples, k);
    }

    /// <summary>The interval of a mean over problems, from the summed variance of their scores.</summary>
    internal static RerunInterval Interval(double value, double variance, int problems, long samples, int k)
    {
        var half = 1.959963984540054 * Math.Sqrt(variance) / problems;
        // Without any spread the rule of three over all samples: a rate of which nothing was seen is below this with 95 % confidence.
        var unseen = variance > 0 ? 0 : Math.Min(1, k * (1 - Math.Pow(0.05, 1.0 / samples)));
        return new(
            Math.Max(0, value - half - (unseen * value)),
            Math.Min(1, value + half + (unseen * (1 - value))));
    }

    private double Variance(int n, int c, int k)
    {
        if (c == 0 || c == n)
        {
            return 0;
        }

        if (variances.TryGetValue((n, c, k), out var known))
        {
            return known;
        }

        double mean = 0, square = 0, miss = 1;
        for (var drawn = 0; drawn <= n; drawn++)
        {
            var chance = Binomials.Binomial(n, drawn, c / (double)n);
            mean += chance * miss;
            square += chance * miss * miss;
            miss *= Math.Max(0, n - drawn - k) / (double)Math.Max(1, n - drawn);
        }

        return variances[(n, c, k)] = Math.Max(0, square - (mean * mean)) * n / (n - 1.0);
    }
}
