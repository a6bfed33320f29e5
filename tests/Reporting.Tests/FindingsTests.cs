using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class FindingsTests
{
    private static readonly EvaluationScores Sample = ScoredSample.Scores;

    [Theory]
    [InlineData(Outcome.Gain, "GAIN, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.Loss, "LOSS, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.NoDifference, "NO DIFFERENCE of 2.0\u00a0points or more, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.Inconclusive, "INCONCLUSIVE, +4.0\u00a0points (+1.0 to +7.0), detectable 5.0\u00a0points")]
    public void The_outcome_is_the_one_that_the_comparison_decided(Outcome outcome, string said)
    {
        var headline = Headline(Sample with { Comparisons = [Family(FamilyKind.PassSpread, "Pass@8|t against t = 1, at equal budget", Member("t = 2", Outcome.Loss), Member("t = 4", outcome))] });
        Assert.Contains($"8 answers spread over checkpoints, t = 4 against t = 1: {said}", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void Curves_whose_intervals_lie_apart_claim_nothing_by_themselves()
    {
        var headline = Headline(Sample with
        {
            Comparisons = [],
            EarlyWeights = null,
            PassAtK = [new(1, [new(4, new(0.3, 0.2, 0.4), null)]), new(4, [new(4, new(0.8, 0.7, 0.9), null)])],
        });
        Assert.DoesNotContain("spread", headline, StringComparison.Ordinal);
        Assert.DoesNotContain("GAIN", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void A_better_checkpoint_on_the_way_is_named_with_the_correction_for_all()
    {
        var headline = Headline(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Gain), Member("b", Outcome.Inconclusive))] });
        Assert.Contains("1 of 2 earlier checkpoints does better, the most a: GAIN, +4.0\u00a0points (+1.0 to +7.0), corrected for 2 comparisons by max-t", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_that_is_not_shown_to_be_better_is_not_settled()
    {
        var headline = Headline(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "greedy of each checkpoint against the final one", Member("a", Outcome.Loss), Member("b", Outcome.Inconclusive))] });
        Assert.Contains("whether an earlier checkpoint does better is not settled, the most promising being b: INCONCLUSIVE", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_all_are_settled_no_checkpoint_does_better()
    {
        var headline = Headline(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Loss), Member("b", Outcome.NoDifference))] });
        Assert.Contains("no earlier checkpoint does better: NO DIFFERENCE for 1, LOSS for 1, corrected for 2 comparisons by max-t", headline, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.01, 0.11, "and whether sampled forgetting exceeds chance is INCONCLUSIVE, +5.0\u00a0points (−1.0 to +11.0)")]
    [InlineData(0.01, 0.09, "and sampled forgetting exceeds chance by +5.0\u00a0points (+1.0 to +9.0)")]
    public void Forgetting_is_said_beside_its_null(double low, double high, string said)
    {
        var chance = new ForgettingNull(new(0.2, 0.1, 0.3), 0.15, new(0.05, low, high), 0.04, 999);
        Assert.Contains(said, Headline(Sample with { ForgettingNull = chance }), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_forgotten_is_said_so()
    {
        var none = Sample.Forgetting! with { Final = new(0.5, 0.4, 0.6), EverCorrect = new(0.5, 0.4, 0.6), TemporalForgetting = new(0, 0, 0), RecoverableErrorShare = 0 };
        Assert.Contains("none of the 30 that it gets wrong greedily was solved on the way", Headline(Sample with { Forgetting = none }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_large_true_change_is_found_from_answers_alone()
    {
        var headline = Headline(Sample);
        Assert.Contains("against the model before training: GAIN", headline, StringComparison.Ordinal);
        Assert.Contains("sampled forgetting exceeds chance by +", headline, StringComparison.Ordinal);
        Assert.Equal(5, Findings.KeyNumbers(Sample).Count);
    }

    [Fact]
    public void An_early_weight_is_judged_on_the_problems_that_did_not_choose_it()
    {
        var weights = Sample.EarlyWeights!;
        var gain = weights.Selection!.Gains.Members[0];
        var (value, note) = Findings.KeyNumbers(Sample).Select(number => (Text(number.Value), Text(number.Note))).Last();
        Assert.Equal(Text($"+{Number.Fixed(100 * gain.Difference.Value)}"), value);
        Assert.Contains(Text(Number.Points(gain.Together)), note, StringComparison.Ordinal);
        Assert.Contains("that did not choose it; 5 weights tried", note, StringComparison.Ordinal);
    }

    [Fact]
    public void An_early_weight_of_zero_means_that_no_mixture_was_better()
    {
        var selection = Sample.EarlyWeights!.Selection!;
        var weights = Sample.EarlyWeights with { Chosen = 0, Selection = selection with { Chosen = 0, Gains = selection.Gains with { Members = [] } } };
        Assert.Contains("no early weight beats checkpoint-400 on the problems for choosing", Headline(Sample with { EarlyWeights = weights }), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_scored_problem_nothing_is_said() =>
        Assert.Equal("No problem has all its answers, so nothing can be said yet.", Headline(Sample with { IncompleteProblems = [.. Sample.Problems.Select(p => p.Id)] }));

    [Theory]
    [InlineData(0.412, "41.2\u00a0%")]
    [InlineData(1, "100.0\u00a0%")]
    [InlineData(-0.0001, "0.0\u00a0%")]
    [InlineData(-0.021, "−2.1\u00a0%")]
    public void Shares_are_printed_in_percent_with_one_decimal(double share, string printed) => Assert.Equal(printed, Text(Number.Percent(share)));

    private static ComparisonFamily Family(FamilyKind kind, string name, params Scoring.Comparison[] members) => new(name, 0.02, members) { Kind = kind };

    private static Scoring.Comparison Member(string of, Outcome outcome) =>
        new(of, "t = 1", 60, 30, new(0.04, 0.02, 0.06), new(0.04, 0.01, 0.07), 0.01, 0.02, 0.05, outcome, 9, 4);

    private static string Headline(EvaluationScores scores) => Text(Findings.Headline(scores));

    private static string Text(Prose prose) => string.Concat(prose.Pieces.Select(piece => piece.Text));
}
