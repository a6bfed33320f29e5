namespace Hindsight.Generation.Tests;

/// <summary>The filter around a reference, then one path drawn by weight: a Markov kernel over answers.</summary>
public class ConditionalFilterTests
{
    private static readonly ParticleOptions EveryStep = new() { ResamplingThreshold = 1, Scheme = ResamplingScheme.Multinomial, MaxSteps = 3 };

    [Theory]
    [InlineData(2, "00", .587934, .165124, .032727, .214215)]
    [InlineData(2, "01", .085620, .771570, .011901, .130909)]
    [InlineData(2, "10", .038182, .026777, .351901, .583140)]
    [InlineData(2, "11", .013884, .016364, .032397, .937355)]
    [InlineData(3, "00", .370963, .186213, .040338, .402486)]
    [InlineData(3, "01", .096555, .598385, .022360, .282700)]
    [InlineData(3, "10", .047061, .050311, .208475, .694153)]
    [InlineData(3, "11", .026087, .035338, .038564, .900011)]
    public void The_kernel_is_the_published_one(int particles, string from, double to00, double to01, double to10, double to11)
    {
        var row = Row(Toy.Chain(2), EveryStep with { Particles = particles }, from);
        Assert.All(
            new[] { ("00", to00), ("01", to01), ("10", to10), ("11", to11) },
            to => Assert.Equal(to.Item2, row.GetValueOrDefault(to.Item1), 1e-6));
    }

    [Theory]
    [InlineData(ResamplingScheme.Multinomial, 1, false)]
    [InlineData(ResamplingScheme.Multinomial, .8, true)]
    [InlineData(ResamplingScheme.Systematic, 1, false)]
    [InlineData(ResamplingScheme.Systematic, .9, false)]
    [InlineData(ResamplingScheme.Systematic, 1, true)]
    public void The_kernel_leaves_the_posterior_as_it_is(ResamplingScheme scheme, double threshold, bool anneals)
    {
        var options = EveryStep with
        {
            Scheme = scheme,
            ResamplingThreshold = threshold,
            Annealing = anneals ? new EntropicAnnealing { Rule = AnnealingRule.Base, Threshold = 1, EarlyPhase = 1 } : null,
        };
        Assert.InRange(Drift(Toy.Chain(2), options with { Particles = 3 }), 0, 1e-9);
        Assert.InRange(Drift(Toy.Chain(3), options with { Particles = 2 }), 0, 1e-9);
        Assert.InRange(Drift(Toy.Words, options with { Particles = 2 }), 0, 1e-9);
    }

    [Fact]
    public void Systematic_resampling_around_a_reference_leaves_the_posterior_as_it_is_for_more_particles_and_steps()
    {
        var options = EveryStep with { Scheme = ResamplingScheme.Systematic };
        Assert.InRange(Drift(Toy.Chain(2), options with { Particles = 4 }), 0, 1e-9);
        Assert.InRange(Drift(Toy.Chain(3), options with { Particles = 3 }), 0, 1e-9);
        Assert.InRange(Drift(Toy.Words, options with { Particles = 3 }), 0, 1e-9);
    }

    [Theory]
    [InlineData(ResamplingScheme.Multinomial, 1)]
    [InlineData(ResamplingScheme.Multinomial, .8)]
    [InlineData(ResamplingScheme.Systematic, 1)]
    public void Freezing_the_finished_ones_and_the_reference_among_them_leaves_the_posterior_as_it_is(ResamplingScheme scheme, double threshold)
    {
        var options = EveryStep with { Scheme = scheme, ResamplingThreshold = threshold, Finished = FinishedParticles.Frozen };
        Assert.InRange(Drift(Toy.Words, options with { Particles = 2 }), 0, 1e-9);
        Assert.InRange(Drift(Toy.Words, options with { Particles = 3 }), 0, 1e-9);
    }

    [Fact]
    public void A_look_ahead_leaves_the_posterior_as_it_is()
    {
        var toy = new Toy(Toy.Words.Next, step => Toy.Words.Outcome($"{step}").Score, text => text[^1] == '$')
        {
            LookAhead = text => text[^1] == 'b' ? .1 : .8,
        };
        Assert.InRange(Drift(toy, EveryStep with { Particles = 2 }), 0, 1e-9);
        Assert.InRange(Drift(toy, EveryStep with { Particles = 2, Scheme = ResamplingScheme.Systematic }), 0, 1e-9);
    }

