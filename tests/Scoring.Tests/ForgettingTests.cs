namespace Hindsight.Scoring.Tests;

public class ForgettingTests
{
    [Fact]
    public void Greedy_and_sampled_forgetting_have_methods_of_their_own()
    {
        var greedy = EvaluationScorer.Score(Answers.Evaluation(0, Answers.Variant("a", Answers.Problem("right")), Answers.Variant("b", Answers.Problem("x"))));
        var sampled = EvaluationScorer.Score(Answers.Evaluation(4, Answers.Variant("a", Answers.Counted(4, 3)), Answers.Variant("b", Answers.Counted(4, 1))));
        Assert.Equal(["greedy forgetting beside its null"], Beside(greedy).Select(method => method.Score));
        Assert.Equal(["sampled forgetting beside its null"], Beside(sampled).Select(method => method.Score));
        Assert.Contains("P_TFS", Beside(greedy)[0].Estimator, StringComparison.Ordinal);
        Assert.Contains("pooled pass rate", Beside(sampled)[0].Estimator, StringComparison.Ordinal);

        static List<ScoreMethod> Beside(EvaluationScores scores) => [.. scores.Methods.Where(method => method.Score.EndsWith("beside its null", StringComparison.Ordinal))];
    }

    [Fact]
    public void Observed_and_expected_forgetting_equal_brute_force()
    {
        // One problem, three checkpoints of two answers: all orders of the six answers, dealt to the checkpoints, and one answer from each.
        int[] drawn = [2, 2, 2];
        for (var correct = 0; correct <= 6; correct++)
        {
            double observed = 0, orders = 0;
            for (var subset = 0; subset < 1 << 6; subset++)
            {
                if (int.PopCount(subset) == correct)
                {
                    observed += Enumerable.Range(0, 8).Average(pick =>
                    {
                        bool Right(int j) => (subset >> ((2 * j) + (pick >> j & 1)) & 1) == 1;
                        return (Right(0) || Right(1)) && !Right(2) ? 1.0 : 0;
                    });
                    orders++;
                }
            }

            int[] counts = [Math.Min(2, correct), Math.Clamp(correct - 2, 0, 2), Math.Max(0, correct - 4)];
            var result = Of([(drawn, counts)]);
            Assert.Equal(observed / orders, result.Expected, 1e-12);
            var rates = Array.ConvertAll(counts, c => c / 2.0);
            Assert.Equal((1 - ((1 - rates[0]) * (1 - rates[1]))) * (1 - rates[2]), result.Observed.Value, 1e-12);
        }
    }

    // With equal rates of Beta(0.4, 1.2) and one answer each: E[(1 − p) − (1 − p)^T].
    [Theory]
    [InlineData(2, 0.115)]
    [InlineData(4, 0.235)]
    [InlineData(8, 0.344)]
    [InlineData(16, 0.436)]
    public void Apparent_forgetting_where_nothing_changes_is_what_is_published(int checkpoints, double share)
    {
        var stream = RandomStream.For(17, "null");
        var problems = Population.Problems(4000, checkpoints, 1, ref stream);
        var result = Of(problems);
        Assert.Equal(share, result.Observed.Value, 0.02);
        Assert.Equal(share, result.Expected, 0.02);
        Assert.InRange(0, result.Excess.Low, result.Excess.High);
    }

    [Fact]
    public void Where_nothing_changes_the_p_value_is_uniform_and_the_excess_interval_covers_zero()
    {
        var stream = RandomStream.For(23, "permutation");
        const int repeats = 500;
        int rejected = 0, covered = 0;
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var result = Of(Population.Problems(30, 5, 4, ref stream), (ulong)repeat);
            rejected += result.PValue <= 0.05 ? 1 : 0;
            covered += result.Excess.Low <= 0 && 0 <= result.Excess.High ? 1 : 0;
        }

