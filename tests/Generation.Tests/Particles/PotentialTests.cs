using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class PotentialTests
{
    private static readonly Gen<double[]> Scores =
        Gen.Choose(1, 999).Select(score => score / 1000.0).NonEmptyListOf().Select(scores => scores.ToArray());

    [Theory]
    [InlineData(.9, 2.1972245773362196)]
    [InlineData(.5156, .0624202594)]
    [InlineData(.9453, 2.8496386280)]
    [InlineData(.3198, -.7546910722)]
    [InlineData(0, -16.118095550958316)]
    [InlineData(1, 16.11809555148467)]
    public void Odds_are_taken_of_clipped_scores(double score, double logit)
    {
        Assert.Equal(logit, Potential.StepOdds().LogTotal([score]), 9);
        Assert.Equal(logit / 2.5, Potential.StepOdds(2.5).LogTotal([score]), 9);
    }

    [Fact]
    public void A_score_of_zero_has_no_weight_where_nothing_is_clipped()
    {
        Assert.Equal(Math.Log(1e-7), Potential.StepProbability.LogTotal([0]), 12);
        Assert.Equal(double.NegativeInfinity, (Potential.StepProbability with { Clip = 0 }).LogTotal([0]));
        Assert.Equal(0, Potential.StepProbability.LogTotal([1, 1]));
    }

    [Fact]
    public void Step_probability_is_the_telescoping_product() => Prop.ForAll(
        Scores.Select(scores => scores.Select(score => Math.Pow(score, 1.0 / scores.Length)).ToArray()).ToArbitrary(),
        scores => Math.Abs(Potential.StepProbability.LogTotal(scores) - Potential.Telescoping(Aggregation.Product).LogTotal(scores)) < 1e-9)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_telescoping_potential_comes_to_the_value_of_the_whole_prefix() => Prop.ForAll(Scores.ToArbitrary(), scores =>
        Math.Abs(Potential.Telescoping(Aggregation.Minimum).LogTotal(scores) - Math.Log(scores.Min())) < 1e-9
        && Math.Abs(Potential.Telescoping(Aggregation.Model).LogTotal(scores) - Math.Log(scores[^1])) < 1e-9
        && Math.Abs(Potential.Telescoping(Aggregation.Last, PrefixValue.Odds).LogTotal(scores) - Logit(scores[^1])) < 1e-9)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Prefix_odds_count_every_prefix_afresh() => Prop.ForAll(Scores.ToArbitrary(), scores =>
    {
        var lowest = Enumerable.Range(1, scores.Length).Sum(length => Logit(scores[..length].Min()));
        return Math.Abs(Potential.PrefixOdds(Aggregation.Minimum, 2).LogTotal(scores) - (lowest / 2)) < 1e-9;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.001)]
    [InlineData(1.001)]
    [InlineData(double.PositiveInfinity)]
    public void A_score_that_is_no_probability_is_refused(double score)
    {
        var error = Assert.Throws<InvalidDataException>(() => Potential.StepProbability.LogTotal([score]));
        Assert.Contains("sigmoid", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_logits_are_taken_where_that_is_declared()
    {
        var potential = Potential.StepOdds() with { Score = new PrefixScore(Transform: ScoreTransform.Sigmoid) };
        Assert.Equal(-3.25, potential.LogTotal([-3.25]), 12);
        Assert.Throws<InvalidDataException>(() => potential.LogTotal([double.NaN]));
    }

    [Fact]
    public void Self_certainty_weighs_by_the_mean_log_probability_or_the_entropy()
    {
        var mean = SelfCertainty.MeanLogProbability([-.2, -.4]);
        Assert.Equal(-.3, mean, 12);
        Assert.Equal(-.3, Potential.SelfCertainty().LogTotal([mean]), 12);
        Assert.Equal(1.0502256128148466, Potential.SelfCertainty(PrefixValue.Odds).LogTotal([mean]), 9);
        Assert.Equal(-.5692714864213719, SelfCertainty.NegativeEntropy([[-.2, -1.2], [-.4, -1.4]]), 12);
        Assert.Equal(0, SelfCertainty.MeanLogProbability([]));
        Assert.Equal(0, SelfCertainty.NegativeEntropy([]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void A_temperature_that_is_not_positive_is_refused(double temperature) =>
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(new ParticleOptions { Particles = 2, Potential = Potential.StepOdds(temperature) }, 1));

    /// <summary>
    /// The paper's figure 1: after the first step the path that will turn out right has the score .5156, the wrong one .9453, four
    /// particles each. Odds all but drop the right one where the model of step probabilities would keep it.
    /// </summary>
    [Fact]
    public void Odds_are_far_greedier_than_step_probabilities()
    {
        double Kept(Potential potential)
        {
            var filter = new ParticleFilter(ParticleOptions.Of(Dialect.Exact, 8) with { Potential = potential }, 1);
            filter.Advance([.. Enumerable.Range(0, 8).Select(slot => new StepOutcome(slot < 4 ? .5156 : .9453, IsFinished: false))]);
            return filter.Result.Steps[0].LogWeights.Take(4).Sum(Math.Exp);
        }

        Assert.Equal(.0580, Kept(Potential.StepOdds()), 4);
        Assert.Equal(.380, 1 - Math.Pow(1 - Kept(Potential.StepOdds()), 8), 3);
        Assert.Equal(.353, Kept(Potential.StepProbability), 3);
        Assert.Equal(.969, 1 - Math.Pow(1 - Kept(Potential.StepProbability), 8), 3);
    }

    private static double Logit(double score) => Math.Log(score / (1 - score));
}
