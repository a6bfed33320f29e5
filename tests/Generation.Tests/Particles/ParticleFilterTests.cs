using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class ParticleFilterTests
{
    private static readonly ParticleOptions EveryStep = new() { ResamplingThreshold = 1, Scheme = ResamplingScheme.Multinomial, MaxSteps = 3 };

    /// <summary>Every way of resampling that is exact, at several thresholds.</summary>
    public static TheoryData<ResamplingScheme, double, AnnealingRule?> ExactWays
    {
        get
        {
            var ways = new TheoryData<ResamplingScheme, double, AnnealingRule?>();
            foreach (var scheme in Enum.GetValues<ResamplingScheme>())
            {
                ways.Add(scheme, 0, null);
                ways.Add(scheme, .8, null);
                ways.Add(scheme, 1, null);
                ways.Add(scheme, 1, AnnealingRule.EffectiveSampleSize);
                ways.Add(scheme, 1, AnnealingRule.Entropy);
                ways.Add(scheme, .9, AnnealingRule.Base);
            }

            return ways;
        }
    }

    [Theory]
    [InlineData(2, 807.0 / 2500, .903346)]
    [InlineData(3, 29301.0 / 125000, .931606)]
    public void The_toys_posterior_is_the_published_one(int steps, double evidence, double mean)
    {
        var (posterior, z) = Toy.Chain(steps).Posterior();
        Assert.Equal(evidence, z, 12);
        Assert.Equal(mean, posterior.Where(answer => answer.Key[^1] == '1').Sum(answer => answer.Value), 6);
    }

    [Theory]
    [InlineData(2, 1, .5)]
    [InlineData(2, 2, .7037731029301277)]
    [InlineData(2, 3, .7880008785826826)]
    [InlineData(3, 1, .55)]
    [InlineData(3, 2, .7726068717362823)]
    public void The_mean_over_everything_that_can_happen_is_the_exact_one(int steps, int particles, double selfNormalised)
    {
        var toy = Toy.Chain(steps);
        var (posterior, evidence) = toy.Posterior();
        var leaves = Enumeration.Of(toy, EveryStep with { Particles = particles });

        Assert.Equal(1, leaves.Sum(leaf => leaf.Probability), 10);
        Assert.Equal(evidence, leaves.Sum(leaf => leaf.Probability * Math.Exp(leaf.Result.LogEvidence)), 10);
        foreach (var (answer, probability) in posterior)
        {
            Assert.Equal(
                evidence * probability,
                leaves.Sum(leaf => leaf.Probability * Math.Exp(leaf.Result.LogEvidence) * Mean(leaf, text => text == answer)),
                10);
        }

        // The mean by normalised weights is biased for few particles.
        Assert.Equal(selfNormalised, leaves.Sum(leaf => leaf.Probability * Mean(leaf, text => text[^1] == '1')), 10);
    }

    [Fact]
    public void A_path_drawn_by_weight_has_the_published_law()
    {
        var toy = Toy.Chain(2);
        var leaves = Enumeration.Of(toy, EveryStep with { Particles = 2 });
        AssertLaw(leaves, ("00", .237415), ("01", .187138), ("10", .058812), ("11", .516635));

        // Resampled once more and drawn by the same weights again, the last potential counts twice.
        AssertLaw(
            Enumeration.Of(toy, EveryStep with { Particles = 2, CarriesWeights = false, ResamplesLast = true }),
            ("00", .214900), ("01", .202893), ("10", .043420), ("11", .538787));

        static void AssertLaw(List<(double Probability, FilterResult Result, string[] Texts)> leaves, params (string Text, double Probability)[] law) =>
            Assert.All(law, answer => Assert.Equal(answer.Probability, leaves.Sum(leaf => leaf.Probability * Mean(leaf, text => text == answer.Text)), 6));
    }

    [Theory]
    [MemberData(nameof(ExactWays))]
    public void Evidence_and_weighted_sums_are_unbiased_however_it_is_resampled(ResamplingScheme scheme, double threshold, AnnealingRule? annealing)
    {
        foreach (var (toy, particles) in new[] { (Toy.Chain(3), 2), (Toy.Chain(2), 3), (Toy.Words, 2) })
        {
            AssertUnbiased(toy, new ParticleOptions
            {
                Particles = particles,
                MaxSteps = 3,
                Scheme = scheme,
                ResamplingThreshold = threshold,
                Annealing = annealing is { } rule ? new EntropicAnnealing { Rule = rule, Threshold = 1, EarlyPhase = 1 } : null,
            });
        }
    }

    [Theory]
    [InlineData(ResamplingScheme.Systematic)]
    [InlineData(ResamplingScheme.Multinomial)]
    public void A_look_ahead_changes_who_survives_and_not_the_target(ResamplingScheme scheme)
    {
        foreach (var toy in new[] { Toy.Chain(3), Toy.Words })
        {
            var guessing = new Toy(toy.Next, step => toy.Outcome($"{step}").Score, text => toy.Outcome(text).IsFinished)
            {
                LookAhead = text => text[^1] is '1' or 'b' ? .05 : .7,
            };
            var options = new ParticleOptions { Particles = 2, MaxSteps = 3, Scheme = scheme, ResamplingThreshold = 1 };
            AssertUnbiased(guessing, options);
            Assert.NotEqual(
                Enumeration.Of(toy, options).Sum(leaf => leaf.Probability * leaf.Result.LogEvidence),
                Enumeration.Of(guessing, options).Sum(leaf => leaf.Probability * leaf.Result.LogEvidence),
                0.001);
        }
    }

    [Fact]
    public void Annealing_without_correction_is_biased()
    {
        var toy = Toy.Chain(3);
        var leaves = Enumeration.Of(toy, EveryStep with
        {
            Particles = 2, Annealing = new EntropicAnnealing { Rule = AnnealingRule.Base, Threshold = 1, EarlyPhase = 1, IsCorrected = false },
        });
        Assert.InRange(Math.Abs(leaves.Sum(leaf => leaf.Probability * Math.Exp(leaf.Result.LogEvidence)) - toy.Posterior().Evidence), .001, 1);
    }

    [Theory]
    [InlineData(FinishedParticles.Absorbed)]
    [InlineData(FinishedParticles.Frozen)]
    public void Answers_of_different_lengths_keep_their_weight_after_they_end(FinishedParticles finished)
    {
        AssertUnbiased(Toy.Words, EveryStep with { Particles = 2, Finished = finished });
        AssertUnbiased(Toy.Words, EveryStep with { Particles = 3, Finished = finished, Scheme = ResamplingScheme.Systematic });
    }

    /// <summary>N = 10⁴: the weighted population against the exact posterior.</summary>
    [Theory]
    [InlineData(ResamplingScheme.Systematic, .5)]
    [InlineData(ResamplingScheme.Multinomial, 1)]
    [InlineData(ResamplingScheme.Residual, 1)]
    [InlineData(ResamplingScheme.Stratified, 0)]
    public void Many_particles_come_to_the_posterior(ResamplingScheme scheme, double threshold)
    {
        const int Particles = 10_000;
        foreach (var toy in new[] { Toy.Chain(3), Toy.Words })
        {
            foreach (var odds in new[] { false, true })
            {
                var (posterior, evidence) = toy.Posterior(odds ? Odds(toy) : null);
                var (result, texts) = Run(toy, new ParticleOptions
                {
                    Particles = Particles, MaxSteps = 3, Scheme = scheme, ResamplingThreshold = threshold,
                    Potential = odds ? Potential.StepOdds() : Potential.StepProbability,
                }, seed: 1);
                Assert.InRange(Distance(posterior, result, texts), 0, 5 * Math.Sqrt(posterior.Count / (double)Particles));
                Assert.Equal(1, Math.Exp(result.LogEvidence) / evidence, 0.1);
            }
        }
    }

    [Fact]
    public void The_words_posterior_is_the_published_one()
    {
        var (posterior, evidence) = Toy.Words.Posterior();
        Assert.Equal(2233.0 / 6250, evidence, 12);
        Assert.Equal(
            [.447828, .201523, .161218, .060457, .080609, .024183, .024183],
            new[] { "$", "a$", "aa$", "ab$", "b$", "ba$", "bb$" }.Select(text => posterior[text]),
            (a, b) => Math.Abs(a - b) < 1e-6);
        (posterior, evidence) = Toy.Words.Posterior(Odds(Toy.Words));
        Assert.Equal(5309.0 / 1225, evidence, 9);
        Assert.Equal(.415332, posterior["aa$"], 6);
    }

    [Fact]
    public void Weighing_finished_answers_again_favours_those_that_end_early()
    {
        var toy = Toy.Words;
        var (posterior, _) = toy.Posterior();
        var (again, _) = toy.Posterior(text => text.Aggregate(1.0, (product, step) => product * toy.Outcome($"{step}").Score) * Math.Pow(.8, 3 - text.Length));
        Assert.Equal(.366342, again["$"], 6);

        var (result, texts) = Run(toy, EveryStep with { Particles = 10_000, Finished = FinishedParticles.Reweighted }, seed: 2);
        Assert.InRange(Distance(again, result, texts), 0, .03);
        Assert.InRange(Distance(posterior, result, texts), .05, .11);
    }

    [Fact]
    public void Without_resampling_a_telescoping_potential_gives_weighted_best_of_n()
    {
        var (result, texts) = Run(Toy.Words, new ParticleOptions
        {
            Particles = 50, ResamplingThreshold = 0, Potential = Potential.Telescoping(Aggregation.Minimum),
        }, seed: 3);
        double[] lowest = [.. texts.Select(text => text.Min(step => Toy.Words.Outcome($"{step}").Score))];
        Assert.DoesNotContain(result.Steps, step => step.IsResampled);
        Assert.Equal(
            lowest.Select(score => score / lowest.Sum()),
            result.Particles.Select(particle => Math.Exp(particle.LogWeight)),
            (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(lowest, result.Particles.Select(particle => particle.Score));
        Assert.Equal(Math.Log(lowest.Average()), result.LogEvidence, 12);
    }

    [Fact]
    public void One_particle_is_plain_sampling()
    {
        var (result, texts) = Run(Toy.Words, new ParticleOptions { Particles = 1, ResamplingThreshold = 1 }, seed: 4);
        Assert.DoesNotContain(result.Steps, step => step.IsResampled);
        Assert.Equal(0, result.Particles[0].LogWeight, 12);
        Assert.Equal(texts[0].Sum(step => Math.Log(Toy.Words.Outcome($"{step}").Score)), result.LogEvidence, 12);
        Assert.Equal(texts[0].Length, result.Particles[0].Path.Count);
    }

    [Fact]
    public void Potentials_of_one_leave_the_prior_and_an_evidence_of_one()
    {
        var toy = new Toy(Toy.Words.Next, _ => 1, text => text[^1] == '$');
        var (result, texts) = Run(toy, new ParticleOptions { Particles = 10_000, ResamplingThreshold = 1 }, seed: 5);
        Assert.Equal(0, result.LogEvidence, 9);
        Assert.DoesNotContain(result.Steps, step => step.IsResampled);
        Assert.InRange(Distance(toy.Prior(), result, texts), 0, .03);
    }

    [Fact]
    public void Scores_that_are_all_halved_change_the_evidence_alone() => Prop.ForAll(
        (from seed in Gen.Choose(0, int.MaxValue)
         from particles in Gen.Choose(1, 20)
         from threshold in Gen.Choose(0, 10)
         from scheme in Gen.Elements(Enum.GetValues<ResamplingScheme>())
         select (seed, particles, threshold / 10.0, scheme)).ToArbitrary(),
        row =>
        {
            var (seed, particles, threshold, scheme) = row;
            var options = new ParticleOptions { Particles = particles, ResamplingThreshold = threshold, Scheme = scheme };
            var toy = Toy.Chain(4);
            var halved = new Toy(toy.Next, step => toy.Outcome($"{step}").Score / 2, text => text.Length == 4);
            var ((result, texts), (lower, sameTexts)) = (Run(toy, options, seed), Run(halved, options, seed));
            return texts.SequenceEqual(sameTexts)
                && Math.Abs(lower.LogEvidence - result.LogEvidence - (4 * Math.Log(.5))) < 1e-9
                && lower.Particles.Zip(result.Particles).All(pair => Math.Abs(pair.First.LogWeight - pair.Second.LogWeight) < 1e-9);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1)]
    [InlineData(.5)]
    [InlineData(0)]
    public void The_steps_tell_the_genealogy_and_the_weights(double threshold)
    {
        var (result, _) = Run(Toy.Chain(8), new ParticleOptions { Particles = 16, ResamplingThreshold = threshold }, seed: 6);
        for (var slot = 0; slot < 16; slot++)
        {
            Assert.Equal(result.Particles[slot].Root, result.Steps.Reverse().Aggregate(slot, (at, step) => step.Ancestors[at]));
        }

        Assert.Equal(result.Particles.Select(particle => particle.Root).Distinct().Count(), result.Steps[^1].Lineages);
        Assert.Equal(result.Steps.Select(step => step.Lineages), result.Steps.Select(step => step.Lineages).OrderDescending());
        Assert.All(result.Steps, step => Assert.Equal(1, step.LogWeights.Sum(Math.Exp), 9));
        Assert.All(result.Steps, step => Assert.Equal(1 / step.LogWeights.Sum(weight => Math.Exp(2 * weight)), step.EffectiveSampleSize, 9));
        Assert.All(result.Steps.SkipLast(1), step => Assert.Equal(threshold == 1 || step.EffectiveSampleSize < threshold * 16, step.IsResampled));
        Assert.Equal(result.LogEvidence, result.Steps[^1].LogEvidence);
    }

    [Fact]
    public void A_failed_particle_has_no_weight_and_the_others_go_on()
    {
        var filter = new ParticleFilter(new ParticleOptions { Particles = 3, ResamplingThreshold = 0 }, 1);
        filter.Advance([new(.5, false), StepOutcome.Failed, new(.25, false)]);
        Assert.Equal([true, false, true], Enumerable.Range(0, 3).Select(filter.IsExtended));
        filter.Advance([new(.5, true), default, new(.5, true)]);
        Assert.True(filter.IsFinished);
        var result = filter.Result;
        Assert.Equal([new FailedStep(0, 1)], result.Failures);
        Assert.Equal([2.0 / 3, 0, 1.0 / 3], result.Particles.Select(particle => Math.Exp(particle.LogWeight)), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(Math.Log((.25 + .125) / 3), result.LogEvidence, 12);
    }

    [Fact]
    public void Where_no_particle_has_weight_the_filter_ends_and_says_so()
    {
        var filter = new ParticleFilter(new ParticleOptions { Particles = 2, Potential = Potential.StepProbability with { Clip = 0 } }, 1);
        Assert.Equal([0, 1], filter.Advance([new(0, false), StepOutcome.Failed]));
        Assert.True(filter.IsFinished);
        Assert.False(filter.IsExtended(0));
        Assert.Equal(double.NegativeInfinity, filter.Result.LogEvidence);
        Assert.All(filter.Result.Particles, particle => Assert.Equal(double.NegativeInfinity, particle.LogWeight));
        Assert.Throws<InvalidOperationException>(() => filter.Advance([default, default]));
    }

    [Fact]
    public void A_refused_score_leaves_the_filter_as_it_was()
    {
        var filter = new ParticleFilter(new ParticleOptions { Particles = 2 }, 1);
        filter.Advance([new(.5, false), new(.5, false)]);
        Assert.Throws<InvalidDataException>(() => filter.Advance([new(.5, false), new(double.NaN, false)]));
        Assert.Equal(1, filter.Round);
        Assert.Equal(Math.Log(.5), filter.Result.LogEvidence, 12);
        filter.Advance([new(.5, true), new(.25, true)]);
        Assert.True(filter.IsFinished);
        Assert.Equal(Math.Log(.5 * .375), filter.Result.LogEvidence, 12);
    }

    [Fact]
    public void Answers_that_do_not_end_are_left_at_the_most_steps_and_not_resampled_there()
    {
        foreach (var (options, steps) in new[]
        {
            (new ParticleOptions { Particles = 2, MaxSteps = 5, ResamplingThreshold = 1 }, 5),
            (new ParticleOptions { Particles = 2, MaxSteps = 5, ResamplingThreshold = 1, AllowsExtraStep = true }, 6),
        })
        {
            var filter = new ParticleFilter(options, 1);
            while (!filter.IsFinished)
            {
                filter.Advance([new(.9, false), new(.1, false)]);
            }

            Assert.Equal(steps, filter.Round);
            Assert.Equal(steps - 1, filter.Epoch);
            Assert.False(filter.Result.Steps[^1].IsResampled);
            Assert.Equal(.9, Math.Exp(filter.Result.Particles[0].LogWeight), 12);
        }
    }

    [Theory]
    [InlineData(0, 40, .5)]
    [InlineData(2, 0, .5)]
    [InlineData(2, 40, 1.5)]
    [InlineData(2, 40, double.NaN)]
    public void Options_out_of_range_are_refused(int particles, int steps, double threshold) => Assert.Throws<InvalidDataException>(
        () => new ParticleFilter(new ParticleOptions { Particles = particles, MaxSteps = steps, ResamplingThreshold = threshold }, 1));

    /// <summary>The mean of the estimate over many runs of 16 particles, against Z within four standard errors.</summary>
    [Theory]
    [MemberData(nameof(ExactWays))]
    public void The_evidence_of_repeated_runs_scatters_around_the_exact_one(ResamplingScheme scheme, double threshold, AnnealingRule? annealing)
    {
        const int Runs = 150;
        var toy = Toy.Chain(6);
        double[] estimates =
        [
            .. Enumerable.Range(0, Runs).Select(seed => Math.Exp(Run(toy, new ParticleOptions
            {
                Particles = 16,
                MaxSteps = 6,
                Scheme = scheme,
                ResamplingThreshold = threshold,
                Annealing = annealing is { } rule ? new EntropicAnnealing { Rule = rule, Threshold = 1 } : null,
            }, seed).Result.LogEvidence)),
        ];
        var mean = estimates.Average();
        var error = Math.Sqrt(estimates.Sum(estimate => (estimate - mean) * (estimate - mean)) / (Runs - 1) / Runs);
        Assert.InRange(Math.Abs(mean - toy.Posterior().Evidence) / error, 0, 4);
    }

    internal static (FilterResult Result, string[] Texts) Run(Toy toy, ParticleOptions options, int seed)
    {
        var filter = new ParticleFilter(options, (ulong)seed);
        var random = new Random(seed);
        var texts = toy.Drive(filter, (_, _, _) => random.NextDouble());
        return (filter.Result, texts);
    }

    /// <summary>Half the sum of absolute differences of probabilities.</summary>
    private static double Distance(Dictionary<string, double> law, FilterResult result, string[] texts) =>
        law.Sum(answer => Math.Abs(answer.Value - Mean((1, result, texts), text => text == answer.Key))) / 2;

    private static double Mean((double Probability, FilterResult Result, string[] Texts) leaf, Func<string, bool> holds) =>
        leaf.Result.Particles.Zip(leaf.Texts).Sum(particle => holds(particle.Second) ? Math.Exp(particle.First.LogWeight) : 0);

    private static void AssertUnbiased(Toy toy, ParticleOptions options)
    {
        var (posterior, evidence) = toy.Posterior();
        var leaves = Enumeration.Of(toy, options);
        Assert.Equal(1, leaves.Sum(leaf => leaf.Probability), 8);
        Assert.Equal(evidence, leaves.Sum(leaf => leaf.Probability * Math.Exp(leaf.Result.LogEvidence)), 8);
        Assert.All(posterior, answer => Assert.Equal(
            evidence * answer.Value, leaves.Sum(leaf => leaf.Probability * Math.Exp(leaf.Result.LogEvidence) * Mean(leaf, text => text == answer.Key)), 8));
    }

    private static Func<string, double> Odds(Toy toy) =>
        text => text.Aggregate(1.0, (product, step) => toy.Outcome($"{step}").Score is var score ? product * score / (1 - score) : 0);
}
