namespace Hindsight.Scoring;

/// <summary>
/// The chance that the most frequent of k answers is correct, the k drawn without replacement from the samples of the t newest checkpoints
/// by <see cref="Quota.RoundRobin"/>. Answers are classed by their normalised text; "no answer" is one class, and wrong. Tied classes
/// share the win evenly, so Maj@1 and Maj@2 both equal Pass@1 in expectation for one checkpoint.
/// </summary>
internal static class MajAtK
{
    /// <summary>Counts of one problem's answer classes at the checkpoints that take part.</summary>
    /// <param name="Counts">[class][checkpoint], the newest checkpoint first; every class occurs somewhere.</param>
    /// <param name="Correct">By class.</param>
    public sealed record Ballot(int[][] Counts, bool[] Correct);

    /// <summary>The value for one problem; <paramref name="Variance"/> is that of the Monte Carlo mean, 0 when the value is exact.</summary>
    public readonly record struct Result(double Value, double Variance);

    /// <summary>Beyond this much work (additions) for one problem the value is simulated. One checkpoint alone stays exact for longer.</summary>
    private const double WorkLimit = 2e5, WorkLimitOneCheckpoint = 5e7;

    /// <summary>Binomial coefficients beyond this overflow a double.</summary>
    private const int MostSamples = 1000;

    /// <summary>
    /// The votes of the t newest checkpoints. A class is correct when an answer of it was judged correct anywhere on the trajectory.
    /// Classes are sorted, so that neither the order of samples nor that of the runtime's hashing shows in a simulated value.
    /// </summary>
    public static Ballot BallotOf(ScoredProblem problem, int t)
    {
        var correct = problem.Trajectory.SelectMany(answers => answers.Sampled)
            .Where(answer => answer.Verdict == Verdict.Correct)
            .Select(answer => answer.Answer)
            .ToHashSet();
        var newestFirst = problem.Trajectory[^t..].Reverse()
            .Select(answers => answers.Sampled.ToLookup(answer => answer.Answer))
            .ToList();
        var classes = newestFirst.SelectMany(votes => votes.Select(vote => vote.Key)).Distinct().Order(StringComparer.Ordinal).ToList();
        return new(
            [.. classes.Select(answer => newestFirst.Select(votes => votes[answer].Count()).ToArray())],
            [.. classes.Select(answer => answer is not null && correct.Contains(answer))]);
    }

    /// <summary>Maj@k over all checkpoints of the ballot, for one problem.</summary>
    /// <param name="ballot">The problem's answers.</param>
    /// <param name="k">The budget.</param>
    /// <param name="draws">Monte Carlo draws, where they are needed.</param>
    /// <param name="stream">The problem's own random stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quota exceeds the samples drawn.</exception>
    public static Result Estimate(Ballot ballot, int k, int draws, RandomStream stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        var t = ballot.Counts[0].Length;
        var quotas = Quota.RoundRobin(k, t);
        var drawn = new int[t];
        for (var j = 0; j < t; j++)
        {
            drawn[j] = ballot.Counts.Sum(counts => counts[j]);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(quotas[j], drawn[j], nameof(k));
        }

        if (!ballot.Correct.Contains(true))
        {
            return new(0, 0);
        }

        if (!ballot.Correct.Contains(false))
        {
            return new(1, 0);
        }

        var limit = t == 1 ? WorkLimitOneCheckpoint : WorkLimit;
        return drawn.Max() <= MostSamples && Work(ballot, quotas) <= limit
            ? new(Exact(ballot, quotas, drawn), 0)
            : Simulate(ballot, quotas, draws, stream);
    }

    /// <summary>
    /// Sums over the winning class and its count w. The other classes are taken one after the other; the state is how many answers are
    /// used up at each checkpoint and how many classes have reached w as well. All terms are positive, so nothing cancels.
    /// </summary>
    internal static double Exact(Ballot ballot, int[] quotas, int[] drawn)
    {
        var k = quotas.Sum();
        var size = States(quotas, out var stride);
        var won = 0.0;
        for (var winner = 0; winner < ballot.Counts.Length; winner++)
        {
            if (!ballot.Correct[winner])
            {
                continue;
            }

            for (var w = 1; w <= MostTaken(ballot.Counts[winner], quotas); w++)
            {
                // ways[ties][state]
                var ways = Enumerable.Range(0, (k / w) + 1).Select(_ => new double[size]).ToArray();
                foreach (var pick in Picks(ballot.Counts[winner], quotas, stride, w).Where(pick => pick.Total == w))
                {
                    ways[0][pick.Offset] = pick.Ways;
                }

                for (var other = 0; other < ballot.Counts.Length; other++)
                {
                    if (other != winner)
                    {
                        ways = Add(ways, [.. Picks(ballot.Counts[other], quotas, stride, w)], w, quotas, stride);
                    }
                }

                for (var ties = 0; ties < ways.Length; ties++)
                {
                    won += ways[ties][size - 1] / (ties + 1);
                }
            }
        }

        for (var j = 0; j < quotas.Length; j++)
        {
            won /= Binomial(drawn[j], quotas[j]);
        }

        return Math.Min(won, 1);
    }

