namespace Hindsight.Generation.Tests;

public class FinalSelectionTests
{
    private static readonly string?[] Answers = ["7", "8", null, "7", "9", "8"];

    private static readonly double[] Scores = [.2, .6, .9, .3, .5, .6];

    [Fact]
    public void The_best_is_the_first_of_the_highest_score()
    {
        Assert.Equal(2, FinalSelection.Best(Scores));
        Assert.Equal(1, FinalSelection.Best([.2, .6, .6]));
    }

    [Fact]
    public void A_sample_is_drawn_by_weight()
    {
        double[] logWeights = [Math.Log(1), double.NegativeInfinity, Math.Log(3)];
        Assert.Equal(0, FinalSelection.Sample(logWeights, .2499));
        Assert.Equal(2, FinalSelection.Sample(logWeights, .25));
        Assert.Null(FinalSelection.Sample([double.NegativeInfinity], .5));
    }

    [Fact]
    public void The_majority_counts_answers_and_tells_the_best_scored_of_the_winner()
    {
        double[] ones = [1, 1, 1, 1, 1, 1];
        Assert.Equal(3, FinalSelection.Majority(Answers, ones, Scores));
        Assert.Equal(1, FinalSelection.Majority(Answers, Scores, Scores));
        Assert.Equal(4, FinalSelection.Majority(Answers, [.1, .1, .9, .1, .3, .1], Scores));
    }

    [Fact]
    public void What_is_no_answer_wins_only_where_nothing_is()
    {
        Assert.Equal(1, FinalSelection.Majority([null, null], [.5, .5], [.1, .2]));
        Assert.Equal(1, FinalSelection.Majority([null, "a"], [.9, .1], [.1, .2]));
        Assert.Equal(0, FinalSelection.Majority([null, "a"], [.9, 0], [.1, .2]));
        Assert.Null(FinalSelection.Majority(["a"], [0], [1]));
    }

    [Fact]
    public void Expected_pass_at_1_is_the_weight_of_the_correct()
    {
        Assert.Equal(.75, FinalSelection.ExpectedPassAt1([Math.Log(2), Math.Log(1), Math.Log(1)], [true, false, true]), 12);
        Assert.Equal(0, FinalSelection.ExpectedPassAt1([double.NegativeInfinity], [true]));
    }
}
