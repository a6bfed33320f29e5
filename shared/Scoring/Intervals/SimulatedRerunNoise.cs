using System.Runtime.CompilerServices;

namespace Hindsight.Scoring;

/// <summary>
/// Re-run noise of a score whose variance has no closed form (Maj@k|t, BoN@k|t): what drawing the same evaluation again with other seeds may
/// move. The n answers of every checkpoint are redrawn from those that were seen. What a redrawing varies less than an evaluation does is
/// seen by redrawing from a redrawing: the variance is raised by the ratio of the two (the iterated bootstrap; for k = 1 that is n / (n − 1)
/// exactly). A redrawing cannot show answers or rewards that were never seen.
/// </summary>
internal static class SimulatedRerunNoise
{
    /// <summary>Answers redrawn for one point of a curve, over all problems together and for each of the four sets of a repetition.</summary>
    private const int AnswersPerPoint = 100_000;

    private const int FewestRepeats = 20;

    /// <summary>Beyond this the ratio is noise.</summary>
    private const double MostRaised = 2;

    /// <summary>The 95 % interval (normal) of a mean over problems; null when some problem has a single sample, which shows no spread.</summary>
    /// <param name="value">The score that the interval is for, at the same k and t.</param>
    /// <param name="problems">By problem: what its random stream is keyed by, and the samples by checkpoint, in training order.</param>
    /// <param name="k">The budget; for 1 <see cref="RerunNoise"/> is exact.</param>
    /// <param name="t">Over how many of the newest checkpoints it is spread.</param>
    /// <param name="seed">Of the redrawings.</param>
    /// <param name="score">Makes a function that scores k drawn samples of the i-th problem; it may reuse what it computes in, as each problem has its own.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quota exceeds the samples drawn.</exception>
    public static RerunInterval? Of<T>(
        double value, IReadOnlyList<(string Id, IReadOnlyList<IReadOnlyList<T>> Samples)> problems, int k, int t, ulong seed, Func<int, Func<T[], double>> score)
    {
        var quotas = Quota.RoundRobin(k, t).Where(quota => quota > 0).ToArray();
        var newest = problems.Select(problem => quotas.Select((_, j) => problem.Samples[^(j + 1)].ToArray()).ToArray()).ToArray();
        if (newest.Any(pools => pools.Any(pool => pool.Length < 2)))
        {
            return null;
        }

        var repeats = Math.Max(FewestRepeats, AnswersPerPoint / k / problems.Count);
        var (once, twice) = (new double[problems.Count], new double[problems.Count]);
        Parallel.For(0, once.Length, i => (once[i], twice[i]) = new Redrawing<T>(quotas, score(i), RandomStream.For(seed, $"{problems[i].Id} again")).Variances(newest[i], repeats));
        return RerunNoise.Interval(value, Variance(once.Sum(), twice.Sum()), problems.Count, newest.Sum(pools => pools.Sum(pool => (long)pool.Length)), k);
    }

    /// <summary>The variance, from that of redrawings and that of redrawings from redrawings.</summary>
    internal static double Variance(double once, double twice) =>
        once <= 0 ? 0 : once * (twice <= once / MostRaised ? MostRaised : Math.Max(1, once / twice));

    /// <summary>Redraws the answers of one problem.</summary>
    /// <param name="quotas">Answers to draw by checkpoint.</param>
    /// <param name="score">The score of what was drawn.</param>
    /// <param name="stream">The problem's own random stream.</param>
    internal sealed class Redrawing<T>(int[] quotas, Func<T[], double> score, RandomStream stream)
    {
        private readonly T[] one = new T[quotas.Sum()], other = new T[quotas.Sum()];

        private RandomStream stream = stream;

        /// <summary>The variance of the mean of the score over all ways to draw the quotas, the pools being redrawn once and twice. Unbiased; may be below zero.</summary>
        public (double Once, double Twice) Variances(T[][] pools, int repeats)
        {
            for (var j = 0; j < pools.Length; j++)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThan(quotas[j], pools[j].Length, nameof(pools));
            }

            var places = Array.ConvertAll(pools, pool => Enumerable.Range(0, pool.Length).ToArray());
            var once = Variance(pools, places, repeats);
            // A redrawn pool costs as much as several small sets out of it, and so serves several.
            var each = Math.Max(1, pools.Sum(pool => pool.Length) / one.Length);
            var again = (repeats + each - 1) / each;
            var (redrawn, twice) = (Array.ConvertAll(pools, pool => new T[pool.Length]), 0.0);
            for (var r = 0; r < again; r++)
            {
                for (var j = 0; j < pools.Length; j++)
                {
                    for (var s = 0; s < redrawn[j].Length; s++)
                    {
                        redrawn[j][s] = pools[j][stream.Next(pools[j].Length)];
                    }
                }

                twice += Variance(redrawn, places, each);
            }

            return (once, twice / again);
        }

        /// <summary>
        /// Two sets out of the same redrawn n are independent with the estimate as their mean, so their covariance over the redrawings is the
        /// estimate's variance, without computing the estimate.
        /// </summary>
        private double Variance(T[][] pools, int[][] places, int repeats)
        {
            var sum = 0.0;
            for (var r = 0; r < repeats; r++)
            {
                Redraw(pools, places);
                var (a, b) = (score(one), score(other));
                Redraw(pools, places);
                sum += (a - score(one)) * (b - score(other)) / 2;
            }

            return sum / repeats;
        }

        /// <summary>Draws n anew and takes two sets out of them. The first set is the first places; of the rest only what the other set takes is ever drawn.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A long loop that is entered once: it must not start in the slow tier.
        private void Redraw(T[][] pools, int[][] places)
        {
            var from = 0;
            for (var j = 0; j < pools.Length; j++)
            {
                var (pool, place, quota) = (pools[j], places[j], quotas[j]);
                for (var s = 0; s < quota; s++)
                {
                    one[from + s] = pool[stream.Next(pool.Length)];
                }

                for (var s = 0; s < quota; s++)
                {
                    var pick = s + stream.Next(place.Length - s);
                    (place[s], place[pick]) = (place[pick], place[s]);
                    other[from + s] = place[s] < quota ? one[from + place[s]] : pool[stream.Next(pool.Length)];
                }

                from += quota;
            }
        }
    }
}