    [Fact]
    public void A_reference_weighed_by_its_whole_answer_changes_the_law()
    {
        var options = EveryStep with { ReferenceWeighting = ReferenceWeighting.WholeAnswer, CarriesWeights = false };
        var stationary = Stationary(Toy.Chain(2), options with { Particles = 2 });
        Assert.Equal(
            [.071401, .143349, .043064, .742187], new[] { "00", "01", "10", "11" }.Select(text => stationary[text]), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(.0623, Distance(Toy.Chain(2).Posterior().Posterior, stationary), 4);
        Assert.Equal(.0405, Distance(Toy.Chain(2).Posterior().Posterior, Stationary(Toy.Chain(2), options with { Particles = 3 })), 4);
        Assert.Equal(.1152, Distance(Toy.Chain(3).Posterior().Posterior, Stationary(Toy.Chain(3), options with { Particles = 2 })), 4);
    }

    [Fact]
    public void A_reference_weighed_one_step_ahead_changes_the_law() => Assert.InRange(
        Drift(Toy.Chain(3), EveryStep with { Particles = 2, ReferenceWeighting = ReferenceWeighting.NextPrefix }), .001, 1);

    [Fact]
    public void Weighing_finished_answers_again_changes_the_law() => Assert.InRange(
        Drift(Toy.Words, EveryStep with { Particles = 2, Finished = FinishedParticles.Reweighted }), .001, 1);

    [Fact]
    public void The_reference_is_never_extended_nor_replaced()
    {
        var filter = new ParticleFilter(
            EveryStep with { Particles = 4, ResamplingThreshold = 1, MaxSteps = 9 }, 1, [new(.1, false), new(.2, false), new(.05, true)]);
        while (!filter.IsFinished)
        {
            Assert.False(filter.IsExtended(0));
            Assert.Equal(0, filter.Advance([default, new(.9, filter.Round > 5), new(.8, filter.Round > 5), new(.7, filter.Round > 5)])[0]);
        }

        Assert.True(filter.Result.IsConditional);
        Assert.Equal([.1, .2, .05], filter.Result.Particles[0].Path.Select(step => step.Score));
    }

    [Fact]
    public void A_reference_longer_than_the_others_is_followed_to_its_end()
    {
        var filter = new ParticleFilter(EveryStep with { Particles = 2, ResamplingThreshold = 0 }, 1, [new(.5, false), new(.5, false), new(.5, true)]);
        filter.Advance([default, new(.5, true)]);
        filter.Advance([default, default]);
        Assert.False(filter.IsFinished);
        filter.Advance([default, default]);
        Assert.True(filter.IsFinished);
        Assert.Equal([.2, .8], filter.Result.Particles.Select(particle => Math.Exp(particle.LogWeight)), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void What_cannot_be_a_reference_is_refused()
    {
        var options = EveryStep with { Particles = 2 };
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options, 1, []));
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options, 1, [.. Enumerable.Repeat(new StepOutcome(.5, false), 4)]));
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options, 1, [StepOutcome.Failed]));
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options with { Particles = 1 }, 1, [new(.5, true)]));
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options with { Scheme = ResamplingScheme.Residual }, 1, [new(.5, true)]));
        Assert.Throws<InvalidDataException>(() => new ParticleFilter(options with { Scheme = ResamplingScheme.Stratified }, 1, [new(.5, true)]));
    }

    private static Dictionary<string, double> Row(Toy toy, ParticleOptions options, string reference)
    {
        var row = new Dictionary<string, double>();
        foreach (var (probability, result, texts) in Enumeration.Of(toy, options, reference))
        {
            for (var slot = 0; slot < texts.Length; slot++)
            {
                row[texts[slot]] = row.GetValueOrDefault(texts[slot]) + (probability * Math.Exp(result.Particles[slot].LogWeight));
            }
        }

        return row;
    }

    private static Dictionary<string, double> Apply(Dictionary<string, Dictionary<string, double>> kernel, Dictionary<string, double> law) =>
        law.Keys.ToDictionary(to => to, to => law.Sum(from => from.Value * kernel[from.Key].GetValueOrDefault(to)));

    private static Dictionary<string, Dictionary<string, double>> Kernel(Toy toy, ParticleOptions options) =>
        toy.Prior().Keys.ToDictionary(from => from, from => Row(toy, options, from));

    /// <summary>How far one application takes the posterior from itself.</summary>
    private static double Drift(Toy toy, ParticleOptions options)
    {
        var (posterior, _) = toy.Posterior();
        return Distance(posterior, Apply(Kernel(toy, options), posterior));
    }

    private static Dictionary<string, double> Stationary(Toy toy, ParticleOptions options)
    {
        var kernel = Kernel(toy, options);
        var law = toy.Prior();
        for (var i = 0; i < 1000; i++)
        {
            law = Apply(kernel, law);
        }

        return law;
    }

    private static double Distance(Dictionary<string, double> one, Dictionary<string, double> other) =>
        one.Sum(answer => Math.Abs(answer.Value - other[answer.Key])) / 2;
}
