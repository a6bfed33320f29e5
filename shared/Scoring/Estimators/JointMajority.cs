namespace Hindsight.Scoring;

/// <summary>
/// Maj@k over several checkpoints, exactly, in the cheaper of two ways: by the votes of each class in all (two or three classes), or by the
/// answers used up at each checkpoint (small quotas), where the win is shared among ties as in <see cref="OneCheckpointMajority"/>.
/// </summary>
internal static class JointMajority
{
    public static double Exact(MajAtK.Ballot ballot, int[] quotas, int[] drawn) =>
        ByVotesWork(ballot, quotas) <= ByUseWork(ballot, quotas) ? ByVotes(ballot, quotas, drawn) : ByUse(ballot, quotas, drawn);

    /// <summary>An upper bound of the additions.</summary>
    public static double Work(MajAtK.Ballot ballot, int[] quotas) => Math.Min(ByVotesWork(ballot, quotas), ByUseWork(ballot, quotas));

    private static double ByVotesWork(MajAtK.Ballot ballot, int[] quotas)
    {
        if (ballot.Counts.Length is < 2 or > 3)
        {
            return double.PositiveInfinity;
        }

        var states = 1.0;
        var work = 0.0;
        for (var j = 0; j < quotas.Length; j++)
        {
            var picks = 1.0;
            for (var c = 1; c < ballot.Counts.Length; c++)
            {
                picks *= Math.Min(ballot.Counts[c][j], quotas[j]) + 1;
            }

            work += states * picks;
            states = Math.Min(states * picks, Math.Pow(quotas[..(j + 1)].Sum() + 1, ballot.Counts.Length - 1));
        }

        return work;
    }

    private static double ByVotes(MajAtK.Ballot ballot, int[] quotas, int[] drawn)
    {
        // chance[a, b]: of a votes for the last class and b for the one before, if there are three. The first class has the rest.
        var k = quotas.Sum();
        var size = k + 1;
        int[] last = ballot.Counts[^1], middle = ballot.Counts.Length == 3 ? ballot.Counts[1] : new int[quotas.Length];
        var chance = new double[size * size];
        chance[0] = 1;
        int mostA = 0, mostB = 0;
        for (var j = 0; j < quotas.Length; j++)
        {
            var next = new double[size * size];
            var (reachA, reachB) = (Math.Min(last[j], quotas[j]), Math.Min(middle[j], quotas[j]));
            for (var x = 0; x <= reachA; x++)
            {
                for (var y = 0; y <= Math.Min(reachB, quotas[j] - x); y++)
                {
                    var pick = Binomials.Choose(last[j], x) * Binomials.Choose(middle[j], y)
                        * (Binomials.Choose(drawn[j] - last[j] - middle[j], quotas[j] - x - y) / Binomials.Choose(drawn[j], quotas[j]));
                    if (pick == 0)
                    {
                        continue;
                    }

                    for (var a = 0; a <= mostA; a++)
                    {
                        for (var b = 0; b <= mostB; b++)
                        {
                            next[((a + x) * size) + b + y] += pick * chance[(a * size) + b];
                        }
                    }
                }
            }

            chance = next;
            mostA += reachA;
            mostB += reachB;
        }

        var won = 0.0;
        Span<int> votes = stackalloc int[3];
        for (var a = 0; a <= mostA; a++)
        {
            for (var b = 0; b <= Math.Min(mostB, k - a); b++)
            {
                (votes[0], votes[1], votes[2]) = (k - a - b, b, a);
                var most = Math.Max(votes[0], Math.Max(votes[1], votes[2]));
                int tied = 0, right = 0;
                for (var c = 0; c < 3; c++)
                {
                    if (votes[c] == most)
                    {
                        tied++;
                        // With two classes the middle one has no votes and cannot be among the most frequent.
                        right += ballot.Correct[c == 2 ? ballot.Correct.Length - 1 : c] ? 1 : 0;
                    }
                }

                won += chance[(a * size) + b] * right / tied;
            }
        }

        return Math.Min(1, won);
    }

    private static double ByUseWork(MajAtK.Ballot ballot, int[] quotas)
    {
        var states = quotas.Aggregate(1.0, (product, quota) => product * (quota + 1));
        if (states > 1e5)
        {
            return double.PositiveInfinity;
        }

        var k = quotas.Sum();
        var most = ballot.Counts.Select(counts => Most(counts, quotas)).ToArray();
        var work = 0.0;
        for (var winner = 0; winner < most.Length; winner++)
        {
            for (var w = 1; ballot.Correct[winner] && w <= most[winner]; w++)
            {
                var rivals = 0;
                var picks = 0.0;
                for (var c = 0; c < most.Length; c++)
                {
                    if (most[c] >= w && c != winner)
                    {
                        rivals++;
                        picks += ballot.Counts[c].Zip(quotas).Aggregate(1.0, (product, pair) => product * (Math.Min(w, Math.Min(pair.First, pair.Second)) + 1));
                    }
                }

                work += states * (picks + 1) * ((Math.Min(rivals, (k / w) - 1) / 2) + 1);
            }
        }

        return work;
    }

