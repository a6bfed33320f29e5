using System.Runtime.CompilerServices;

namespace Hindsight.Scoring;

/// <summary>Which class wins when several have the most votes.</summary>
internal enum TieRule
{
    /// <summary>They share the win evenly.</summary>
    Even,

    /// <summary>
    /// The one that was drawn first, the newest checkpoint's answers coming first: the rule of the values published with arXiv 2505.20196. For
    /// one checkpoint it has the same expectation as <see cref="Even"/>; over several it favours the newest.
    /// </summary>
    First,
}

/// <summary>
/// The chance that the most frequent of k answers is correct, the k drawn without replacement from the samples of the t newest checkpoints
/// by <see cref="Quota.RoundRobin"/>. Answers are classed by their normalised text; "no answer" is one class, and wrong. Tied classes
/// share the win evenly unless another <see cref="TieRule"/> is declared, so Maj@1 and Maj@2 both equal Pass@1 in expectation for one checkpoint.
/// </summary>
internal static class MajAtK
{
    /// <summary>Counts of one problem's answer classes at the checkpoints that take part.</summary>
    /// <param name="Counts">[class][checkpoint], the newest checkpoint first; every class occurs somewhere.</param>
    /// <param name="Correct">By class.</param>
    public sealed record Ballot(int[][] Counts, bool[] Correct)
    {
        public int[] Drawn() => [.. Counts[0].Select((_, j) => Counts.Sum(counts => counts[j]))];
    }

    /// <summary>The value for one problem; <paramref name="Variance"/> is that of the Monte Carlo mean, 0 when the value is exact.</summary>
    public readonly record struct Result(double Value, double Variance);

    /// <summary>Beyond this much work (additions) for one problem and point the value is simulated. One checkpoint alone stays exact for longer.</summary>
    private const double WorkLimit = 3e4, WorkLimitOneCheckpoint = 2e8;

    /// <summary>Maj@k over all checkpoints of the ballot, for one problem.</summary>
    /// <param name="ballot">The problem's answers.</param>
    /// <param name="k">The budget.</param>
    /// <param name="draws">Monte Carlo draws, where they are needed.</param>
    /// <param name="stream">The problem's own random stream.</param>
    /// <param name="ties">Which class wins among those with the most votes.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quota exceeds the samples drawn.</exception>
    public static Result Estimate(Ballot ballot, int k, int draws, RandomStream stream, TieRule ties = TieRule.Even)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        var drawn = ballot.Drawn();
        var quotas = Quota.RoundRobin(k, drawn.Length);
        for (var j = 0; j < drawn.Length; j++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(quotas[j], drawn[j], nameof(k));
        }

        // Checkpoints that give no answer have no say.
        var asked = quotas.Count(quota => quota > 0);
        if (asked < quotas.Length)
        {
            var present = Enumerable.Range(0, ballot.Counts.Length).Where(c => ballot.Counts[c].AsSpan(0, asked).ContainsAnyExcept(0)).ToArray();
            ballot = new([.. present.Select(c => ballot.Counts[c][..asked])], [.. present.Select(c => ballot.Correct[c])]);
            (quotas, drawn) = (quotas[..asked], drawn[..asked]);
        }

        if (!ballot.Correct.Contains(true))
        {
            return new(0, 0);
        }

        if (!ballot.Correct.Contains(false))
        {
            return new(1, 0);
        }

        // Of two answers that differ the first wins by the rule.
        if (k == 1 || (k == 2 && ties == TieRule.First))
        {
            return new(Enumerable.Range(0, ballot.Counts.Length).Where(c => ballot.Correct[c]).Sum(c => ballot.Counts[c][0]) / (double)drawn[0], 0);
        }

        if (asked > 1 && ties == TieRule.First)
        {
            return Simulate(ballot, quotas, draws, stream, ties);
        }

        if (quotas.AsSpan().SequenceEqual(drawn))
        {
            return new(Share([.. ballot.Counts.Select(counts => counts.Sum())], ballot.Correct), 0);
        }

        if (drawn.Max() <= Binomials.MostItems)
        {
            if (quotas.Length == 1)
            {
                var (counts, n) = (Array.ConvertAll(ballot.Counts, counts => counts[0]), drawn[0]);
                if (OneCheckpointMajority.Work(counts, k) <= WorkLimitOneCheckpoint)
                {
                    return new(OneCheckpointMajority.Exact(counts, ballot.Correct, n, k), 0);
                }
            }
            else if (JointMajority.Work(ballot, quotas) <= WorkLimit)
            {
                return new(JointMajority.Exact(ballot, quotas, drawn), 0);
            }
        }

        return Simulate(ballot, quotas, draws, stream);
    }

    /// <summary>The mean over draws, and the variance of that mean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A long loop that is entered once: it must not start in the slow tier.
    internal static Result Simulate(Ballot ballot, int[] quotas, int draws, RandomStream stream, TieRule ties = TieRule.Even)
    {
        var pools = new int[quotas.Length][];
        for (var j = 0; j < pools.Length; j++)
        {
            pools[j] = [.. ballot.Counts.SelectMany((counts, c) => Enumerable.Repeat(c, counts[j]))];
        }

        var votes = new int[ballot.Counts.Length];
        var order = new int[quotas.Sum()];
        double sum = 0, squares = 0;
        for (var draw = 0; draw < draws; draw++)
        {
            Array.Clear(votes);
            var place = 0;
            for (var j = 0; j < quotas.Length; j++)
            {
                var pool = pools[j];
                for (var s = 0; s < quotas[j]; s++)
                {
                    var pick = s + stream.Next(pool.Length - s);
                    (pool[s], pool[pick]) = (pool[pick], pool[s]);
                    votes[order[place++] = pool[s]]++;
                }
            }

            var share = ties == TieRule.Even ? Share(votes, ballot.Correct) : ballot.Correct[First(votes, order)] ? 1 : 0;
            sum += share;
            squares += share * share;
        }

        var mean = sum / draws;
        return new(mean, draws > 1 ? Math.Max(0, (squares / draws) - (mean * mean)) / (draws - 1) : 0);
    }

    /// <summary>The class that was drawn first among those with most votes.</summary>
    private static int First(int[] votes, int[] order)
    {
        var most = votes.Max();
        return Array.Find(order, c => votes[c] == most);
    }

    /// <summary>The share of correct classes among those with most votes.</summary>
    internal static double Share(int[] votes, bool[] correct)
    {
        int most = 0, tied = 0, right = 0;
        for (var c = 0; c < votes.Length; c++)
        {
            if (votes[c] > most)
            {
                (most, tied, right) = (votes[c], 0, 0);
            }

            if (votes[c] == most)
            {
                tied++;
                right += correct[c] ? 1 : 0;
            }
        }

        return right / (double)tied;
    }
}
