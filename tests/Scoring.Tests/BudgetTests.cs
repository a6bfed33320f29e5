using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;
using static Hindsight.Scoring.Tests.Answers;

namespace Hindsight.Scoring.Tests;

public class BudgetTests(ITestOutputHelper output)
{
    private const double Rounding = 1e-12;

    private static readonly HashSet<string> Known = [];

    [Fact]
    public void The_weighted_majority_is_what_adding_up_the_weights_by_hand_gives()
    {
        var random = new Random(3);
        string?[] texts = ["right", "a", "b", null];
        for (var trial = 0; trial < 500; trial++)
        {
            // Eighths add up without rounding, so that ties are ties.
            var members = Enumerable.Range(0, random.Next(1, 7)).Select(_ => Member(texts[random.Next(4)] ?? "", random.Next(0, 4) / 8.0)).ToArray();
            var sums = texts.Select(text => members.Where(member => member.Answer.Answer == text).Sum(member => member.Weight)).ToArray();
            var expected = sums.Max() == 0 ? 0 : sums[0] == sums.Max() ? 1.0 / sums.Count(sum => sum == sums.Max()) : 0;
            Assert.Equal(expected, PopulationChoice.Accuracy(Of(members), FinalChoice.WeightedMajority, Known), Rounding);
            var all = members.Sum(member => member.Weight);
            Assert.Equal(
                all == 0 ? 0 : members.Where(member => member.Answer.Answer == "right").Sum(member => member.Weight) / all,
                PopulationChoice.DrawnByWeight(Of(members)), Rounding);
        }
    }

    [Fact]
    public void The_highest_score_wins_whatever_its_weight_and_ties_share_the_win()
    {
        double Best(params PopulationMember[] members) => PopulationChoice.Accuracy(Of(members), FinalChoice.HighestScore, Known);
        Assert.Equal(1, Best(Member("a", 0.9, 0.1), Member("right", 0.1, 0.2)));
        Assert.Equal(0, Best(Member("a", 0.1, 0.3), Member("right", 0.9, 0.2)));
        Assert.Equal(2 / 3.0, Best(Member("a", 1, 0.3), Member("right", 1, 0.3), Member("right", 1, 0.3)), Rounding);
        Assert.Equal(1, Best(Member("a", 0, 0.3), Member("right", 1, 0.2)));
    }