    private static double ByUse(MajAtK.Ballot ballot, int[] quotas, int[] drawn)
    {
        var k = quotas.Sum();
        var stride = new int[quotas.Length];
        var size = 1;
        for (var j = 0; j < quotas.Length; j++)
        {
            stride[j] = size;
            size *= quotas[j] + 1;
        }

        var won = 0.0;
        for (var winner = 0; winner < ballot.Counts.Length; winner++)
        {
            for (var w = 1; ballot.Correct[winner] && w <= Most(ballot.Counts[winner], quotas); w++)
            {
                var rivals = ballot.Counts.Where((counts, c) => c != winner && Most(counts, quotas) >= w)
                    .Select(counts => Picks(counts, quotas, stride, w).ToArray()).ToList();
                var pool = Enumerable.Range(0, quotas.Length)
                    .Select(j => ballot.Counts.Where((counts, c) => c != winner && Most(counts, quotas) < w).Sum(counts => counts[j])).ToArray();
                var start = Picks(ballot.Counts[winner], quotas, stride, w).Where(pick => pick.Total == w).ToList();
                foreach (var (node, weight) in GaussLegendre.OnUnit(Math.Min(rivals.Count, (k / w) - 1)))
                {
                    var ways = new double[size];
                    start.ForEach(pick => ways[pick.Offset] = pick.Ways);
                    foreach (var rival in rivals)
                    {
                        ways = Take(ways, rival, w, node, quotas, stride);
                    }

                    won += weight * FillUp(ways, pool, quotas, stride);
                }
            }
        }

        return Math.Min(1, quotas.Select((quota, j) => Binomials.Choose(drawn[j], quota)).Aggregate(won, (value, ways) => value / ways));
    }

    /// <summary>A choice of answers from one class: <paramref name="Offset"/> is what it adds to the state.</summary>
    private readonly record struct Pick(int Offset, int Total, int[] Taken, double Ways);

    private static double[] Take(double[] ways, Pick[] picks, int w, double u, int[] quotas, int[] stride)
    {
        var next = new double[ways.Length];
        for (var state = 0; state < ways.Length; state++)
        {
            if (ways[state] == 0)
            {
                continue;
            }

            foreach (var pick in picks)
            {
                if (Fits(state, pick.Taken, quotas, stride))
                {
                    next[state + pick.Offset] += ways[state] * pick.Ways * (pick.Total == w ? u : 1);
                }
            }
        }

        return next;
    }

    private static double FillUp(double[] ways, int[] pool, int[] quotas, int[] stride)
    {
        var sum = 0.0;
        for (var state = 0; state < ways.Length; state++)
        {
            var here = ways[state];
            for (var j = 0; j < quotas.Length && here != 0; j++)
            {
                here *= Binomials.Choose(pool[j], quotas[j] - (state / stride[j] % (quotas[j] + 1)));
            }

            sum += here;
        }

        return sum;
    }

    private static bool Fits(int state, int[] taken, int[] quotas, int[] stride)
    {
        for (var j = 0; j < taken.Length; j++)
        {
            if ((state / stride[j] % (quotas[j] + 1)) + taken[j] > quotas[j])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>All ways to take at most <paramref name="most"/> answers of a class within the quotas.</summary>
    private static IEnumerable<Pick> Picks(int[] counts, int[] quotas, int[] stride, int most)
    {
        var taken = new int[counts.Length];
        while (true)
        {
            var total = taken.Sum();
            if (total <= most)
            {
                var ways = 1.0;
                var offset = 0;
                for (var j = 0; j < taken.Length; j++)
                {
                    ways *= Binomials.Choose(counts[j], taken[j]);
                    offset += taken[j] * stride[j];
                }

                yield return new(offset, total, [.. taken], ways);
            }

            var digit = 0;
            while (digit < taken.Length && taken[digit] == Math.Min(counts[digit], quotas[digit]))
            {
                taken[digit++] = 0;
            }

            if (digit == taken.Length)
            {
                yield break;
            }

            taken[digit]++;
        }
    }

    /// <summary>The most votes that a class can get.</summary>
    private static int Most(int[] counts, int[] quotas)
    {
        var most = 0;
        for (var j = 0; j < counts.Length; j++)
        {
            most += Math.Min(counts[j], quotas[j]);
        }

        return most;
    }
}
