using System.Text.Json;
using static Hindsight.Scoring.Tests.Answers;

namespace Hindsight.Scoring.Tests;

public class EvaluationScorerTests
{
    private const double Rounding = 1e-12;

    [Fact]
    public void Pass_at_1_and_Maj_at_1_are_the_final_checkpoints_pass_rate_for_every_t() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        foreach (var curve in scores.PassAtK.Concat(scores.MajAtK))
        {
            Assert.Equal(1, curve.Points[0].K);
            Assert.Equal(scores.Trajectory[^1].PassAt1!.Value, curve.Points[0].Score.Value, Rounding);
        }
    });

    [Fact]
    public void Maj_at_2_equals_Pass_at_1_for_one_checkpoint() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        foreach (var point in scores.MajAtK[0].Points.Where(point => point.K == 2))
        {
            Assert.Equal(scores.Trajectory[^1].PassAt1!.Value, point.Score.Value, Rounding);
        }
    });

    [Fact]
    public void Pass_at_k_never_falls_with_k_and_is_never_below_Maj_at_k() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        foreach (var (pass, maj) in scores.PassAtK.Zip(scores.MajAtK))
        {
            foreach (var (point, next) in pass.Points.Zip(pass.Points.Skip(1)))
            {
                Assert.True(point.Score.Value <= next.Score.Value + Rounding);
            }

            foreach (var (p, m) in pass.Points.Zip(maj.Points))
            {
                Assert.True(m.Score.Value <= p.Score.Value + Rounding);
            }
        }
    });

    [Fact]
    public void For_t_of_k_and_beyond_Pass_at_k_does_not_depend_on_t() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        foreach (var group in scores.PassAtK.SelectMany(curve => curve.Points.Where(point => curve.T >= point.K)).GroupBy(point => point.K))
        {
            Assert.All(group, point => Assert.Equal(group.First().Score.Value, point.Score.Value, Rounding));
        }
    });

    [Fact]
    public void Every_interval_holds_its_value_and_stays_in_range() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        var shares = scores.PassAtK.Concat(scores.MajAtK).SelectMany(curve => curve.Points).Select(point => point.Score)
            .Concat(scores.Trajectory.SelectMany(checkpoint => new[] { checkpoint.PassAt1!, checkpoint.Greedy! }))
            .Concat([scores.Forgetting!.Final, scores.Forgetting.EverCorrect, scores.Forgetting.TemporalForgetting]);
        Assert.All(shares, share => Assert.True(0 <= share.Low && share.Low <= share.Value && share.Value <= share.High && share.High <= 1));
        if (scores.SampledForgetting!.Excess is { } excess)
        {
            Assert.True(-1 <= excess.Low && excess.Low <= excess.Value && excess.Value <= excess.High && excess.High <= 1);
        }
    });

    [Fact]
    public void The_order_of_problems_and_samples_changes_nothing() => ForAll(answers =>
    {
        var order = Enumerable.Range(0, answers.ProblemIds.Count).OrderBy(i => RandomStream.Hash(9, $"{i}")).ToList();
        var shuffled = answers with
        {
            ProblemIds = [.. order.Select(i => answers.ProblemIds[i])],
            Clusters = [.. order.Select(i => answers.Clusters[i])],
            Trajectory =
            [
                .. answers.Trajectory.Select(variant => variant with
                {
                    Problems = [.. order.Select(i => variant.Problems[i] with { Sampled = [.. variant.Problems[i].Sampled.Reverse()] })],
                }),
            ],
        };
        var (one, other) = (EvaluationScorer.Score(answers), EvaluationScorer.Score(shuffled));
        foreach (var (curve, same) in one.PassAtK.Concat(one.MajAtK).Zip(other.PassAtK.Concat(other.MajAtK)))
        {
            foreach (var (point, samePoint) in curve.Points.Zip(same.Points))
            {
                Assert.Equal(point.Score.Value, samePoint.Score.Value, Rounding);
                Assert.Equal(point.Score.Low, samePoint.Score.Low, 1e-9);
            }
        }

        Assert.Equal(one.Forgetting!.TemporalForgetting.Value, other.Forgetting!.TemporalForgetting.Value, Rounding);
        Assert.Equal(one.LostProblems.Select(lost => lost.ProblemId).Order(), other.LostProblems.Select(lost => lost.ProblemId).Order());
    });

    [Fact]
    public void Scoring_twice_gives_the_same_bytes() => ForAll(answers =>
        Assert.Equal(JsonSerializer.Serialize(EvaluationScorer.Score(answers)), JsonSerializer.Serialize(EvaluationScorer.Score(answers))));

    [Fact]
    public void Forgetting_scores_obey_their_identities() => ForAll(answers =>
    {
        var withBase = answers with { Base = answers.Trajectory[0] with { Name = "base" } };
        var forgetting = EvaluationScorer.Score(withBase).Forgetting!;
        Assert.Equal(forgetting.EverCorrect.Value - forgetting.Final.Value, forgetting.TemporalForgetting.Value, Rounding);
        Assert.True(forgetting.EverCorrect.Value >= forgetting.Final.Value);
        Assert.True(forgetting.Lost!.Value <= forgetting.TemporalForgetting.Value + Rounding); // The base answers are those of checkpoint 1.
        Assert.Equal(forgetting.Final.Value == 1, forgetting.RecoverableErrorShare is null);
        if (forgetting.RecoverableErrorShare is { } share)
        {
            Assert.Equal(forgetting.TemporalForgetting.Value, share * (1 - forgetting.Final.Value), Rounding);
        }

        Assert.Equal(answers.Trajectory.Count - 1, forgetting.Steps.Count);
        Assert.All(forgetting.Steps, step => Assert.Equal(1, step.Forget + step.Improve + step.KeptCorrect + step.KeptWrong, Rounding));
        var net = forgetting.Steps.Sum(step => step.Improve - step.Forget);
        Assert.Equal(forgetting.Final.Value - EvaluationScorer.Score(withBase).Trajectory[0].Greedy!.Value, net, Rounding);
    });

    [Fact]
    public void Expected_ever_correct_equals_Pass_at_T_over_all_T_checkpoints() => ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        var t = answers.Trajectory.Count;
        foreach (var point in scores.PassAtK.Where(curve => curve.T == t).SelectMany(curve => curve.Points).Where(point => point.K == t))
        {
            Assert.Equal(point.Score.Value, scores.SampledForgetting!.ExpectedEverCorrect, Rounding);
        }

        Assert.Equal(t > answers.SamplesPerProblem, scores.SampledForgetting!.NullEverCorrect is null);
    });

    [Fact]
    public void The_AIME24_run_exceeds_its_null_reference_by_8_point_9_points()
    {
        var rows = File.ReadLines(TestData.PathTo("aime24", "golden_counts_aime24.csv")).Skip(1).Select(line => line.Split(',')).ToList();
        VariantAnswers[] trajectory =
        [
            .. Enumerable.Range(1, 8).Reverse().Select(column => Variant(
                $"checkpoint-{32 * (9 - column)}",
                [.. rows.Select(row => Counted(64, Math.Max(0, int.Parse(row[column], System.Globalization.CultureInfo.InvariantCulture))))])),
        ];
        var forgetting = EvaluationScorer.Score(Evaluation(64, trajectory)).SampledForgetting!;
        Assert.Equal(28.1705, 100 * forgetting.ExpectedEverCorrect, 1e-4);
        Assert.Equal(19.2441, 100 * forgetting.NullEverCorrect!.Value, 1e-4);
        Assert.Equal(8.9263, 100 * forgetting.Excess!.Value, 1e-4);
        Assert.True(forgetting.Excess.Low < forgetting.Excess.Value && forgetting.Excess.Value < forgetting.Excess.High);
    }

    [Fact]
    public void Checkpoints_that_never_change_show_no_excess()
    {
        VariantAnswers[] same = [.. Enumerable.Range(0, 4).Select(j => Variant($"c{j}", Counted(8, 8), Counted(8, 0), Counted(8, 8)))];
        Assert.Equal(0, EvaluationScorer.Score(Evaluation(8, same)).SampledForgetting!.Excess!.Value, Rounding);
    }

    [Fact]
    public void A_problem_with_a_missing_answer_anywhere_on_the_trajectory_is_left_out_and_named()
    {
        var scores = EvaluationScorer.Score(Evaluation(
            2,
            Variant("early", Problem("right", "right", "a"), Problem("right", "right"), Problem(null, "right", "right")),
            Variant("late", Problem("a", "right", "a"), Problem("right", "right", "a"), Problem("right", "right", "right"))));
        Assert.Equal(["p2", "p3"], scores.IncompleteProblems);
        Assert.Equal(3, scores.ProblemCount);
        Assert.Equal("p1", Assert.Single(scores.Problems).Id);
        Assert.Equal(0.5, scores.Trajectory[1].PassAt1!.Value);
        Assert.Equal(2, scores.Trajectory[0].Health.Missing);
        Assert.Equal(6 + 3, scores.Trajectory[1].Health.Correct + scores.Trajectory[1].Health.Wrong);
    }

    [Fact]
    public void With_no_complete_problem_there_are_no_curves_and_no_NaN()
    {
        var nothing = new ProblemAnswers(null, []);
        var answers = Evaluation(4, Variant("early", nothing), Variant("late", Counted(4, 2))) with
        {
            Interpolations = new("early", "late", [new(0, Variant("0", Counted(4, 2))), new(1, Variant("1", nothing))]),
        };
        var scores = EvaluationScorer.Score(answers);
        Assert.Empty(scores.PassAtK);
        Assert.Empty(scores.MajAtK);
        Assert.Null(scores.Trajectory[1].PassAt1);
        Assert.Null(scores.Forgetting);
        Assert.Null(scores.SampledForgetting);
        Assert.Null(scores.EarlyWeights);
        Assert.Equal(["p1"], scores.IncompleteProblems);
        Assert.Equal(4, scores.Trajectory[0].Health.Missing);
        Assert.DoesNotContain("NaN", JsonSerializer.Serialize(scores), StringComparison.Ordinal); // The serializer refuses NaN itself.
    }

    [Fact]
    public void An_empty_suite_is_scored_to_nothing() =>
        Assert.Empty(EvaluationScorer.Score(Evaluation(4, Variant("only"))).Problems);

    [Fact]
    public void Greedy_answers_alone_give_forgetting_and_no_curves()
    {
        var scores = EvaluationScorer.Score(Evaluation(
            0,
            Variant("c1", Problem("right"), Problem("right"), Problem("a"), Problem("a")),
            Variant("c2", Problem("right"), Problem("a"), Problem("right"), Problem("a")),
            Variant("c3", Problem("right"), Problem("a"), Problem("right"), Problem("")))
            with { Base = Variant("base", Problem("a"), Problem("right"), Problem("a"), Problem("right")) });
        Assert.Empty(scores.PassAtK);
        Assert.Null(scores.SampledForgetting);
        var forgetting = scores.Forgetting!;
        Assert.Equal(0.5, forgetting.Final.Value);
        Assert.Equal(0.5, forgetting.Base!.Value);
        Assert.Equal(0.75, forgetting.EverCorrect.Value);
        Assert.Equal(0.5, forgetting.Lost!.Value);
        Assert.Equal(0.25, forgetting.TemporalForgetting.Value);
        Assert.Equal(0.5, forgetting.RecoverableErrorShare);
        Assert.Equal(new StepDynamics("c1", "c2", 0.25, 0.25, 0.25, 0.25), forgetting.Steps[0]);
        Assert.Equal(new LostProblem("p2", 0, 1, 0, true, -1, true, -1), Assert.Single(scores.LostProblems));
        Assert.Equal(["p1", "p3", "p2", "p4"], scores.Problems.Select(problem => problem.Id));
        Assert.Equal(1, scores.Trajectory[2].Health.NoAnswer);
    }

    [Fact]
    public void Truncated_and_missing_answers_are_counted_apart_from_wrong_ones()
    {
        var health = EvaluationScorer.Score(Evaluation(5, Variant("c", Problem("right", "right", "a", "", "cut")))).Trajectory[0].Health;
        Assert.Equal(new AnswerCounts(2, 1, 1, 1, 1, 16), health);
    }

    [Fact]
    public void Lost_problems_without_greedy_answers_need_a_fall_beyond_sampling_noise()
    {
        var scores = EvaluationScorer.Score(Evaluation(
            8,
            Variant("c1", Counted(8, 6), Counted(8, 8), Counted(8, 4), Counted(8, 0)),
            Variant("c2", Counted(8, 7), Counted(8, 8), Counted(8, 1), Counted(8, 1)),
            Variant("c3", Counted(8, 1), Counted(8, 0), Counted(8, 3), Counted(8, 8))));
        Assert.Equal(
            [new("p2", 1, 1, 0, false, 0, false, 0), new("p1", 1, 7 / 8.0, 1 / 8.0, false, 0, false, 1)],
            scores.LostProblems);
    }

    [Fact]
    public void At_most_twenty_lost_problems_are_shown()
    {
        VariantAnswers All(string name, string greedy) => Variant(name, [.. Enumerable.Repeat(Problem(greedy), 30)]);
        Assert.Equal(20, EvaluationScorer.Score(Evaluation(0, All("c1", "right"), All("c2", "a"))).LostProblems.Count);
    }

    [Fact]
    public void The_early_weight_is_chosen_on_one_split_and_its_gain_claimed_on_the_other()
    {
        // The middle point is best on every problem, so it is chosen whatever the split; its gain is the same on every problem too.
        var clusters = Enumerable.Range(0, 10).Select(i => $"c{i / 2}").ToList();
        VariantAnswers All(string name, int correct) => Variant(name, [.. Enumerable.Repeat(Counted(8, correct), 10)]);
        var answers = Evaluation(8, All("late", 4)) with
        {
            Clusters = clusters,
            Interpolations = new("early", "late", [new(1, All("1", 2)), new(0.5, All("0.5", 6)), new(0, All("0", 4)), new(0.25, All("0.25", 6))]),
        };
        var scores = EvaluationScorer.Score(answers).EarlyWeights!;
        Assert.Equal([0, 0.25, 0.5, 1], scores.Points.Select(point => point.EarlyWeight));
        Assert.Equal(0.25, scores.Chosen); // Ties go to the smaller weight.
        Assert.Equal(0.25, scores.GainOverLate.Value, Rounding);
        Assert.Equal(10, scores.SelectProblems + scores.ReportProblems);
        Assert.True(scores.SelectProblems is > 0 and < 10 && scores.SelectProblems % 2 == 0);
        Assert.Equal(4, scores.K);
        Assert.Equal(PassAtK.Estimate(8, 6, 4), scores.Points[1].SelectPassAtK, Rounding);
    }

    [Fact]
    public void Answers_of_the_report_split_have_no_say_in_the_choice()
    {
        var ids = Enumerable.Range(1, 12).Select(i => $"p{i}").ToList();
        var select = SelectSplit.Of(ids, 0.5, 1);
        VariantAnswers Split(string name, int onSelect, int onReport) =>
            Variant(name, [.. select.Select(inSelect => Counted(4, inSelect ? onSelect : onReport))]);
        var answers = Evaluation(4, Split("late", 2, 2)) with
        {
            Interpolations = new("early", "late", [new(0, Split("0", 2, 4)), new(0.5, Split("0.5", 3, 1)), new(1, Split("1", 1, 4))]),
        };
        var scores = EvaluationScorer.Score(answers).EarlyWeights!;
        Assert.Equal(0.5, scores.Chosen);
        Assert.Equal(-0.75, scores.GainOverLate.Value, Rounding);
    }

    [Fact]
    public void The_early_weight_curve_leaves_out_problems_that_lack_answers_at_some_point()
    {
        VariantAnswers Two(string name, int first) => Variant(name, Counted(first, 1), Counted(4, 1), Counted(4, 2), Counted(4, 3));
        var answers = Evaluation(4, Two("late", 4)) with { Interpolations = new("e", "l", [new(0, Two("0", 4)), new(1, Two("1", 3))]) };
        var scores = EvaluationScorer.Score(answers);
        Assert.Empty(scores.IncompleteProblems);
        Assert.Equal(3, scores.EarlyWeights!.SelectProblems + scores.EarlyWeights.ReportProblems);
    }

    [Fact]
    public void Lists_that_do_not_fit_together_are_refused()
    {
        var good = Evaluation(1, Variant("c", Counted(1, 1)));
        Assert.Throws<ArgumentException>(() => EvaluationScorer.Score(good with { Clusters = [] }));
        Assert.Throws<ArgumentException>(() => EvaluationScorer.Score(good with { Trajectory = [] }));
        Assert.Throws<ArgumentException>(() => EvaluationScorer.Score(good with { Base = Variant("base") }));
    }

    [Fact]
    public void Curves_end_at_the_samples_per_problem_for_every_t()
    {
        var answers = Evaluation(6, [.. Enumerable.Range(0, 5).Select(j => Variant($"c{j}", Counted(6, j)))]);
        var scores = EvaluationScorer.Score(answers);
        Assert.Equal([1, 2, 4, 5], scores.PassAtK.Select(curve => curve.T));
        Assert.All(scores.PassAtK.Concat(scores.MajAtK), curve => Assert.Equal([1, 2, 4, 6], curve.Points.Select(point => point.K)));
    }
}
