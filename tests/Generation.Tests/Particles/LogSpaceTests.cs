using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class LogSpaceTests
{
    [Fact]
    public void Effective_sample_size_and_entropy_are_the_worked_examples()
    {
        double[] figure = [2.1, -1.2, 1.3, 0.1];
        Assert.Equal(
            [.6166948871803692, .022745660759362383, .27709887483314216, .08346057722712619], LogSpace.Normalised(figure).Select(Math.Exp), Near);
        Assert.Equal(2.1524845759518416, LogSpace.EffectiveSampleSize(figure), 12);

        double[] logits = [.. new[] { .9, .1, .5, .8 }.Select(score => Potential.StepOdds().LogValue(score))];
        Assert.Equal([.6377952755905512, .0078740157480315, .0708661417322834, .2834645669291339], LogSpace.Normalised(logits).Select(Math.Exp), Near);
        Assert.Equal(2.031616072553218, LogSpace.EffectiveSampleSize(logits), 12);
        Assert.Equal(.6275137004783717, LogSpace.NormalisedEntropy(logits), 12);
    }

    [Fact]
    public void Equal_weights_have_the_size_n_and_a_single_one_has_one()
    {
        Assert.Equal(5, LogSpace.EffectiveSampleSize([-700.0, -700, -700, -700, -700]), 12);
        Assert.Equal(1, LogSpace.EffectiveSampleSize([double.NegativeInfinity, -3, double.NegativeInfinity]), 12);
        Assert.Equal(1, LogSpace.EffectiveSampleSize([Math.Log(1e-300)]), 12);
        Assert.Equal(0, LogSpace.EffectiveSampleSize([double.NegativeInfinity, double.NegativeInfinity]));
        Assert.Equal(1, LogSpace.NormalisedEntropy([2.0, 2]), 12);
        Assert.Equal(0, LogSpace.NormalisedEntropy([2.0]));
    }

    [Fact]
    public void A_constant_added_to_all_logarithms_changes_their_sum_alone() => Prop.ForAll(
        (from logs in Gen.Choose(-400, 400).Select(value => value / 10.0).NonEmptyListOf()
         from shift in Gen.Choose(-600, 600)
         select (logs.ToArray(), (double)shift)).ToArbitrary(),
        row =>
        {
            var (logs, shift) = row;
            double[] shifted = [.. logs.Select(value => value + shift)];
            return Math.Abs(LogSpace.SumExp(shifted) - LogSpace.SumExp(logs) - shift) < 1e-9
                && Math.Abs(LogSpace.EffectiveSampleSize(shifted) - LogSpace.EffectiveSampleSize(logs)) < 1e-9
                && LogSpace.Normalised(shifted).Zip(LogSpace.Normalised(logs)).All(pair => Math.Abs(pair.First - pair.Second) < 1e-9);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Weights_that_are_all_zero_stay_zero()
    {
        double[] zeros = [double.NegativeInfinity, double.NegativeInfinity];
        Assert.Equal(double.NegativeInfinity, LogSpace.SumExp(zeros));
        Assert.Equal(zeros, LogSpace.Normalised(zeros));
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) < 1e-12;
}
