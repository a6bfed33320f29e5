namespace Hindsight.Generation.Tests;

public class DialectTests
{
    [Fact]
    public void The_hubs_dialect_resamples_after_the_last_step_and_weighs_by_the_last_odds()
    {
        // Every draw is of particle 1.
        var filter = new ParticleFilter(ParticleOptions.Of(Dialect.HubCompat, 2) with { MaxSteps = 1 }, (_, _) => .5, null, 0);
        Assert.Equal([1, 1], filter.Advance([new(.1, false), new(.9, false)]));
        Assert.False(filter.IsFinished);
        Assert.Equal([1, 1], filter.Advance([new(.2, false), new(.6, false)]));
        Assert.True(filter.IsFinished);
        Assert.Equal(2, filter.Round);
        Assert.Equal([.5, .5], filter.Result.Particles.Select(particle => Math.Exp(particle.LogWeight)), Near);
        Assert.Equal([.25 / 1.75, 1.5 / 1.75], filter.Result.Steps[1].LogWeights.Select(Math.Exp), Near);
    }

    [Fact]
    public void The_research_dialect_leaves_the_last_rewards_unresampled()
    {
        var filter = new ParticleFilter(ParticleOptions.Of(Dialect.ResearchCode, 2) with { MaxSteps = 2 }, (_, _) => .5, null, 0);
        Assert.Equal([1, 1], filter.Advance([new(.1, false), new(.9, false)]));
        Assert.Equal([0, 1], filter.Advance([new(.2, false), new(.6, false)]));
        Assert.True(filter.IsFinished);
        Assert.Equal([.25 / 1.75, 1.5 / 1.75], filter.Result.Particles.Select(particle => Math.Exp(particle.LogWeight)), Near);
        Assert.Equal(1, filter.Epoch);
    }

    [Fact]
    public void The_papers_dialect_weighs_by_the_softmax_of_the_products_themselves()
    {
        var filter = new ParticleFilter(ParticleOptions.Of(Dialect.PaperText, 2) with { MaxSteps = 2 }, (_, draw) => draw == 0 ? .1 : .9, null, 0);
        Assert.Equal([0, 1], filter.Advance([new(.1, false), new(.9, false)]));
        Assert.Equal(Math.Exp(.9) / (Math.Exp(.1) + Math.Exp(.9)), Math.Exp(filter.Result.Steps[0].LogWeights[1]), 12);
        filter.Advance([new(.5, false), new(.5, false)]);
        Assert.Equal(Math.Exp(.45) / (Math.Exp(.05) + Math.Exp(.45)), Math.Exp(filter.Result.Particles[1].LogWeight), 12);
    }

    [Theory]
    [InlineData(Dialect.PaperText)]
    [InlineData(Dialect.ResearchCode)]
    [InlineData(Dialect.HubCompat)]
    public void A_finished_particle_is_weighed_again_in_the_published_dialects(Dialect dialect)
    {
        var filter = new ParticleFilter(ParticleOptions.Of(dialect, 2), (_, draw) => draw == 0 ? .1 : .9, null, 0);
        filter.Advance([new(.7, true), new(.6, false)]);
        Assert.Equal([false, true], new[] { filter.IsExtended(0), filter.IsExtended(1) });
        filter.Advance([default, new(.6, true)]);
        var (first, second) = (filter.Result.Steps[0], filter.Result.Steps[1]);
        Assert.Equal(first.LogPotentials[0], second.LogPotentials[0]);
        Assert.NotEqual(0, first.LogPotentials[0]);
    }

    [Fact]
    public void A_finished_particle_is_weighed_once_in_the_exact_dialect()
    {
        var filter = new ParticleFilter(ParticleOptions.Of(Dialect.Exact, 2), 1);
        filter.Advance([new(.7, true), new(.6, false)]);
        filter.Advance([default, new(.5, true)]);
        Assert.Equal(0, filter.Result.Steps[1].LogPotentials[0]);
        Assert.Equal([.7, .3], filter.Result.Particles.Select(particle => Math.Exp(particle.LogWeight)), Near);
    }

    [Fact]
    public void A_frozen_particle_stays_while_the_others_are_resampled()
    {
        var options = ParticleOptions.Of(Dialect.ResearchCode, 3) with { Finished = FinishedParticles.Frozen };
        var filter = new ParticleFilter(options, (_, _) => .99, null, 0);
        Assert.Equal([0, 2, 2], filter.Advance([new(.01, true), new(.6, false), new(.6, false)]));

        // The last reward is the weight in the end, however early an answer ended.
        filter.Advance([default, new(.5, true), new(.75, true)]);
        double[] odds = [.01 / .99, 1, 3];
        Assert.Equal(odds.Select(one => one / odds.Sum()), filter.Result.Particles.Select(particle => Math.Exp(particle.LogWeight)), Near);
    }

    [Fact]
    public void Equal_weights_are_resampled_in_the_published_dialects_alone()
    {
        foreach (var dialect in Enum.GetValues<Dialect>())
        {
            var filter = new ParticleFilter(ParticleOptions.Of(dialect, 2) with { ResamplingThreshold = 1 }, 1);
            filter.Advance([new(.5, false), new(.5, false)]);
            Assert.Equal(dialect != Dialect.Exact, filter.Result.Steps[0].IsResampled);
        }
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) < 1e-12;
}