    [Fact]
    public void An_answer_drawn_by_weight_is_right_as_often_as_its_weight_says()
    {
        var population = Of(Member("a", 0), Member("right", 0.25), Member("b", 0.125), Member("right", 0.25), Member("a", 0.375));
        Assert.Equal(0.5, PopulationChoice.Accuracy(population, FinalChoice.DrawnByWeight, Known), Rounding);
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 400).Select(_ => Counted(2, 0))]));
        var drawn = Method("drawn", _ => population with { DrawnTokens = 20 }, answers) with { Choice = FinalChoice.DrawnByWeight };
        var difference = EvaluationScorer.Score(answers with { Populations = [drawn] }).Budget!.Comparisons.Members.Single(member => member.Of == "drawn");
        // One answer to each problem, by a draw: right for about half of them.
        Assert.InRange(difference.Difference.Value, 0.4, 0.6);
        Assert.Equal((difference.Problems, 0), (difference.Higher + (int)Math.Round((1 - difference.Difference.Value) * difference.Problems), difference.Lower));
    }

    [Fact]
    public void Weights_count_by_their_ratios_and_the_order_of_members_not_at_all() => Prop.ForAll(
        Gen.ArrayOf(
            from text in Gen.Elements("right", "a", "b", "")
            from weight in Gen.Choose(0, 5)
            from score in Gen.Choose(0, 3)
            select Member(text, weight / 10.0, score / 3.0)).ToArbitrary(),
        Gen.Choose(-12, 12).ToArbitrary(),
        (members, power) =>
        {
            var population = Of(members);
            var scaled = Of([.. members.Select(member => member with { Weight = member.Weight * Math.Pow(10, power) })]);
            var turned = Of([.. members.OrderBy(member => RandomStream.Hash((ulong)power, $"{member}"))]);
            foreach (var choice in Enum.GetValues<FinalChoice>())
            {
                var value = PopulationChoice.Accuracy(population, choice, Known);
                Assert.InRange(value, 0, 1);
                Assert.Equal(value, PopulationChoice.Accuracy(scaled, choice, Known), Rounding);
                Assert.Equal(value, PopulationChoice.Accuracy(turned, choice, Known), Rounding);
            }

            Assert.Equal(PopulationChoice.DrawnByWeight(population), PopulationChoice.DrawnByWeight(scaled), Rounding);
            Assert.Equal(PopulationChoice.HasAnswer(population), PopulationChoice.HasAnswer(scaled));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(20260101, 1));

    [Fact]
    public void A_population_that_is_the_samples_with_equal_weights_is_self_consistency() => ForAll(answers =>
    {
        var same = answers with { Populations = [Method("samples", problem => Equal(problem.Sampled), answers)] };
        if (answers.ProblemIds.Count == 1)
        {
            Assert.Null(EvaluationScorer.Score(same).Budget); // Nothing to split.
            return;
        }

        var scores = EvaluationScorer.Score(same);
        var budget = scores.Budget!;
        var (baseline, method) = (budget.Methods[0], budget.Methods[^1]);
        Assert.Equal(baseline.Accuracy, method.Accuracy);
        Assert.Equal(answers.SamplesPerProblem, method.ByDrawnTokens!.K);
        Assert.Equal(method.ByDrawnTokens, method.ByAllTokens);
        Assert.Equal(0, budget.Comparisons.Members[method.ByDrawnTokens.Comparison!.Value].Difference.Value);
        Assert.Equal(1, budget.Comparisons.Members[method.ByDrawnTokens.Comparison!.Value].PValue);
        Assert.Equal(baseline.DrawnTokens, method.DrawnTokens, 1e-9);
        Assert.Equal(answers.ProblemIds.Count, budget.SelectProblems + budget.ReportProblems);
        // One answer drawn by weight is a sample drawn at random.
        var inSelect = SelectSplit.Of(answers.Clusters, answers.SelectShare, answers.Seed);
        Assert.Equal(
            answers.Trajectory[^1].Problems.Where((_, i) => !inSelect[i]).Average(problem => problem.PassRate()), method.DrawnByWeight!.Value, Rounding);
    });

    [Fact]
    public void The_baseline_has_as_many_samples_as_the_tokens_buy_rounded_up_and_answers_with_the_first_of_them()
    {
        var random = new Random(17);
        var more = Variant("final", [.. Enumerable.Range(0, 12).Select(_ => Problem(
            "right", [.. Enumerable.Range(0, 8).Select(_ => random.Next(3) switch { 0 => "right", 1 => "a", _ => "b" })]))]);
        // A sample has 10 tokens; the trajectory has five of the eight.
        var answers = Evaluation(5, more with { Problems = [.. more.Problems.Select(problem => problem with { Sampled = [.. problem.Sampled.Take(5)] })] }) with { MorePlain = more };
        answers = answers with
        {
            Populations =
            [
                Method("cheap", _ => new([Member("right", 1)], 9, 0, null), answers),
                Method("middle", _ => new([Member("right", 0.5), Member("a", 0.5)], 29, 2, null), answers),
                Method("dear", _ => new([Member("a", 0.5), Member("right", 0.25)], 20, 51, null), answers),
                Method("too dear", _ => new([Member("right", 1)], 80, 1, null), answers),
            ],
        };
        var budget = EvaluationScorer.Score(answers).Budget!;
        Assert.Equal(8, budget.MostPlain);
        BudgetMethod Row(string name) => budget.Methods.Single(method => method.Name == name);
        Assert.Equal((1, 1), (Row("cheap").ByDrawnTokens!.K, Row("cheap").ByAllTokens!.K));
        Assert.Equal((3, 4), (Row("middle").ByDrawnTokens!.K, Row("middle").ByAllTokens!.K));
        Assert.Equal((2, 8), (Row("dear").ByDrawnTokens!.K, Row("dear").ByAllTokens!.K));
        Assert.Equal((8, new EqualBudget(9, null)), (Row("too dear").ByDrawnTokens!.K, Row("too dear").ByAllTokens)); // Too few were drawn: nothing to compare with.
        Assert.Equal(1, Row("greedy").ByAllTokens!.K);
        Assert.Equal((29, 2), (Row("middle").DrawnTokens, Row("middle").RewardTokens));
        Assert.Equal([1, 2, 4, 5, 8], budget.Curves.Single(curve => curve.Name == "self-consistency").Points.Select(point => point.K));

        var inSelect = SelectSplit.Of(answers.Clusters, answers.SelectShare, answers.Seed);
        foreach (var (name, value) in new[] { ("greedy", 1), ("cheap", 1), ("middle", 0.5), ("dear", 0), ("too dear", 1) })
        {
            Assert.Equal(value, Row(name).Accuracy.Value, Rounding);
            foreach (var equal in new[] { Row(name).ByDrawnTokens!, Row(name).ByAllTokens! }.Where(equal => equal.Comparison is not null))
            {
                // Ties are settled by a draw, so that of a share each answer is right or wrong.
                var shares = more.Problems.Where((_, i) => !inSelect[i]).Select(problem => (Of: value, Against: Majority([.. problem.Sampled.Take(equal.K)]))).ToList();
                var comparison = budget.Comparisons.Members[equal.Comparison!.Value];
                Assert.Equal((name, $"Maj@{equal.K}"), (comparison.Of, comparison.Against));
                Assert.InRange(
                    comparison.Difference.Value, shares.Average(share => Math.Floor(share.Of) - Math.Ceiling(share.Against)) - 1e-9,
                    shares.Average(share => Math.Ceiling(share.Of) - Math.Floor(share.Against)) + 1e-9);
                Assert.Equal(comparison.Difference.Value * shares.Count, comparison.Higher - comparison.Lower, 1e-9);
                Assert.True(comparison.Together.Low <= comparison.Difference.Low && comparison.Difference.High <= comparison.Together.High);
            }
        }

        Assert.Equal(FamilyKind.EqualBudget, budget.Comparisons.Kind);
        Assert.Equal(7, budget.Comparisons.Members.Count); // Greedy and cheap alike on both axes, two once on each, one on the first alone: and no comparison twice.
    }

    [Fact]
    public void Methods_of_samples_answer_with_their_first_samples()
    {
        var random = new Random(5);
        VariantAnswers All(string name) => new(name, null,
        [
            .. Enumerable.Range(0, 14).Select(_ => new ProblemAnswers(null,
                [.. Enumerable.Range(0, 4).Select(s => Graded(random.Next(2) == 0 ? "right" : $"{random.Next(2)}", s) with { Reward = random.Next(1, 9) / 8.0, RewardTokens = 0 })])),
        ]);
        var (early, late) = (All("early"), All("late"));
        var answers = Evaluation(4, early, late);
        var budget = EvaluationScorer.Score(answers).Budget!;
        var inSelect = SelectSplit.Of(answers.Clusters, answers.SelectShare, answers.Seed);
        var report = Enumerable.Range(0, 14).Where(i => !inSelect[i]).ToList();
        double Majority4(int i) => Majority(late.Problems[i].Sampled);
        double Best(IReadOnlyList<GradedAnswer> drawn) => drawn.Where(answer => answer.Reward == drawn.Max(other => other.Reward)).Average(answer => answer.Verdict == Verdict.Correct ? 1.0 : 0);
        IReadOnlyList<GradedAnswer> Both(int i) => [.. late.Problems[i].Sampled.Take(2), .. early.Problems[i].Sampled.Take(2)];
        void Differs(string name, Func<int, double> once)
        {
            var member = budget.Comparisons.Members.Single(member => member.Of == name);
            // Where both have no tie the difference is known.
            Assert.InRange(
                member.Difference.Value, report.Average(i => Math.Floor(once(i)) - Math.Ceiling(Majority4(i))) - 1e-9,
                report.Average(i => Math.Ceiling(once(i)) - Math.Floor(Majority4(i))) + 1e-9);
            Assert.Equal(member.Difference.Value * report.Count, member.Higher - member.Lower, 1e-9);
        }

        Differs("best-of-4", i => Best(late.Problems[i].Sampled));
        Differs("Temporal Sampling, Maj@4|2", i => Majority(Both(i)));
        Differs("Temporal Sampling, BoN@4|2", i => Best(Both(i)));
        Differs("weighted best-of-4", i =>
        {
            var votes = late.Problems[i].Sampled.GroupBy(answer => answer.Answer).Select(group => (group.Key, Sum: group.Sum(answer => answer.Reward))).ToList();
            var most = votes.Where(vote => vote.Sum == votes.Max(other => other.Sum)).ToList();
            return most.Count(vote => vote.Key == "right") / (double)most.Count;
        });
    }

    [Fact]
    public void Where_nothing_could_be_scored_best_of_N_has_no_answer()
    {
        VariantAnswers All(string name) => new(name, null,
            [.. Enumerable.Range(0, 8).Select(i => new ProblemAnswers(null, [.. Enumerable.Range(0, 2).Select(s => Graded("right", s) with { Reward = i % 2 == 0 ? 0.5 : null, RewardTokens = 3 })]))]);
        var budget = EvaluationScorer.Score(Evaluation(2, All("final"))).Budget!;
        var best = budget.Methods.Single(method => method.Family == "best-of-N");
        Assert.InRange(best.WithoutAnswer, 1, budget.ReportProblems - 1);
        Assert.Equal(1 - (best.WithoutAnswer / (double)budget.ReportProblems), best.Accuracy.Value, Rounding);
        Assert.Equal(best.Accuracy.Value - 1, budget.Comparisons.Members[best.ByDrawnTokens!.Comparison!.Value].Difference.Value, Rounding);
    }

    [Fact]
    public void Rewards_alone_are_compared_too_and_their_reading_is_counted_where_it_is_known()
    {
        ProblemAnswers Rewarded(int i, bool isKnown) => new(null,
        [
            .. Enumerable.Range(0, 4).Select(s => Graded(s <= i % 3 ? "right" : $"{s}", s) with { Reward = (s * 7 % 4) / 4.0, RewardTokens = isKnown ? 25 : null }),
        ]);
        VariantAnswers All(string name, bool isKnown) => new(name, null, [.. Enumerable.Range(0, 10).Select(i => Rewarded(i, isKnown))]);
        var budget = EvaluationScorer.Score(Evaluation(4, All("early", false), All("middle", true), All("late", true))).Budget!;
        Assert.Equal(
            ["self-consistency", "best-of-N", "weighted best-of-N", "Temporal Sampling, Maj", "Temporal Sampling, BoN"],
            budget.Methods.Select(method => method.Family).Distinct());
        var best = budget.Methods.Single(method => method.Family == "best-of-N");
        Assert.Equal((40, 100, 4, new EqualBudget(14, null)), (best.DrawnTokens, best.RewardTokens, best.ByDrawnTokens!.K, best.ByAllTokens));
        // Over two checkpoints the reading is known, over three it is not.
        var temporal = budget.Methods.Where(method => method.Family == "Temporal Sampling, BoN").ToList();
        Assert.Equal([100, null], temporal.Select(method => method.RewardTokens));
        Assert.All(temporal.Where(method => method.RewardTokens is null), method => Assert.Null(method.ByAllTokens));
        Assert.Equal(["Temporal Sampling, Maj", "Temporal Sampling, BoN"], budget.Choices.Select(choice => choice.Choice));
        Assert.All(budget.Curves, curve => Assert.Equal([1, 2, 4], curve.Points.Select(point => point.K)));
        foreach (var curve in budget.Curves)
        {
            var row = budget.Methods.Single(method => method.Family == curve.Name && method.IsChosen);
            Assert.Equal(row.Accuracy, curve.Points[^1].Accuracy);
            Assert.Equal((row.DrawnTokens, row.RewardTokens), (curve.Points[^1].DrawnTokens, curve.Points[^1].RewardTokens));
        }
    }

    [Fact]
    public void Without_populations_and_rewards_there_is_nothing_to_compare() =>
        Assert.Null(EvaluationScorer.Score(Evaluation(2, Variant("final", Counted(2, 1), Counted(2, 0)))).Budget);

    [Fact]
    public void The_allocation_is_chosen_on_the_select_split_and_claimed_on_the_report_split()
    {
        var answers = Evaluation(4, Variant("final", [.. Enumerable.Range(0, 12).Select(_ => Counted(4, 2))]));
        var inSelect = SelectSplit.Of(answers.Clusters, answers.SelectShare, answers.Seed);
        PopulationMethodAnswers Filter(string name, double onSelect, double onReport) => new(name, "particle filter",
        [
            .. inSelect.Select(side => (side ? onSelect : onReport) is var share
                ? new PopulationProblem([Member("right", share), Member("a", 1 - share)], 40, 5, null) : null),
        ]);
        var missing = new PopulationMethodAnswers("4 × 4", "particle filter", new PopulationProblem?[12]);
        var budget = EvaluationScorer.Score(answers with { Populations = [Filter("1 × 16", 0.4, 0.9), missing, Filter("2 × 8", 0.9, 0.4)] }).Budget!;
        var choice = Assert.Single(budget.Choices);
        Assert.Equal(("particle filter", "accuracy", 3, "2 × 8"), (choice.Choice, choice.Score, choice.Tried, choice.Candidates[choice.Chosen].Name));
        Assert.Equal([false, true], budget.Methods.Skip(1).Select(method => method.IsChosen));
        Assert.Equal(0, budget.Methods[^1].Accuracy.Value);
        Assert.Null(budget.Methods[1].ByDrawnTokens); // What was not chosen claims nothing.
        Assert.Equal("2 × 8", Assert.Single(budget.Comparisons.Members).Of);
        Assert.Empty(budget.LeftOut);
    }

    [Fact]
    public void The_early_weight_is_an_allocation_too()
    {
        VariantAnswers All(string name, params string[] samples) => Variant(name, [.. Enumerable.Repeat(Problem(null, samples), 10)]);
        var late = All("late", "a", "a", "right");
        var answers = Evaluation(3, late) with { Interpolations = new("early", "late", [new(1, All("1", "b", "b", "b")), new(0.5, All("0.5", "right", "a", "right")), new(0, late)]) };
        answers = answers with { Populations = [Method("filter", _ => Of(Member("right", 1)), answers)] };
        var budget = EvaluationScorer.Score(answers).Budget!;
        // The parents are no mixtures.
        Assert.Equal(("WiSE-FT, early weight 0.5, Maj@3", 1, true), (budget.Methods.Where(method => method.Family == "WiSE-FT").Select(method => (method.Name, method.Accuracy.Value, method.IsChosen)).Single()));
        Assert.Equal(1, budget.Comparisons.Members[0].Difference.Value, Rounding);
    }

    [Fact]
    public void Problems_that_a_method_lacks_are_left_out_and_named_and_a_method_that_lacks_more_than_a_tenth_is_itself()
    {
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 20).Select(_ => Counted(2, 1))]));
        PopulationMethodAnswers Lacking(string name, params int[] lacking)
        {
            var method = Method(name, _ => Of(Member("right", 1)), answers);
            return method with { Problems = [.. method.Problems.Select((population, i) => lacking.Contains(i) ? null : population)] };
        }

        var budget = EvaluationScorer.Score(answers with { Populations = [Lacking("some", 1, 4), Lacking("most", [.. Enumerable.Range(3, 3)]), Lacking("none", [.. Enumerable.Range(0, 20)])] }).Budget!;
        Assert.Equal(["p2", "p5"], budget.LeftOut);
        Assert.Equal([new LeftOutMethod("most", 17, 20), new LeftOutMethod("none", 0, 20)], budget.LeftOutMethods);
        Assert.Equal(18, budget.SelectProblems + budget.ReportProblems);
        Assert.Equal(["self-consistency, Maj@2", "some"], budget.Methods.Select(method => method.Name));
        // The split is that of all problems, whatever is left out.
        Assert.Equal(EvaluationScorer.Score(answers with { Populations = [Lacking("all")] }).Budget!.ReportSplit, budget.ReportSplit);
    }

    [Fact]
    public void Gaps_of_many_methods_cost_methods_and_not_the_comparison()
    {
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 60).Select(_ => Counted(2, 1))]));
        PopulationMethodAnswers Lacking(int tenth)
        {
            var method = Method($"m{tenth}", _ => Of(Member("right", 1)), answers);
            return method with { Problems = [.. method.Problems.Select((population, i) => i / 6 == tenth ? null : population)] };
        }

        var budget = EvaluationScorer.Score(answers with { Populations = [.. Enumerable.Range(0, 10).Select(Lacking)] }).Budget!;
        Assert.True(budget.SelectProblems + budget.ReportProblems >= 48);
        Assert.Equal((8, 12), (budget.LeftOutMethods.Count, budget.LeftOut.Count));
    }

    [Fact]
    public void A_problem_without_its_extra_samples_is_left_out_and_caps_nothing()
    {
        var more = Variant("final", [.. Enumerable.Range(0, 20).Select(i => Counted(i == 3 ? 2 : 6, 1))]);
        var answers = Evaluation(2, more with { Problems = [.. more.Problems.Select(problem => problem with { Sampled = [.. problem.Sampled.Take(2)] })] }) with { MorePlain = more };
        answers = answers with { Populations = [Method("filter", _ => Of(Member("right", 1)) with { DrawnTokens = 50 }, answers)] };
        var budget = EvaluationScorer.Score(answers).Budget!;
        Assert.Equal((6, 5), (budget.MostPlain, budget.Methods[^1].ByDrawnTokens!.K));
        Assert.Equal(["p4"], budget.LeftOut);

        var few = answers with { MorePlain = more with { Problems = [.. more.Problems.Select((problem, i) => i < 10 ? problem : problem with { Sampled = [.. problem.Sampled.Take(2)] })] } };
        budget = EvaluationScorer.Score(few).Budget!;
        Assert.Equal((2, null), (budget.MostPlain, budget.Methods[^1].ByDrawnTokens!.Comparison));
        Assert.Equal([new LeftOutMethod("more plain samples", 9, 20)], budget.LeftOutMethods);
    }

    [Fact]
    public void An_answer_that_was_not_scored_counts_as_read_like_the_others_and_rewards_that_are_all_zero_tell_nothing_apart()
    {
        VariantAnswers All(double reward) => new("final", null,
            [.. Enumerable.Range(0, 10).Select(i => new ProblemAnswers(null, [.. Enumerable.Range(0, 2).Select(s => Graded("right", s) with { Reward = reward, RewardTokens = i == 4 ? null : 7 })]))]);
        var budget = EvaluationScorer.Score(Evaluation(2, All(0.5))).Budget!;
        Assert.Equal(14, budget.Methods.Single(method => method.Family == "best-of-N").RewardTokens!.Value, 1e-9);
        var zero = EvaluationScorer.Score(Evaluation(2, All(0))).Budget!;
        Assert.All(zero.Comparisons.Members, member => Assert.Equal(0, member.Difference.Value));
        Assert.All(zero.Methods, method => Assert.Equal(1, method.Accuracy.Value));
    }

    [Fact]
    public void Weights_that_are_all_zero_are_wrong_and_told()
    {
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 6).Select(_ => Counted(2, 2))]));
        var budget = EvaluationScorer.Score(answers with { Populations = [Method("dead", _ => Of(Member("right", 0), Member("right", 0)), answers)] }).Budget!;
        Assert.Equal((0, 0, budget.ReportProblems), (budget.Methods[^1].Accuracy.Value, budget.Methods[^1].DrawnByWeight!.Value, budget.Methods[^1].WithoutAnswer));
    }

    [Fact]
    public void The_problems_shown_are_those_on_which_methods_differ_most()
    {
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 80).Select(i => Counted(2, i % 2 * 2))]));
        var genealogy = new PopulationGenealogy([new([new([1], 1, false, [], 1, 0)])]);
        var filter = Method("filter", _ => Of(Member("right", 1)) with { Genealogy = genealogy }, answers);
        filter = filter with { Problems = [.. filter.Problems.Select((population, i) => i < 70 ? population : population! with { Genealogy = null })] };
        var shown = EvaluationScorer.Score(answers with { Populations = [filter] }).Budget!.MostDifferent;
        // 35 on which the majority is wrong, in the order of the suite; on the others nothing differs.
        Assert.Equal([.. Enumerable.Range(0, 35).Select(i => $"p{(2 * i) + 1}")], shown);
    }

    /// <summary>
    /// Two methods that are other samples of the same model. Votes of 2m and of 2m − 1 are right equally often where there are two answers, so
    /// that a method with one sample fewer than its baseline is no worse.
    /// </summary>
    [Theory]
    [InlineData(60, 4, 4, 4, 0.3, 0.9)]
    [InlineData(60, 3, 3, 16, 0.9, 0.9)] // Easy alike, and fewer than were drawn: a mean over all ways to draw the baseline's would be skewed here.
    [InlineData(30, 5, 5, 16, 0.7, 1)]
    [InlineData(30, 1, 1, 8, 0.95, 0.95)]
    [InlineData(30, 1, 2, 8, 0.95, 0.95)] // Ties that share the win would be skewed here.
    [InlineData(60, 3, 4, 8, 0.9, 0.9)]
    [InlineData(60, 2, 1, 8, 0.05, 0.05)]
    public void Where_a_method_is_no_better_than_the_baseline_gain_and_loss_are_each_as_rare_as_declared(
        int problems, int k, int baseline, int samples, double lowest, double highest)
    {
        var stream = RandomStream.For(71, $"equal budget {problems} {k} {baseline}");
        const int repeats = 300;
        var (gains, losses) = (0, 0);
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var rates = Enumerable.Range(0, problems).Select(_ => lowest + ((highest - lowest) * stream.NextDouble())).ToArray();
            ProblemAnswers Draw(double rate, int count) => Problem(null, [.. Enumerable.Range(0, count).Select(_ => stream.NextDouble() < rate ? "right" : "wrong")]);
            var answers = Evaluation(samples, Variant("final", [.. rates.Select(rate => Draw(rate, samples))])) with { Seed = (ulong)repeat };
            PopulationMethodAnswers Again(int j) => new($"again {j}", $"again {j}", [.. rates.Select(rate => Equal(Draw(rate, k).Sampled) with { DrawnTokens = 10 * baseline })]);
            answers = answers with { Populations = [Again(1), Again(2)] };
            var members = Compare(answers).Comparisons.Members;
            Assert.All(members, member => Assert.Equal($"Maj@{baseline}", member.Against));
            gains += members.Any(member => member.Outcome == Outcome.Gain) ? 1 : 0;
            losses += members.Any(member => member.Outcome == Outcome.Loss) ? 1 : 0;
        }

        output.WriteLine($"GAIN in {gains} and LOSS in {losses} of {repeats}");
        // 2.5 % each, and what 300 repeats allow.
        Assert.InRange(gains / (double)repeats, 0, 0.05);
        Assert.InRange(losses / (double)repeats, 0, 0.05);
    }

    [Fact]
    public void Populations_that_do_not_fit_or_hold_no_numbers_are_refused()
    {
        var answers = Evaluation(1, Variant("c", Counted(1, 1)));
        void Refused(PopulationProblem population) => Assert.Throws<ArgumentException>(() =>
            EvaluationScorer.Score(answers with { Populations = [new("m", "m", [population])] }));
        Refused(Of(Member("a", -1)));
        Refused(Of(Member("a", double.NaN)));
        Refused(Of(Member("a", double.PositiveInfinity)));
        Refused(Of(Member("a", 1, double.NaN)));
        Refused(Of(Member("a", 1)) with { DrawnTokens = -1 });
        Refused(Of(Member("a", 1)) with { RewardTokens = -1 });
        Assert.Throws<ArgumentException>(() => EvaluationScorer.Score(answers with { Populations = [new("m", "m", [])] }));
    }

    [Fact]
    public void What_is_done_is_written_down()
    {
        var answers = Evaluation(2, Variant("final", [.. Enumerable.Range(0, 6).Select(_ => Counted(2, 1))]));
        var methods = EvaluationScorer.Score(answers with { Populations = [Method("filter", _ => Of(Member("right", 1)), answers)] }).Methods;
        Assert.Contains("common random numbers", methods.Single(method => method.Score == "equal budget").Estimator, StringComparison.Ordinal);
        Assert.Contains(methods, method => method.Score == "accuracy at a budget");
        // A report cuts what is longer.
        Assert.All(methods, method => Assert.All($"{method.Estimator}; {method.Interval}; {method.Covers}".Split("; "), part => Assert.True(part.Length <= 160, part)));
    }

    /// <summary>The comparison without the curves that it does not need.</summary>
    private static BudgetScores Compare(EvaluationAnswers answers)
    {
        ScoredProblem[] problems = [.. answers.ProblemIds.Select((id, i) => new ScoredProblem(id, answers.Clusters[i], [answers.Trajectory[0].Problems[i]], null))];
        var curves = new Curves(problems, new(answers.Clusters), answers);
        var majority = new Curves.Family([], [(1, [.. curves.Budgets.Select(curves.FinalMajority)])]);
        return BudgetComparison.Of(answers, problems, [.. Enumerable.Range(0, problems.Length)], curves, majority, Curves.Family.Empty, Curves.Family.Empty)!;
    }

    private static double Majority(IReadOnlyList<GradedAnswer> drawn)
    {
        var votes = drawn.CountBy(answer => answer.Answer ?? "").ToList();
        var most = votes.Where(entry => entry.Value == votes.Max(vote => vote.Value)).ToList();
        return most.Count(entry => entry.Key == "right") / (double)most.Count;
    }

    private static PopulationMethodAnswers Method(string name, Func<ProblemAnswers, PopulationProblem> population, EvaluationAnswers answers) =>
        new(name, name, [.. answers.Trajectory[^1].Problems.Select(population)]);

    private static PopulationProblem Equal(IReadOnlyList<GradedAnswer> samples) =>
        new([.. samples.Select(answer => new PopulationMember(answer, 1.0 / samples.Count, 0))], samples.Sum(answer => answer.Tokens), 0, null);

    private static PopulationProblem Of(params PopulationMember[] members) => new(members, 40, 0, null);

    private static PopulationMember Member(string text, double weight, double score = 0) => new(Graded(text), weight, score);
}
