namespace Hindsight.Scoring.Tests;

public class SelectionTests
{
    // Eleven equally good candidates, drawn anew each time: how far the best observed one outdoes the truth, in points.
    [Theory]
    [InlineData(30, 1, 10.1)]
    [InlineData(30, 4, 4.8)]
    [InlineData(30, 16, 2.6)]
    [InlineData(100, 4, 2.7)]
    public void The_estimated_winner_s_curse_is_the_published_one(int problems, int samples, double points)
    {
        var stream = RandomStream.For(61, $"curse {problems} {samples}");
        const int repeats = 200;
        var means = new ClusteredMean(Enumerable.Range(0, problems).Select(i => $"p{i}"));
        double estimated = 0, simulated = 0;
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var rates = Enumerable.Range(0, problems).Select(_ => Population.Rate(ref stream)).ToArray();
            var candidates = new ClusterSums[11];
            for (var c = 0; c < candidates.Length; c++)
            {
                candidates[c] = means.Sums(Array.ConvertAll(rates, rate => Population.Correct(samples, rate, ref stream) / (double)samples));
            }

            estimated += repeat % 5 == 0 ? Selection.Luck(candidates) : 0;
            simulated += candidates.Max(candidate => candidate.Mean) - rates.Average();
        }

        Assert.Equal(points, 100 * simulated / repeats, 0.6);
        Assert.Equal(points, 100 * estimated / (repeats / 5), 0.6);
    }

    [Fact]
    public void The_choice_is_made_on_select_and_the_gain_comes_from_report()
    {
        string[] clusters = [.. Enumerable.Range(0, 40).Select(i => $"c{i / 2}")];
        var inSelect = SelectSplit.Of(clusters, 0.5, 3);
        double[] Split(double onSelect, double onReport) => Array.ConvertAll(inSelect, side => side ? onSelect : onReport);
        var selection = Selection.Of(
            ("checkpoint", "Pass@1"), [("a", Split(0.9, 0.1)), ("b", Split(0.5, 0.9)), ("c", Split(0.6, 0.4))], [2], 5, clusters, inSelect, 0.02, 1);
        Assert.Equal(0, selection.Chosen);
        Assert.Equal(5, selection.Tried);
        Assert.Equal(0.9, selection.Candidates[0].Select, 1e-12);
        Assert.Equal(0.1, selection.Candidates[0].Report.Value, 1e-12);
        var gain = Assert.Single(selection.Gains.Members);
        Assert.Equal(("a", "c"), (gain.Of, gain.Against));
        Assert.Equal(-0.3, gain.Difference.Value, 1e-12);
        Assert.Equal(0, selection.WinnersCurse, 1e-12); // No spread, no luck.
    }

    [Fact]
    public void A_temperature_is_chosen_on_select_and_claimed_on_report_by_one_answer_and_by_the_majority()
    {
        // At 0.5 the right answer is the most frequent one; at 1 it comes as often, but never leads.
        VariantAnswers At(params string[] samples) => Answers.Variant("final", [.. Enumerable.Range(0, 20).Select(_ => Answers.Problem(null, samples))]);
        var own = At("right", "wrong", "wrong", "wrong");
        var scores = EvaluationScorer.Score(Answers.Evaluation(4, own) with
        {
            Temperatures = [new(1, own), new(0.5, At("right", "right", "a", "b")), new(0.1, At("right", "right", "a", "a"))],
        });
        Assert.Equal([("temperature", "Pass@1"), ("temperature", "Maj@4")], scores.Selections.Select(selection => (selection.Choice, selection.Score)));
        Assert.Equal("0.5", scores.Selections[0].Candidates[scores.Selections[0].Chosen].Name);
        Assert.Equal("0.5", scores.Selections[1].Candidates[scores.Selections[1].Chosen].Name);
        Assert.Equal([0, 1, 0.5], scores.Selections[1].Candidates.Select(candidate => candidate.Report.Value));
        Assert.Equal((3, 0.25), (scores.Selections[0].Tried, scores.Selections[0].Gains.Members[0].Difference.Value));
    }

    [Fact]
    public void At_a_tie_the_reference_stays()
    {
        string[] clusters = ["a", "b"];
        var selection = Selection.Of(("t", "Pass@4|t"), [("1", [1, 1]), ("2", [1, 1])], [1], 2, clusters, [true, false], 0.02, 1);
        Assert.Equal(1, selection.Chosen);
        Assert.Empty(selection.Gains.Members);
    }

    [Fact]
    public void The_value_claimed_for_the_chosen_one_of_equals_is_not_flattered()
    {
        var stream = RandomStream.For(67, "held out");
        string[] clusters = [.. Enumerable.Range(0, 40).Select(i => $"p{i}")];
        const int repeats = 300;
        double onSelect = 0, onReport = 0;
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var counts = Population.Problems(40, 8, 2, ref stream);
            var selection = Selection.Of(
                ("checkpoint", "Pass@1"),
                [.. Enumerable.Range(0, 8).Select(j => ($"{j}", counts.Select(problem => problem.Correct[j] / 2.0).ToArray()))],
                [7], 8, clusters, SelectSplit.Of(clusters, 0.5, (ulong)repeat), 0.02, 1);
            onSelect += selection.Candidates[selection.Chosen].Select / repeats;
            onReport += selection.Candidates[selection.Chosen].Report.Value / repeats;
        }

        Assert.InRange(onReport, 0.23, 0.27);
        Assert.InRange(onSelect, 0.3, 0.4);
    }

    [Fact]
    public void The_report_split_has_a_name_that_follows_its_problems_alone()
    {
        string[] ids = ["a", "b", "c"];
        Assert.Equal(SelectSplit.ReportId(ids, [true, false, false]), SelectSplit.ReportId(["c", "a", "b"], [false, true, false]));
        Assert.NotEqual(SelectSplit.ReportId(ids, [true, false, false]), SelectSplit.ReportId(ids, [false, true, false]));
    }

    [Fact]
    public void Looks_at_a_report_split_are_counted()
    {
        var counter = LookCounter.None.After("x").After("y").After("x");
        Assert.Equal((2, 1, 0), (counter.Of("x"), counter.Of("y"), counter.Of("z")));
    }

    [Fact]
    public void Checkpoint_and_t_are_chosen_for_every_trajectory_that_can_be_split() => Answers.ForAll(answers =>
    {
        var scores = EvaluationScorer.Score(answers);
        var several = answers.Trajectory.Count > 1 && answers.ProblemIds.Count > 1;
        Assert.Equal(several ? ["checkpoint", "t"] : [], scores.Selections.Select(selection => selection.Choice));
        Assert.Equal(several, scores.ReportSplit is not null);
        Assert.All(scores.Selections, selection => Assert.Equal(answers.ProblemIds.Count, selection.SelectProblems + selection.ReportProblems));
    });

    [Fact]
    public void Without_both_parents_among_the_candidates_no_early_weight_is_chosen()
    {
        VariantAnswers All(string name, int correct) => Answers.Variant(name, [.. Enumerable.Repeat(Answers.Counted(4, correct), 6)]);
        EarlyWeightScores? Score(params double[] weights) => EvaluationScorer.Score(Answers.Evaluation(4, All("late", 2)) with
        {
            Interpolations = new("e", "l", [.. weights.Select(weight => new InterpolationAnswers(weight, All("x", 2)))]) { Tried = 11 },
        }).EarlyWeights;
        Assert.Null(Score(0, 0.5));
        Assert.Null(Score(0.5, 1));
        var whole = Score(0, 0.5, 1)!;
        Assert.Equal(11, whole.Selection!.Tried);
        Assert.NotNull(whole.ReportSplit);
    }

    [Fact]
    public void The_chosen_weight_stands_against_both_parents()
    {
        VariantAnswers All(string name, int correct) => Answers.Variant(name, [.. Enumerable.Range(0, 12).Select(i => Answers.Counted(8, correct - (i % 2)))]);
        var selection = EvaluationScorer.Score(Answers.Evaluation(8, All("late", 4)) with
        {
            Interpolations = new("e", "l", [new(0, All("0", 3)), new(0.5, All("0.5", 7)), new(1, All("1", 2))]),
        }).EarlyWeights!.Selection!;
        Assert.Equal(["0", "1"], selection.Gains.Members.Select(member => member.Against));
        Assert.Equal([0.5, 0.625], selection.Gains.Members.Select(member => Math.Round(member.Difference.Value, 9)));
    }
}
