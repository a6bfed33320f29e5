namespace Hindsight.Generation.Tests;

public class EntropicAnnealingTests
{
    [Fact]
    public void Temperatures_are_the_worked_examples()
    {
        var size = new EntropicAnnealing();
        Assert.Equal(4, size.Annealed(.2, 0, .2), 12);
        Assert.Equal(1, size.Annealed(.5, 0, .8), 12);
        var entropy = new EntropicAnnealing { Rule = AnnealingRule.Entropy };
        Assert.Equal(1.5384615384615383, entropy.Annealed(0, .5, .3), 12);
        Assert.Equal(1, entropy.Annealed(0, 1, .2), 12);
        var fixedBase = new EntropicAnnealing { Rule = AnnealingRule.Base };
        Assert.Equal(1.5, fixedBase.Annealed(0, 0, .5), 12);
        Assert.Equal(1, (fixedBase with { BaseTemperature = .8 }).Annealed(0, 0, .5), 12);
    }

    [Fact]
    public void It_acts_only_early_and_where_few_particles_have_the_weight()
    {
        var annealing = new EntropicAnnealing();
        Assert.Equal(4, annealing.Temperature(.2, 0, .2), 12);
        Assert.Equal(1, annealing.Temperature(.2, 0, .5));
        Assert.Equal(1, annealing.Temperature(.5, 0, .1));
    }

    [Fact]
    public void A_population_is_resampled_with_flattened_weights_and_keeps_the_rest()
    {
        var options = new ParticleOptions
        {
            Particles = 4, MaxSteps = 10, Potential = Potential.StepOdds(), Annealing = new EntropicAnnealing(), Scheme = ResamplingScheme.Multinomial,
        };
        // Each number falls into the share of one particle of (.64634, .11949, .09505, .13912).
        double[] numbers = [.64, .7655, .8605, .99];
        var filter = new ParticleFilter(options, (_, draw) => numbers[draw], null, 0);
        StepOutcome[] outcomes = [new(.99, false), new(.2, false), new(.1, false), new(.3, false)];
        Assert.Equal([0, 1, 2, 3], filter.Advance(outcomes));

        var result = filter.Result;
        Assert.True(result.Steps[0].IsResampled);
        Assert.Equal(1.01599, result.Steps[0].EffectiveSampleSize, 5);
        Assert.Equal(3.5433419269776225, result.Steps[0].Temperature, 9);
        double[] weights = [.99209, .00251, .00111, .00429];
        double[] probabilities = [.64634, .11949, .09505, .13912];
        double[] left = [.. weights.Zip(probabilities, (weight, probability) => weight / (4 * probability))];
        Assert.Equal(Math.Log(left.Sum()) + result.Steps[0].LogEvidence, result.LogEvidence, 0.005);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(weights[i], Math.Exp(result.Steps[0].LogWeights[i]), 5);
            Assert.Equal(1, Math.Exp(result.Particles[i].LogWeight) * left.Sum() / left[i], 0.005);
        }
    }
}
