using System.Text.Json;
using System.Text.Json.Serialization;
using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class PopulationStateTests
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private static readonly Gen<ParticleOptions> Options =
        from particles in Gen.Choose(1, 12)
        from dialect in Gen.Elements(Enum.GetValues<Dialect>())
        from scheme in Gen.Elements(Enum.GetValues<ResamplingScheme>())
        from threshold in Gen.Elements(0, .3, .5, .9, 1)
        from anneals in Gen.Elements(true, false)
        from finished in Gen.Elements(Enum.GetValues<FinishedParticles>())
        from potential in Gen.Elements(
            Potential.StepProbability,
            Potential.StepOdds(2),
            Potential.PrefixOdds(Aggregation.Minimum),
            Potential.Telescoping(Aggregation.Product, PrefixValue.Odds))
        let options = ParticleOptions.Of(dialect, particles) with { MaxSteps = 6 }
        select dialect != Dialect.Exact ? options : options with
        {
            Scheme = scheme,
            ResamplingThreshold = threshold,
            Annealing = anneals ? new EntropicAnnealing { Threshold = 1 } : null,
            Finished = finished,
            Potential = potential,
        };

    [Fact]
    public void A_filter_stopped_after_every_round_ends_as_one_that_ran_through() => Prop.ForAll(
        (from options in Options
         from seed in Gen.Choose(0, int.MaxValue)
         from length in Gen.Choose(1, 6)
         from isConditional in Gen.Elements(true, false)
         select (options, (ulong)seed, length, isConditional)).ToArbitrary(),
        row =>
        {
            var (options, seed, length, isConditional) = row;
            var toy = length < 4 ? Toy.Words : Toy.Chain(length);
            var canHaveReference = options is { Particles: > 1, Scheme: ResamplingScheme.Systematic or ResamplingScheme.Multinomial };
            var reference = isConditional && canHaveReference ? toy.Prior().Keys.Last() : null;
            var path = reference is null ? null : toy.Path(reference);

            // Tokens come from streams of the slot and the epoch, as they do in the engine.
            double Uniform(int slot, int epoch, int position) => new RandomStream(seed, [epoch]).OfSample(slot).At(position);
            var through = new ParticleFilter(options, seed, path);
            var texts = toy.Drive(through, Uniform, reference);

            var stored = JsonSerializer.Serialize(new ParticleFilter(options, seed, path).State, Json);
            string[] resumedTexts = [.. Enumerable.Repeat("", options.Particles)];
            FilterResult result;
            while (true)
            {
                // Options travel with the evaluation, as JSON too.
                var sameOptions = JsonSerializer.Deserialize<ParticleOptions>(JsonSerializer.Serialize(options, Json), Json)!;
                var filter = ParticleFilter.Resume(sameOptions, seed, JsonSerializer.Deserialize<PopulationState>(stored, Json)!, path);
                result = filter.Result;
                if (filter.IsFinished)
                {
                    break;
                }

                toy.Round(filter, resumedTexts, Uniform, reference);
                stored = JsonSerializer.Serialize(filter.State, Json);
            }

            return texts.SequenceEqual(resumedTexts) && JsonSerializer.Serialize(result, Json) == JsonSerializer.Serialize(through.Result, Json);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    [Fact]
    public void Another_seed_resamples_otherwise_and_the_same_one_alike()
    {
        var options = new ParticleOptions { Particles = 32, ResamplingThreshold = 1 };
        var ((first, texts), (again, sameTexts), (other, _)) = (Drive(1), Drive(1), Drive(2));
        Assert.Equal(texts, sameTexts);
        Assert.Equal(JsonSerializer.Serialize(first), JsonSerializer.Serialize(again));
        Assert.NotEqual(first.Steps.SelectMany(step => step.Ancestors), other.Steps.SelectMany(step => step.Ancestors));

        (FilterResult Result, string[] Texts) Drive(ulong seed)
        {
            var filter = new ParticleFilter(options, seed);
            var texts = Toy.Chain(6).Drive(filter, (slot, epoch, position) => new RandomStream(9, [epoch]).OfSample(slot).At(position));
            return (filter.Result, texts);
        }
    }

    [Fact]
    public void A_result_with_weights_of_zero_survives_as_json()
    {
        var filter = new ParticleFilter(new ParticleOptions { Particles = 2 }, 1);
        filter.Advance([StepOutcome.Failed, StepOutcome.Failed]);
        var read = JsonSerializer.Deserialize<FilterResult>(JsonSerializer.Serialize(filter.Result, Json), Json)!;
        Assert.Equal(double.NegativeInfinity, read.LogEvidence);
        Assert.Equal(double.NegativeInfinity, read.Particles[1].LogWeight);
        Assert.Equal(filter.Result.Failures, read.Failures);
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused()
    {
        var options = new ParticleOptions { Particles = 2 };
        StepOutcome end = new(.5, true);
        Assert.Throws<InvalidDataException>(() => ParticleFilter.Resume(options, 1, new PopulationState([[end]])));
        Assert.Throws<InvalidDataException>(() => ParticleFilter.Resume(options, 1, new PopulationState([[end, end], []])));
        Assert.Throws<InvalidDataException>(() => ParticleFilter.Resume(options, 1, new PopulationState([[end, end with { Score = 7 }]])));
        foreach (var json in new[] { "{}", "{\"rounds\":[null]}" })
        {
            Assert.Throws<InvalidDataException>(() => ParticleFilter.Resume(options, 1, JsonSerializer.Deserialize<PopulationState>(json, Json)!));
        }

        foreach (var json in new[] { "{}", "{\"iterations\":[null]}", "{\"iterations\":[[null]]}" })
        {
            Assert.Throws<InvalidDataException>(() => ParticleChains.Resume(options, 1, JsonSerializer.Deserialize<ParticleChainsState>(json, Json)!));
        }
    }

    [Fact]
    public void Outcomes_of_another_number_of_slots_are_refused() =>
        Assert.Throws<ArgumentException>(() => new ParticleFilter(new ParticleOptions { Particles = 2 }, 1).Advance([default]));
}
