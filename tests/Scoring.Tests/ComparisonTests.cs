namespace Hindsight.Scoring.Tests;

public class ComparisonTests
{
    private const double Margin = 0.02;

    [Theory]
    [InlineData(0.01, 0.05, 0.012, 0.048, Outcome.Gain)]
    [InlineData(-0.05, -0.01, -0.048, -0.012, Outcome.Loss)]
    [InlineData(-0.01, 0.03, -0.008, 0.028, Outcome.Inconclusive)]
    [InlineData(-0.021, 0.018, -0.019, 0.016, Outcome.NoDifference)]
    [InlineData(0.001, 0.018, 0.002, 0.017, Outcome.NoDifference)] // Real, and too small to matter.
    [InlineData(-0.3, 0.3, -0.25, 0.25, Outcome.Inconclusive)]
    public void The_outcome_follows_from_the_two_intervals(double low, double high, double low90, double high90, Outcome outcome) =>
        Assert.Equal(outcome, PairedComparison.Outcome(new(0, low, high), new(0, low90, high90), Margin));

    [Fact]
    public void Flipping_signs_of_single_answers_is_McNemar_s_exact_test()
    {
        for (var gained = 0; gained <= 6; gained++)
        {
            for (var lost = 0; lost <= 6; lost++)
            {
                double[] differences = [.. Enumerable.Repeat(1.0, gained), .. Enumerable.Repeat(-1.0, lost), 0, 0, 0];
                var discordant = gained + lost;
                var tail = Enumerable.Range(0, Math.Min(gained, lost) + 1).Sum(x => Binomials.Choose(discordant, x)) / Math.Pow(2, discordant);
                Assert.Equal(Math.Min(1, 2 * tail), SignFlips.Test([differences], 1)[0].Alone, 1e-12);
            }
        }
    }

    [Fact]
    public void Drawn_flips_agree_with_all_flips()
    {
        // Thirteen clusters are enumerated; with a fourteenth of next to no weight the flips are drawn.
        double[] differences = [0.5, 0.3, -0.2, 0.4, 0.1, 0.6, -0.1, 0.2, 0.3, -0.4, 0.2, 0.5, 0.1];
        var exact = SignFlips.Test([differences], 1)[0].Alone;
        Assert.Equal(exact, SignFlips.Test([[.. differences, 1e-9]], 1)[0].Alone, 0.01);
    }

    [Fact]
    public void Corrected_p_values_equal_enumeration_and_are_never_smaller()
    {
        double[][] family = [[0.5, 0.3, -0.2, 0.4, 0.1], [0.1, -0.1, 0.2, -0.2, 0.3], [0, 0, 0, 0, 0]];
        var norms = family.Select(member => Math.Sqrt(member.Sum(value => value * value))).ToArray();
        var flips = Enumerable.Range(0, 32).Select(flip => family.Select((member, m) => norms[m] == 0 ? 0
            : Math.Abs(member.Select((value, g) => (flip >> g & 1) == 0 ? value : -value).Sum()) / norms[m]).ToArray()).ToArray();
        var tested = SignFlips.Test(family, 1);
        for (var m = 0; m < 2; m++)
        {
            Assert.Equal(flips.Count(flip => flip[m] >= flips[0][m] - 1e-9) / 32.0, tested[m].Alone, 1e-12);
            Assert.Equal(flips.Count(flip => flip.Max() >= flips[0][m] - 1e-9) / 32.0, tested[m].Adjusted, 1e-12);
            Assert.True(tested[m].Adjusted >= tested[m].Alone);
        }

        Assert.Equal((1, 1), tested[2]);
    }

