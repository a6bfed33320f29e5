namespace Hindsight.Scoring.Tests;

public class GradingToleranceTests
{
    [Theory]
    [InlineData("100", "100.9", 1, 0, true)]
    [InlineData("100", "101", 1, 0, true)]
    [InlineData("100", "101.1", 1, 0, false)]
    [InlineData("100", "101", 0, 0.01, true)]
    [InlineData("100", "102", 0, 0.01, false)]
    [InlineData("-100", "100", 0, 0.5, false)]
    [InlineData("0", "0.001", 0, 0.5, false)]
    [InlineData("0", "0.001", 0.001, 0, true)]
    [InlineData("5", "5", 0, 0, true)]
    [InlineData("1/3", "0.33", 0, 0.01, true)]
    public void A_declared_tolerance_is_the_larger_of_its_bounds(string gold, string answer, double absolute, double relative, bool equal)
    {
        var tolerance = NumberTolerance.Of((decimal)absolute, (decimal)relative);
        Assert.Equal(equal, IsCorrect(gold, answer));
        Assert.Equal(equal, IsCorrect(answer, gold));

        bool IsCorrect(string one, string other) => Graders.Grade(GraderKind.Number, [one], other, truncated: false, 0, 0, tolerance).Verdict == Verdict.Correct;
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -0.1)]
    [InlineData(0, 1)]
    public void A_tolerance_out_of_range_is_refused(double absolute, double relative) =>
        Assert.Throws<InvalidDataException>(() => NumberTolerance.Of((decimal)absolute, (decimal)relative));

    [Theory]
    [InlineData(1, 4, 1)]
    [InlineData(0.25, 4, 0)]
    [InlineData(0, 4, -1.0 / 3)]
    [InlineData(0.5, 2, 0)]
    [InlineData(0.6, 5, 0.5)]
    public void Chance_is_taken_off_a_choice(double accuracy, int options, double corrected) =>
        Assert.Equal(corrected, ChanceCorrection.Corrected(accuracy, options), 12);

    [Fact]
    public void One_option_leaves_no_chance_to_correct_for() => Assert.Throws<InvalidDataException>(() => ChanceCorrection.Corrected(1, 1));

    [Fact]
    public void Guessing_is_worth_nothing_over_problems_of_different_sizes()
    {
        var random = new Random(7);
        var guesses = Enumerable.Range(0, 200_000).Select(i => 2 + (i % 5)).Select(options => ChanceCorrection.Corrected(random.Next(options) == 0 ? 1 : 0, options));
        Assert.Equal(0, guesses.Average(), 0.005);
    }
}
