using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class FindingsTests
{
    private static readonly EvaluationScores Sample = SampleReport.Make().Scores;

    [Fact]
    public void A_difference_whose_interval_includes_zero_is_not_claimed()
    {
        var headline = Headline(Sample with
        {
            SampledForgetting = new(0.7, 0.65, new(0.05, -0.01, 0.11)),
            EarlyWeights = Sample.EarlyWeights! with { GainOverLate = new(0.04, -0.01, 0.09) },
        });
        Assert.Contains("which chance alone could explain: sampling shows +5.0\u00a0points (−1.0 to +11.0) beyond the null", headline, StringComparison.Ordinal);
        Assert.Contains("changes Pass@1 by +4.0\u00a0points (−1.0 to +9.0) on problems not used for choosing, not a clear difference", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_whose_interval_leaves_zero_out_is_claimed()
    {
        var headline = Headline(Sample with
        {
            SampledForgetting = new(0.7, 0.6, new(0.1, 0.04, 0.16)),
            EarlyWeights = Sample.EarlyWeights! with { GainOverLate = new(0.06, 0.02, 0.1) },
        });
        Assert.Contains("more than chance gives: sampling shows +10.0\u00a0points (+4.0 to +16.0) beyond the null", headline, StringComparison.Ordinal);
        Assert.EndsWith("on problems not used for choosing.", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_forgotten_is_said_so()
    {
        var none = Sample.Forgetting! with { Final = new(0.5, 0.4, 0.6), EverCorrect = new(0.5, 0.4, 0.6), TemporalForgetting = new(0, 0, 0), RecoverableErrorShare = 0 };
        Assert.Contains("none of the 32 that it gets wrong greedily was solved on the way", Headline(Sample with { Forgetting = none }), StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_curves_are_no_difference()
    {
        Estimate same = new(0.5, 0.4, 0.6);
        var headline = Headline(Sample with { PassAtK = [new(1, [new(4, same, null)]), new(8, [new(4, same, null)])] });
        Assert.Contains("spreading 4 answers over the 8 newest checkpoints leaves Pass@4 at 50.0\u00a0%", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void An_early_weight_of_zero_means_that_no_mixture_was_better() => Assert.Contains(
        "no early weight beats checkpoint-800 on the problems for choosing",
        Headline(Sample with { EarlyWeights = Sample.EarlyWeights! with { Chosen = 0 } }), StringComparison.Ordinal);

    [Fact]
    public void Without_a_scored_problem_nothing_is_said() =>
        Assert.Equal("No problem has all its answers, so nothing can be said yet.", Headline(Sample with { IncompleteProblems = [.. Sample.Problems.Select(p => p.Id)] }));

    [Theory]
    [InlineData(0.412, "41.2\u00a0%")]
    [InlineData(1, "100.0\u00a0%")]
    [InlineData(-0.0001, "0.0\u00a0%")]
    [InlineData(-0.021, "−2.1\u00a0%")]
    public void Shares_are_printed_in_percent_with_one_decimal(double share, string printed) => Assert.Equal(printed, Text(Number.Percent(share)));

    private static string Headline(EvaluationScores scores) => Text(Findings.Headline(scores));

    private static string Text(Prose prose) => string.Concat(prose.Pieces.Select(piece => piece.Text));
}