    [Fact]
    public void Where_nothing_changed_a_family_of_seven_is_wrong_about_as_rarely_as_declared()
    {
        // Eight equal checkpoints, each of the first seven against the last.
        var stream = RandomStream.For(43, "family");
        const int repeats = 300, problems = 40;
        var means = new ClusteredMean(Enumerable.Range(0, problems).Select(i => $"p{i}"));
        int byInterval = 0, byTest = 0, alone = 0;
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var counts = Population.Problems(problems, 8, 4, ref stream);
            var values = Enumerable.Range(0, 8).Select(j => counts.Select(problem => problem.Correct[j] / 4.0).ToArray()).ToArray();
            var family = PairedComparison.Family(
                "", [.. Enumerable.Range(0, 7).Select(j => Contrast.Between($"{j}", values[j], "last", values[7]))], means, Margin, (ulong)repeat).Members;
            byInterval += family.Any(member => member.Outcome is Outcome.Gain or Outcome.Loss) ? 1 : 0;
            byTest += family.Any(member => member.AdjustedPValue <= 0.05) ? 1 : 0;
            alone += family.Any(member => member.PValue <= 0.05) ? 1 : 0;
        }

        Assert.InRange(byInterval / (double)repeats, 0.015, 0.09);
        Assert.InRange(byTest / (double)repeats, 0.015, 0.09);
        Assert.InRange(alone / (double)repeats, 0.12, 0.4); // What correction is for.
    }

    [Fact]
    public void No_difference_is_claimed_wrongly_at_most_one_time_in_twenty()
    {
        // The true difference is the margin itself: the worst case.
        var stream = RandomStream.For(47, "equivalence");
        var means = new ClusteredMean(Enumerable.Range(0, 30).Select(i => $"p{i}"));
        const int repeats = 1000;
        var claimed = 0;
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            double[] differences = [.. Enumerable.Range(0, 30).Select(_ => Margin + (0.02 * stream.NextNormal()))];
            claimed += PairedComparison.Family("", [new("a", "b", differences)], means, Margin, 1).Members[0].Outcome == Outcome.NoDifference ? 1 : 0;
        }

        Assert.InRange(claimed / (double)repeats, 0.03, 0.07);
    }

    [Fact]
    public void Nothing_at_all_between_two_is_still_no_proof_on_few_problems()
    {
        ComparisonFamily Same(int problems) => PairedComparison.Family(
            "", [new("a", "b", new double[problems])], new(Enumerable.Range(0, problems).Select(i => $"p{i}")), Margin, 1);
        Assert.Equal(Outcome.Inconclusive, Same(30).Members[0].Outcome);
        Assert.Equal(Outcome.NoDifference, Same(300).Members[0].Outcome);
        Assert.Equal(1, Same(30).Members[0].PValue);
    }

    [Fact]
    public void Two_evaluations_are_paired_by_problem_and_what_only_one_has_is_named()
    {
        ProblemCounts[] first = [new("a", "a", 8, 0), new("b", "b", 8, 8), new("c", "c", 8, 4), new("gone", "gone", 8, 4)];
        ProblemCounts[] second = [new("c", "c", 4, 2), new("b", "b", 16, 0), new("new", "new", 4, 4), new("a", "a", 8, 8)];
        var comparison = EvaluationComparison.Of(first, second, ("first", "second"), Margin, 1)!;
        Assert.Equal(0, comparison.Comparison.Difference.Value, 1e-12);
        Assert.Equal((3, 1, 1), (comparison.Comparison.Problems, comparison.Comparison.Higher, comparison.Comparison.Lower));
        Assert.Equal(("second", "first"), (comparison.Comparison.Of, comparison.Comparison.Against));
        Assert.Equal("a", Assert.Single(comparison.Gained).ProblemId);
        Assert.Equal(2 / 12870.0, comparison.Gained[0].PValue!.Value, 1e-12);
        Assert.Equal("b", Assert.Single(comparison.Lost).ProblemId);
        Assert.Equal(["gone"], comparison.OnlyFirst);
        Assert.Equal(["new"], comparison.OnlySecond);
        Assert.Null(EvaluationComparison.Of(first, [new("z", "z", 1, 1)], ("", ""), Margin, 1));
    }

    [Fact]
    public void Turning_a_comparison_round_changes_its_sign_alone()
    {
        var stream = RandomStream.For(53, "turn");
        var counts = Population.Problems(25, 2, 8, ref stream);
        ProblemCounts[] Of(int j) => [.. counts.Select((problem, i) => new ProblemCounts($"p{i}", $"c{i / 2}", 8, problem.Correct[j]))];
        var (there, back) = (EvaluationComparison.Of(Of(0), Of(1), ("", ""), Margin, 1)!, EvaluationComparison.Of(Of(1), Of(0), ("", ""), Margin, 1)!);
        Assert.Equal(there.Comparison.Difference.Value, -back.Comparison.Difference.Value, 1e-12);
        Assert.Equal(there.Comparison.Difference.Low, -back.Comparison.Difference.High, 1e-12);
        Assert.Equal(there.Comparison.PValue, back.Comparison.PValue, 1e-12);
        Assert.Equal(there.Gained.Select(change => change.ProblemId), back.Lost.Select(change => change.ProblemId));
    }

    [Fact]
    public void Single_answers_that_flip_are_all_listed_and_noise_of_several_is_not()
    {
        ProblemCounts[] Single(int solved) => [.. Enumerable.Range(0, 10).Select(i => new ProblemCounts($"p{i}", $"p{i}", 1, i < solved ? 1 : 0))];
        Assert.Equal(["p3", "p4"], EvaluationComparison.Of(Single(3), Single(5), ("", ""), Margin, 1)!.Gained.Select(change => change.ProblemId));
        var stream = RandomStream.For(59, "noise");
        var listed = 0;
        for (var repeat = 0; repeat < 50; repeat++)
        {
            var counts = Population.Problems(60, 2, 16, ref stream);
            ProblemCounts[] Of(int j) => [.. counts.Select((problem, i) => new ProblemCounts($"p{i}", $"p{i}", 16, problem.Correct[j]))];
            var comparison = EvaluationComparison.Of(Of(0), Of(1), ("", ""), Margin, 1)!;
            listed += comparison.Gained.Count + comparison.Lost.Count > 0 ? 1 : 0;
        }

        Assert.InRange(listed, 0, 8); // 10 % of evaluations at most, of 50.
    }

    [Fact]
    public void Checkpoints_are_compared_with_the_final_one_and_budgets_spread_with_budgets_spent_on_it() => Answers.ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers with { Base = answers.Trajectory[0] with { Name = "base" } });
        if (answers.Trajectory.Count == 1)
        {
            Assert.Equal(["Pass@1 of the final checkpoint against the model before training"], scores.Comparisons.Select(family => family.Name));
            Assert.Equal(FamilyKind.FinalAgainstBase, scores.Comparisons[0].Kind);
            return;
        }

        Assert.Equal(
            [FamilyKind.EachAgainstFinal, FamilyKind.FinalAgainstBase, FamilyKind.PassSpread, FamilyKind.MajSpread], scores.Comparisons.Select(entry => entry.Kind));
        var family = scores.Comparisons[0];
        Assert.Equal(scores.Trajectory.SkipLast(1).Select(checkpoint => checkpoint.Name), family.Members.Select(member => member.Of));
        Assert.All(family.Members.Zip(scores.Trajectory), pair => Assert.Equal(
            pair.Second.PassAt1!.Value - scores.Trajectory[^1].PassAt1!.Value, pair.First.Difference.Value, 1e-12));
        var spread = scores.Comparisons.Single(entry => entry.Kind == FamilyKind.PassSpread);
        Assert.Equal(scores.PassAtK.Skip(1).Select(curve => curve.Points[^1].Score.Value - scores.PassAtK[0].Points[^1].Score.Value), spread.Members.Select(member => member.Difference.Value), new Near());
        Assert.All(scores.Comparisons.SelectMany(entry => entry.Members), member =>
        {
            Assert.True(member.Together.Low <= member.Difference.Low && member.Difference.High <= member.Together.High);
            Assert.InRange(member.PValue, 0, member.AdjustedPValue);
        });
    });

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-12;

        public int GetHashCode(double value) => 0;
    }
}
