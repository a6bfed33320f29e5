namespace Hindsight.Scoring;

/// <summary>
/// Forgetting beside what it would be had nothing changed. With one answer from every checkpoint, "solved at some earlier checkpoint, wrong
/// at the last" happens even where all checkpoints are alike, the more often the more checkpoints there are; only the excess is forgetting.
/// </summary>
/// <param name="Observed">The chance of it, mean over problems: ∏ over the last alone minus ∏ over all of the shares of wrong answers (unbiased).</param>
/// <param name="Expected">The same had every checkpoint the problem's pooled pass rate: with c of all n answers correct,
/// (n − c)/n − C(n − c, T)/C(n, T) (unbiased; the mean over the permutations).</param>
/// <param name="Excess">Observed minus expected, paired by problem. Below zero when the checkpoints got better on the way.</param>
/// <param name="PValue">One-sided: the share of permutations (a problem's answers dealt anew to its checkpoints) with as much forgetting.</param>
/// <param name="Permutations">How many were drawn, with the order that was seen counted as one more.</param>
public sealed record ForgettingNull(Estimate Observed, double Expected, Estimate Excess, double PValue, int Permutations)
{
    private const int Draws = 999;

    /// <param name="problems">By problem: answers and correct ones by checkpoint, in training order; at least two checkpoints with answers.</param>
    /// <param name="ids">The problems' ids, which key their random streams.</param>
    /// <param name="means">Their clusters.</param>
    /// <param name="seed">Of the permutations.</param>
    internal static ForgettingNull Of(IReadOnlyList<(int[] Drawn, int[] Correct)> problems, IReadOnlyList<string> ids, ClusteredMean means, ulong seed)
    {
        var observed = problems.Select(problem => Forgotten(problem.Drawn, problem.Correct)).ToArray();
        var expected = problems.Select(Unchanged).ToArray();
        var permuted = new double[Draws];
        for (var i = 0; i < problems.Count; i++)
        {
            Permute(problems[i].Drawn, problems[i].Correct.Sum(), RandomStream.For(seed, ids[i]), permuted);
        }

        var seen = observed.Sum() - 1e-9;
        return new(
            means.Share(observed), expected.Average(), means.Difference([.. observed.Zip(expected, (o, e) => o - e)]),
            (1 + permuted.Count(sum => sum >= seen)) / (Draws + 1.0), Draws);
    }

    private static double Forgotten(int[] drawn, int[] correct)
    {
        var all = 1.0;
        for (var j = 0; j < drawn.Length; j++)
        {
            all *= (drawn[j] - correct[j]) / (double)drawn[j];
        }

        return ((drawn[^1] - correct[^1]) / (double)drawn[^1]) - all;
    }

    private static double Unchanged((int[] Drawn, int[] Correct) problem)
    {
        var (n, c) = (problem.Drawn.Sum(), problem.Correct.Sum());
        return PassAtK.Estimate(n, c, problem.Drawn.Length) - PassAtK.Estimate(n, c, 1);
    }

    /// <summary>Deals a problem's answers to its checkpoints at random, and adds what is then forgotten to each draw's sum.</summary>
    private static void Permute(int[] drawn, int correct, RandomStream stream, double[] sums)
    {
        var n = drawn.Sum();
        if (correct == 0 || correct == n)
        {
            return; // Nothing can be forgotten.
        }

        // The rarer of right and wrong answers are dealt one by one.
        var rare = Math.Min(correct, n - correct);
        var places = new int[n];
        for (int j = 0, place = 0; j < drawn.Length; j++)
        {
            for (var s = 0; s < drawn[j]; s++)
            {
                places[place++] = j;
            }
        }

        var dealt = new int[drawn.Length];
        for (var draw = 0; draw < sums.Length; draw++)
        {
            Array.Clear(dealt);
            for (var s = 0; s < rare; s++)
            {
                var pick = s + stream.Next(n - s);
                (places[s], places[pick]) = (places[pick], places[s]);
                dealt[places[s]]++;
            }

            if (rare != correct)
            {
                for (var j = 0; j < dealt.Length; j++)
                {
                    dealt[j] = drawn[j] - dealt[j];
                }
            }

            sums[draw] += Forgotten(drawn, dealt);
        }
    }
}
