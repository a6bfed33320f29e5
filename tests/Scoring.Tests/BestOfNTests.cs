namespace Hindsight.Scoring.Tests;

public class BestOfNTests
{
    [Fact]
    public void The_exact_value_equals_brute_force_over_all_subsets_ties_and_missing_rewards_included()
    {
        var random = new Random(5);
        for (var trial = 0; trial < 200; trial++)
        {
            var t = random.Next(1, 4);
            var samples = Enumerable.Range(0, t).Select(_ => (IReadOnlyList<(double?, bool)>)
            [
                .. Enumerable.Range(0, random.Next(1, 6)).Select(_ => ((double?)(random.Next(6) == 0 ? null : random.Next(0, 4)), random.Next(2) == 0)),
            ]).ToList();
            var k = random.Next(1, (t * samples.Min(at => at.Count)) + 1);
            Assert.Equal(Subsets.Average(samples, k, t, Best), BestOfN.Exact(samples, k, t), 1e-12);
        }
    }

    [Fact]
    public void Without_ties_it_is_the_published_closed_form_for_one_checkpoint()
    {
        // Sorted by falling reward, the answer of rank m is the best of k with chance C(n−m, k−1) / C(n, k).
        bool[] correct = [false, true, false, false, true, true, false];
        var samples = correct.Select((right, m) => ((double?)-m, right)).ToArray();
        for (var k = 1; k <= correct.Length; k++)
        {
            var expected = Enumerable.Range(0, correct.Length)
                .Where(m => correct[m]).Sum(m => Binomials.Choose(correct.Length - m - 1, k - 1)) / Binomials.Choose(correct.Length, k);
            Assert.Equal(expected, BestOfN.Exact([samples], k, 1), 1e-13);
        }
    }

    [Fact]
    public void Equal_rewards_choose_at_random_and_a_perfect_reward_reaches_Pass_at_k()
    {
        bool[] correct = [.. Enumerable.Range(0, 40).Select(i => i % 4 == 0)];
        for (var k = 1; k <= 40; k += 3)
        {
            Assert.Equal(0.25, BestOfN.Exact([[.. correct.Select(right => ((double?)1, right))]], k, 1), 1e-12);
            Assert.Equal(PassAtK.Estimate(40, 10, k), BestOfN.Exact([[.. correct.Select(right => ((double?)(right ? 1 : 0), right))]], k, 1), 1e-12);
        }
    }

    [Fact]
    public void Thousands_of_samples_neither_overflow_nor_cancel()
    {
        var samples = Enumerable.Range(0, 3000).Select(i => ((double?)(i % 7), i % 7 == 6 && i % 2 == 0)).ToArray();
        Assert.Equal(0.5, BestOfN.Exact([samples], 1500, 1), 0.01);
    }

    [Fact]
    public void A_budget_beyond_the_samples_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BestOfN.Exact([[(1, true)]], 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BestOfN.Exact([[(1, true), (2, true)], [(1, true)]], 3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => BestOfN.Exact([[(1, true)]], 1, 2));
    }

    [Fact]
    public void Weighted_majority_agrees_with_brute_force_within_its_standard_error()
    {
        IReadOnlyList<(int Class, double Weight)>[] samples =
        [
            [(0, 0.5), (1, 0.25), (2, 0.25), (0, 0), (1, 1)],
            [(2, 0.75), (0, 0.5), (1, 0.5), (1, 0.25)],
        ];
        bool[] correct = [true, false, true];
        for (var k = 1; k <= 8; k++)
        {
            var expected = Subsets.Average(samples, k, 2, votes => Heaviest(votes, correct));
            var result = WeightedMajority.Estimate(samples, correct, k, 2, 20_000, RandomStream.For(1, "w"));
            Assert.InRange(Math.Abs(result.Value - expected), 0, (4.5 * Math.Sqrt(result.Variance)) + 1e-12);
        }

        Assert.Equal(0, WeightedMajority.Estimate(samples, correct, 1, 2, 10, default).Variance);
        Assert.Equal(0, WeightedMajority.Estimate([samples[0]], correct, 5, 1, 10, default).Variance);
    }

