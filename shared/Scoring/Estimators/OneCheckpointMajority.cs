namespace Hindsight.Scoring;

/// <summary>
/// Maj@k of one checkpoint, exactly. Sums over the winning class and its count w the ways to draw at most w of every other class. Classes
/// that cannot reach w are one pool without limits. The even share of a win among ties, 1 / (ties + 1), is ∫₀¹ uᵗⁱᵉˢ du: at each node of a
/// Gauss-Legendre rule, which is exact for the polynomial in u, the classes are independent factors. All terms are positive, so nothing cancels.
/// </summary>
internal static class OneCheckpointMajority
{
    /// <param name="counts">By class.</param>
    /// <param name="correct">By class.</param>
    /// <param name="drawn">n, the sum of the counts; at most <see cref="Binomials.MostItems"/>.</param>
    /// <param name="k">At most n.</param>
    public static double Exact(int[] counts, bool[] correct, int drawn, int k)
    {
        var (ways, next) = (new double[k + 1], new double[k + 1]);
        var won = 0.0;
        // Equal counts among correct classes win equally often.
        foreach (var (count, times) in counts.Where((_, c) => correct[c]).CountBy(count => count))
        {
            for (var w = 1; w <= Math.Min(count, k); w++)
            {
                // The winner itself is among those that reach w.
                var rivals = counts.Where(other => other >= w).Order().ToList();
                rivals.Remove(count);
                var pool = counts.Where(other => other < w).Sum();
                // More than k / w classes cannot reach w together.
                foreach (var (node, weight) in GaussLegendre.OnUnit(Math.Min(rivals.Count, (k / w) - 1)))
                {
                    won += times * weight * Binomials.Choose(count, w) * Ways(rivals, pool, k - w, w, node, ref ways, ref next);
                }
            }
        }

        return Math.Min(1, won / Binomials.Choose(drawn, k));
    }

    /// <summary>An upper bound of the additions.</summary>
    public static double Work(int[] counts, int k)
    {
        var work = 0.0;
        for (var w = 1; w <= Math.Min(k, counts.Max()); w++)
        {
            var rivals = counts.Count(other => other >= w);
            work += rivals * (double)k * (w + 1) * ((Math.Min(rivals, k / w) / 2) + 1);
        }

        return work * counts.Distinct().Count();
    }

    /// <summary>Ways to draw <paramref name="total"/> answers, each rival at most w times; reaching w counts <paramref name="u"/> times.</summary>
    private static double Ways(List<int> rivals, int pool, int total, int w, double u, ref double[] ways, ref double[] next)
    {
        Array.Clear(ways);
        ways[0] = 1;
        var most = 0;
        foreach (var rival in rivals)
        {
            var row = Binomials.Row(rival);
            var reach = Math.Min(total, most + w);
            Array.Clear(next, 0, reach + 1);
            for (var used = 0; used <= most; used++)
            {
                var here = ways[used];
                if (here == 0)
                {
                    continue;
                }

                var last = Math.Min(w, total - used);
                for (var taken = 0; taken <= last; taken++)
                {
                    next[used + taken] += here * (taken == w ? u * row[taken] : row[taken]);
                }
            }

            (ways, next) = (next, ways);
            most = reach;
        }

        var sum = 0.0;
        for (var used = Math.Max(0, total - pool); used <= most; used++)
        {
            sum += ways[used] * Binomials.Choose(pool, total - used);
        }

        return sum;
    }
}
