using System.Text.Json;

namespace Hindsight.Generation.Tests;

public class ParticleChainsTests
{
    private static readonly ParticleOptions Pairs = new() { Particles = 2, MaxSteps = 3, ResamplingThreshold = 1 };

    [Fact]
    public void A_swap_is_accepted_as_the_worked_example_says()
    {
        var (good, bad) = (Potential.StepProbability.LogTotal([.9, .9]), Potential.StepProbability.LogTotal([.2, .2]));
        Assert.Equal(-.2107, good, 4);
        Assert.Equal(-3.2189, bad, 4);
        Assert.Equal(0, ParticleChains.LogSwapProbability(2, 1, here: good, there: bad));
        Assert.Equal(.2222222, Math.Exp(ParticleChains.LogSwapProbability(2, 1, here: bad, there: good)), 7);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 3)]
    public void Swaps_keep_the_chains_joint_law(double temperature, double nextTemperature)
    {
        var toy = Toy.Words;
        double Total(string text) => text.Sum(step => Math.Log(toy.Outcome($"{step}").Score));
        Dictionary<string, double> Law(double at) => toy.Posterior(text => Math.Exp(Total(text) / at)).Posterior;
        var (law, nextLaw) = (Law(temperature), Law(nextTemperature));
        double Flow(string x, string y, double here, double next) =>
            law[x] * nextLaw[y] * Math.Exp(ParticleChains.LogSwapProbability(here, next, Total(x), Total(y)));

        var worst = 0.0;
        foreach (var (x, y) in from x in law.Keys from y in law.Keys select (x, y))
        {
            Assert.Equal(Flow(x, y, temperature, nextTemperature), Flow(y, x, temperature, nextTemperature), 12);

            // Without the difference of the temperatures the balance is lost.
            worst = Math.Max(worst, Math.Abs(Flow(x, y, 1 / 2.0, 1) - Flow(y, x, 1 / 2.0, 1)));
        }

        Assert.InRange(worst, .001, 1);
    }

    [Theory]
    [InlineData(ResamplingScheme.Systematic)]
    [InlineData(ResamplingScheme.Multinomial)]
    public void The_paths_of_particle_gibbs_follow_the_posterior(ResamplingScheme scheme)
    {
        var frequencies = Paths(Toy.Words, new ParticleChains(Pairs with { Scheme = scheme, Particles = 4 }, 11, 4000))[0];
        Assert.All(Toy.Words.Posterior().Posterior, answer => Assert.Equal(answer.Value, frequencies.GetValueOrDefault(answer.Key), 0.03));
    }

    [Fact]
    public void Every_tempered_chain_follows_its_own_law()
    {
        var toy = Toy.Words;
        double[] temperatures = [4, 1, .4];
        var frequencies = Paths(toy, new ParticleChains(Pairs, 12, 4000, temperatures));
        foreach (var (temperature, chain) in temperatures.Zip(frequencies))
        {
            var (law, _) = toy.Posterior(text => text.Aggregate(
                1.0, (product, step) => product * Math.Pow(toy.Outcome($"{step}").Score, 1 / temperature)));
            Assert.All(law, answer => Assert.Equal(answer.Value, chain.GetValueOrDefault(answer.Key), 0.03));
        }
    }

    [Fact]
    public void Islands_pooled_by_evidence_lose_the_bias_of_small_populations()
    {
        // Two particles on their own have the mean .70377 where the exact one is .903346.
        var toy = Toy.Chain(2);
        var options = new ParticleOptions { Particles = 2, ResamplingThreshold = 1, Scheme = ResamplingScheme.Multinomial };
        var chains = new ParticleChains(options, 13, 1, [.. Enumerable.Repeat(1.0, 4000)]);
        var random = new Random(13);
        var texts = chains.Filters.Select(filter => toy.Drive(filter, (_, _, _) => random.NextDouble())).ToArray();
        Assert.True(chains.IsFinished);
        FilterResult[] results = [.. chains.Filters.Select(filter => filter.Result)];
        var pooled = FilterResult.Pool(results);
        Assert.Equal(1, pooled.Sum(island => island.Sum(Math.Exp)), 9);
        Assert.Equal(.903346, pooled.Zip(texts).Sum(island => Mean(island.First, island.Second)), 0.015);
        Assert.Equal(
            .703773, results.Zip(texts).Average(island => Mean(island.First.Particles.Select(particle => particle.LogWeight), island.Second)), 0.025);

        static double Mean(IEnumerable<double> logWeights, string[] texts) =>
            logWeights.Zip(texts).Sum(particle => particle.Second[^1] == '1' ? Math.Exp(particle.First) : 0);
    }

    [Fact]
    public void Conditional_filters_are_not_pooled()
    {
        var filter = new ParticleFilter(Pairs, 1, [new(.5, true)]);
        Assert.Throws<ArgumentException>(() => FilterResult.Pool([filter.Result]));
    }

    [Fact]
    public void Each_iteration_begins_a_new_epoch_and_follows_the_drawn_path()
    {
        var chains = new ParticleChains(Pairs with { Particles = 4 }, 14, 3);
        Assert.Equal(0, chains.Filters[0].Epoch);
        for (var iteration = 0; iteration < 3; iteration++)
        {
            Assert.Equal(iteration, chains.Iteration);
            Assert.Throws<InvalidOperationException>(chains.Next);
            var random = new Random(iteration);
            var before = chains.Filters[0];
            Toy.Chain(3).Drive(before, (_, _, _) => random.NextDouble(), iteration == 0 ? null : new string('?', 3));
            if (iteration < 2)
            {
                var origin = Assert.Single(chains.Next());
                Assert.Equal(before.Epoch + 1, chains.Filters[0].Epoch);
                Assert.False(chains.Filters[0].IsExtended(0));
                chains.Filters[0].Advance([default, new(.5, true), new(.5, true), new(.5, true)]);
                Assert.Equal(before.Result.Particles[origin!.Value.Slot].Path[0], chains.Filters[0].Result.Particles[0].Path[0]);
            }
        }

        Assert.True(chains.IsFinished);
    }

    [Fact]
    public void A_chain_without_any_weight_starts_anew()
    {
        var chains = new ParticleChains(Pairs, 15, 2);
        chains.Filters[0].Advance([StepOutcome.Failed, StepOutcome.Failed]);
        Assert.Null(Assert.Single(chains.Next()));
        Assert.True(chains.Filters[0].IsExtended(0));
    }

    [Fact]
    public void Chains_go_on_from_their_state_as_if_nothing_had_been()
    {
        double[] temperatures = [2, 1];
        var options = Pairs with { Particles = 3 };
        var whole = new ParticleChains(options, 16, 4, temperatures);
        var resumed = new ParticleChains(options, 16, 4, temperatures);
        var origins = new List<PathOrigin?>();
        var resumedOrigins = new List<PathOrigin?>();
        for (var iteration = 0; ; iteration++)
        {
            for (var step = 1; step <= 3; step++)
            {
                foreach (var filter in whole.Filters.Zip(resumed.Filters))
                {
                    Advance(filter.First, iteration);
                    Advance(filter.Second, iteration);
                }

                var state = JsonSerializer.Deserialize<ParticleChainsState>(JsonSerializer.Serialize(resumed.State))!;
                resumed = ParticleChains.Resume(options, 16, state, 4, temperatures);
                Assert.Equal(
                    JsonSerializer.Serialize(whole.Filters.Select(filter => filter.Result)),
                    JsonSerializer.Serialize(resumed.Filters.Select(filter => filter.Result)));
                Assert.Equal(whole.Filters.Select(filter => filter.Epoch), resumed.Filters.Select(filter => filter.Epoch));
            }

            if (whole.IsFinished)
            {
                break;
            }

            origins.AddRange(whole.Next());
            resumedOrigins.AddRange(resumed.Next());
        }

        Assert.True(resumed.IsFinished);
        Assert.Equal(origins, resumedOrigins);
        Assert.Equal(6, origins.Count);

        static void Advance(ParticleFilter filter, int iteration) => filter.Advance(
            [.. Enumerable.Range(0, 3).Select(slot => new StepOutcome(((slot * 7) + (filter.Round * 3) + iteration) % 10 / 10.0, filter.Round == 2))]);
    }

    [Fact]
    public void A_state_of_other_chains_is_refused()
    {
        var state = new ParticleChains(Pairs, 1, 1, [1, 1]).State;
        Assert.Throws<InvalidDataException>(() => ParticleChains.Resume(Pairs, 1, state));
        Assert.Throws<InvalidDataException>(() => ParticleChains.Resume(Pairs, 1, new ParticleChainsState([[new([])], [new([])]]), 2));
    }

    [Theory]
    [InlineData(2, 0, 1.0)]
    [InlineData(2, 1, 0.0)]
    [InlineData(2, 1, double.NaN)]
    [InlineData(1, 2, 1.0)]
    public void Arguments_out_of_range_are_refused(int particles, int iterations, double temperature) => Assert.Throws<InvalidDataException>(
        () => new ParticleChains(new ParticleOptions { Particles = particles }, 1, iterations, [temperature]));

    /// <summary>For each chain, how often each text was its path, one path for each iteration.</summary>
    private static Dictionary<string, double>[] Paths(Toy toy, ParticleChains chains)
    {
        var random = new Random(17);
        var counts = chains.Filters.Select(_ => new Dictionary<string, double>()).ToArray();
        var references = new string?[chains.Filters.Count];
        while (true)
        {
            var texts = chains.Filters.Select((filter, at) => toy.Drive(filter, (_, _, _) => random.NextDouble(), references[at])).ToArray();
            if (chains.IsFinished)
            {
                return [.. counts.Select(count => count.ToDictionary(text => text.Key, text => text.Value / chains.Iteration))];
            }

            references = [.. chains.Next().Select(origin => texts[origin!.Value.Chain][origin.Value.Slot])];
            foreach (var (count, path) in counts.Zip(references))
            {
                count[path!] = count.GetValueOrDefault(path!) + 1;
            }
        }
    }
}