    [Fact]
    public void With_equal_weights_it_is_the_majority()
    {
        IReadOnlyList<(int Class, double Weight)>[] samples = [[(0, 1), (1, 1), (0, 1), (2, 1), (1, 1)]];
        bool[] correct = [true, false, false];
        var majority = MajAtK.Estimate(new([[2], [2], [1]], correct), 3, 1, default);
        var weighted = WeightedMajority.Estimate(samples, correct, 3, 1, 40_000, RandomStream.For(2, "w"));
        Assert.InRange(Math.Abs(majority.Value - weighted.Value), 0, 4 * Math.Sqrt(weighted.Variance));
    }

    [Fact]
    public void A_weight_that_is_negative_or_no_number_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightedMajority.Estimate([[(0, -1), (0, 1)]], [true], 2, 1, 10, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightedMajority.Estimate([[(0, double.NaN), (0, 1)]], [true], 2, 1, 10, default));
    }

    [Fact]
    public void Rewards_give_curves_and_their_absence_none()
    {
        VariantAnswers Rewarded(string name, bool rewards) => new(name, null,
        [
            .. Enumerable.Range(0, 5).Select(i => new ProblemAnswers(null,
            [
                .. Enumerable.Range(0, 4).Select(s => Answers.Graded(s <= i % 3 ? "right" : $"{s}", s) with { Reward = rewards ? (s * 7 % 4) / 4.0 : null }),
            ])),
        ]);
        var without = EvaluationScorer.Score(Answers.Evaluation(4, Rewarded("a", false), Rewarded("b", false)));
        Assert.Empty(without.BestOfN);
        Assert.Empty(without.WeightedMajority);
        var with = EvaluationScorer.Score(Answers.Evaluation(4, Rewarded("a", true), Rewarded("b", true)));
        Assert.Equal([1, 2], with.BestOfN.Select(curve => curve.T));
        Assert.All(with.BestOfN.Concat(with.WeightedMajority), curve =>
        {
            Assert.Equal(with.Trajectory[^1].PassAt1!.Value, curve.Points[0].Score.Value, 1e-12);
            Assert.Null(curve.Points[0].MonteCarloError);
        });
        Assert.Contains(with.Methods, method => method.Score == "BoN@k|t");
    }

    private static double Best(IReadOnlyList<(double? Reward, bool Correct)> drawn)
    {
        var most = drawn.Max(sample => sample.Reward ?? double.NegativeInfinity);
        return drawn.Where(sample => (sample.Reward ?? double.NegativeInfinity) == most).Average(sample => sample.Correct ? 1.0 : 0);
    }

    private static double Heaviest(IReadOnlyList<(int Class, double Weight)> drawn, bool[] correct)
    {
        var sums = drawn.GroupBy(sample => sample.Class).Select(group => (group.Key, Sum: group.Sum(sample => sample.Weight))).ToList();
        return sums.Where(entry => entry.Sum == sums.Max(other => other.Sum)).Average(entry => correct[entry.Key] ? 1.0 : 0);
    }
}

/// <summary>The oracle of everything that draws k samples: all ways to draw them.</summary>
internal static class Subsets
{
    /// <summary>The mean of a score over all ways to draw k samples from the t newest checkpoints, with the round robin written out anew.</summary>
    public static double Average<T>(IReadOnlyList<IReadOnlyList<T>> samples, int k, int t, Func<IReadOnlyList<T>, double> score)
    {
        var quotas = new int[t];
        for (var m = 0; m < k; m++)
        {
            quotas[m % t]++;
        }

        double sum = 0, count = 0;
        Draw(0, []);
        return sum / count;

        void Draw(int j, List<T> drawn)
        {
            if (j == t)
            {
                sum += score(drawn);
                count++;
                return;
            }

            var pool = samples[^(j + 1)];
            for (var subset = 0; subset < 1 << pool.Count; subset++)
            {
                if (int.PopCount(subset) == quotas[j])
                {
                    Draw(j + 1, [.. drawn, .. pool.Where((_, i) => (subset >> i & 1) == 1)]);
                }
            }
        }
    }
}