        Assert.InRange(rejected / (double)repeats, 0.025, 0.08);
        Assert.InRange(covered / (double)repeats, 0.92, 0.97);
    }

    [Fact]
    public void What_is_truly_forgotten_is_found()
    {
        // Thirty problems that are known half the way and not at the end, of 60.
        var problems = Enumerable.Range(0, 60).Select(i => (new[] { 4, 4, 4, 4 }, i < 30 ? new[] { 4, 4, 0, 0 } : [2, 2, 2, 2])).ToList();
        var result = Of(problems);
        Assert.Equal(0.001, result.PValue, 1e-12);
        Assert.True(result.Excess.Low > 0.1);
    }

    [Fact]
    public void Single_answers_give_the_exact_share_of_orders_as_p_value()
    {
        // Ten problems solved once by one of two checkpoints; nine of them by the first: P(at least 9 of 10) = 11/1024.
        var problems = Enumerable.Range(0, 10).Select(i => (new[] { 1, 1 }, i < 9 ? new[] { 1, 0 } : [0, 1])).ToList();
        Assert.Equal(11 / 1024.0, Of(problems).PValue, 0.008);
    }

    [Fact]
    public void Retention_at_lag_0_is_a_second_sample_and_falls_where_answers_are_forgotten()
    {
        List<(int[], int[])> problems = [([4, 4, 4], [4, 2, 0]), ([4, 4, 4], [2, 2, 2]), ([4, 4, 4], [0, 0, 0])];
        var points = Retention.Of(problems, new(["a", "b", "c"]));
        Assert.Equal([0, 1, 2], points.Select(point => point.Lag));
        // Right: 1 + ½ + 0 and three times ½. Right twice: 1 + ½·⅓, and three times ½·⅓.
        Assert.Equal((1 + (1 / 6.0) + (3 / 6.0)) / 3, points[0].Score.Value, 1e-12);
        // Pairs one apart: 1·½ + ½·0 + ½·½ + ½·½ over 1 + ½ + ½ + ½; two apart: 1·0 + ½·½ over 1 + ½.
        Assert.Equal(1 / 2.5, points[1].Score.Value, 1e-12);
        Assert.Equal(0.25 / 1.5, points[2].Score.Value, 1e-12);
        Assert.All(points, point => Assert.InRange(point.Score.Value, point.Score.Low, point.Score.High));
    }

    [Fact]
    public void Single_answers_have_no_retention_at_lag_0_and_nothing_right_has_none_at_all()
    {
        Assert.Equal([1], Retention.Of([([1, 1], [1, 0])], new(["a"])).Select(point => point.Lag));
        Assert.Empty(Retention.Of([([2, 2], [0, 0])], new(["a"])));
    }

    [Fact]
    public void A_problem_s_history_counts_its_turns()
    {
        Assert.Equal(new ProblemHistory(1, 2, 1, 4, false, true), ProblemHistory.Of([false, true, false, false, true]));
        Assert.Equal(new ProblemHistory(1, 0, 0, 1, true, false), ProblemHistory.Of([true, true, false]));
        Assert.Equal(new ProblemHistory(0, 0, null, null, false, false), ProblemHistory.Of([false, false]));
    }

    [Fact]
    public void Sampled_steps_sum_to_one_and_equal_checkpoints_show_no_excess_over_chance() => Answers.ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        for (var j = 0; j < scores.SampledSteps.Count; j++)
        {
            var step = scores.SampledSteps[j];
            Assert.Equal(1, step.Forget + step.Improve + step.KeptCorrect + step.KeptWrong, 1e-12);
            Assert.Equal(scores.Trajectory[j + 1].PassAt1!.Value - scores.Trajectory[j].PassAt1!.Value, step.Improve - step.Forget, 1e-12);
            Assert.Equal(step.Forget - step.ByChance, step.ForgetExcess.Value, 1e-12);
        }
    });

    [Fact]
    public void Equal_rates_at_two_checkpoints_forget_by_chance_what_brute_force_says()
    {
        var problem = new ScoredProblem("p", "p", [Answers.Counted(3, 1), Answers.Counted(3, 2)], null);
        // Of six answers, three right, an ordered pair is right and wrong with chance 3·3/(6·5).
        Assert.Equal(0.3, SampledStep.Of([problem], 0, "a", "b", new(["p"])).ByChance, 1e-12);
    }

    private static ForgettingNull Of(IReadOnlyList<(int[] Drawn, int[] Correct)> problems, ulong seed = 1) =>
        ForgettingNull.Of(problems, [.. problems.Select((_, i) => $"p{i}")], new(problems.Select((_, i) => $"p{i}")), seed);
}

/// <summary>Problems whose pass rates follow Beta(0.4, 1.2), mean ¼: many hard ones and few easy ones.</summary>
internal static class Population
{
    /// <summary>A gamma variate of shape a (Marsaglia and Tsang), for the ratio that is a beta one.</summary>
    private static double Gamma(double a, ref RandomStream stream)
    {
        if (a < 1)
        {
            return Gamma(a + 1, ref stream) * Math.Pow(1 - stream.NextDouble(), 1 / a);
        }

        var d = a - (1 / 3.0);
        while (true)
        {
            var x = stream.NextNormal();
            var v = Math.Pow(1 + (x / Math.Sqrt(9 * d)), 3);
            if (v > 0 && Math.Log(1 - stream.NextDouble()) < (x * x / 2) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }

    public static double Rate(ref RandomStream stream)
    {
        var (x, y) = (Gamma(0.4, ref stream), Gamma(1.2, ref stream));
        return x / (x + y);
    }

    public static int Correct(int samples, double rate, ref RandomStream stream)
    {
        var correct = 0;
        for (var s = 0; s < samples; s++)
        {
            correct += stream.NextDouble() < rate ? 1 : 0;
        }

        return correct;
    }

    /// <summary>Problems that every checkpoint solves equally often.</summary>
    public static List<(int[] Drawn, int[] Correct)> Problems(int count, int checkpoints, int samples, ref RandomStream stream)
    {
        var problems = new List<(int[], int[])>();
        for (var i = 0; i < count; i++)
        {
            var rate = Rate(ref stream);
            var correct = new int[checkpoints];
            for (var j = 0; j < checkpoints; j++)
            {
                correct[j] = Correct(samples, rate, ref stream);
            }

            problems.Add(([.. Enumerable.Repeat(samples, checkpoints)], correct));
        }

        return problems;
    }
}