    internal static Result Simulate(Ballot ballot, int[] quotas, int draws, RandomStream stream)
    {
        var classes = ballot.Counts.Length;
        var pools = Enumerable.Range(0, quotas.Length)
            .Select(j => Enumerable.Range(0, classes).SelectMany(c => Enumerable.Repeat(c, ballot.Counts[c][j])).ToArray())
            .ToArray();
        var votes = new int[classes];
        double sum = 0, squares = 0;
        for (var draw = 0; draw < draws; draw++)
        {
            Array.Clear(votes);
            for (var j = 0; j < quotas.Length; j++)
            {
                var pool = pools[j];
                for (var s = 0; s < quotas[j]; s++)
                {
                    var pick = s + stream.Next(pool.Length - s);
                    (pool[s], pool[pick]) = (pool[pick], pool[s]);
                    votes[pool[s]]++;
                }
            }

            var most = votes.Max();
            int tied = 0, correct = 0;
            for (var c = 0; c < classes; c++)
            {
                if (votes[c] == most)
                {
                    tied++;
                    correct += ballot.Correct[c] ? 1 : 0;
                }
            }

            var share = correct / (double)tied;
            sum += share;
            squares += share * share;
        }

        var mean = sum / draws;
        return new(mean, draws > 1 ? Math.Max(0, (squares / draws) - (mean * mean)) / (draws - 1) : 0);
    }

    /// <summary>A choice of answers from one class: <paramref name="Offset"/> is what it adds to the state.</summary>
    private readonly record struct Pick(int Offset, int Total, int[] Taken, double Ways);

    private static double[][] Add(double[][] ways, Pick[] picks, int w, int[] quotas, int[] stride)
    {
        var next = Array.ConvertAll(ways, row => new double[row.Length]);
        for (var ties = 0; ties < ways.Length; ties++)
        {
            for (var state = 0; state < ways[ties].Length; state++)
            {
                var here = ways[ties][state];
                if (here == 0)
                {
                    continue;
                }

                foreach (var pick in picks)
                {
                    var tiesNow = ties + (pick.Total == w ? 1 : 0);
                    if (tiesNow < next.Length && Fits(state, pick.Taken, quotas, stride))
                    {
                        next[tiesNow][state + pick.Offset] += here * pick.Ways;
                    }
                }
            }
        }

        return next;
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
                    ways *= Binomial(counts[j], taken[j]);
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

    private static int MostTaken(int[] counts, int[] quotas) => counts.Zip(quotas, Math.Min).Sum();

    private static int States(int[] quotas, out int[] stride)
    {
        stride = new int[quotas.Length];
        var size = 1;
        for (var j = 0; j < quotas.Length; j++)
        {
            stride[j] = size;
            size *= quotas[j] + 1;
        }

        return size;
    }

    private static double Work(Ballot ballot, int[] quotas)
    {
        var k = quotas.Sum();
        var states = quotas.Aggregate(1.0, (product, quota) => product * (quota + 1));
        var work = 0.0;
        for (var winner = 0; winner < ballot.Counts.Length; winner++)
        {
            if (!ballot.Correct[winner])
            {
                continue;
            }

            for (var w = 1; w <= MostTaken(ballot.Counts[winner], quotas); w++)
            {
                foreach (var counts in ballot.Counts)
                {
                    var picks = 1.0;
                    for (var j = 0; j < quotas.Length; j++)
                    {
                        picks *= Math.Min(w, Math.Min(counts[j], quotas[j])) + 1;
                    }

                    work += states * picks * ((k / w) + 1);
                }
            }
        }

        return work;
    }

    private static double Binomial(int n, int k)
    {
        k = Math.Min(k, n - k);
        var value = 1.0;
        for (var i = 1; i <= k; i++)
        {
            value = value * (n - k + i) / i;
        }

        return value;
    }
}
