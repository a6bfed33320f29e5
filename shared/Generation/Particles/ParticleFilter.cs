namespace Hindsight.Generation;

/// <summary>
/// A particle filter over the steps of answers: particles are extended by the language model, weighed by potentials, and resampled, so that the
/// weighted population follows p(x) ∏ₜ Gₜ (Del Moral, "Feynman-Kac Formulae", 2004; for language models arXiv 2502.01618).
/// </summary>
/// <remarks>
/// With a reference it is conditional SMC (Andrieu, Doucet and Holenstein, "Particle Markov chain Monte Carlo methods", 2010): slot 0 is the
/// reference, a path from an earlier filter. It is never extended and never replaced, but others may become copies of it: after round t the text of
/// slot 0 is the reference's first t steps, or all of it.
/// </remarks>
public sealed class ParticleFilter : IPopulation
{
    private readonly ParticleOptions options;
    private readonly Func<int, int, double> uniform;
    private readonly int firstEpoch;
    private readonly Particle[] reference;
    private readonly Particle?[] particles;
    private readonly bool[] finished;
    private readonly int[] roots;
    private readonly List<IReadOnlyList<StepOutcome>> rounds = [];
    private readonly List<FilterStep> steps = [];
    private readonly List<FailedStep> failures = [];
    private double[] logWeights;
    private double logEvidence;

    /// <param name="options">How it works.</param>
    /// <param name="seed">Fixes, with step and slot, the random numbers of resampling. Populations of different prompts have different seeds.</param>
    /// <param name="reference">The path that slot 0 follows; null for none.</param>
    /// <exception cref="InvalidDataException">An option is out of its range, or the reference does not fit them.</exception>
    public ParticleFilter(ParticleOptions options, ulong seed, IReadOnlyList<StepOutcome>? reference = null)
        : this(options, ParticleRandomness.OfFilter(seed, 0, 0), reference, firstEpoch: 0)
    {
    }

    internal ParticleFilter(ParticleOptions options, Func<int, int, double> uniform, IReadOnlyList<StepOutcome>? reference, int firstEpoch)
    {
        options.Validate();
        (this.options, this.uniform, this.firstEpoch) = (options, uniform, firstEpoch);
        this.reference = reference is null ? [] : Reference(options, reference);
        particles = new Particle?[options.Particles];
        finished = new bool[options.Particles];
        roots = [.. Enumerable.Range(0, options.Particles)];
        logWeights = new double[options.Particles];
        Array.Fill(logWeights, -Math.Log(options.Particles));
    }

    public int Slots => options.Particles;

    public int Round => rounds.Count;

    public int Epoch => firstEpoch + steps.Count(step => step.IsResampled);

    public bool IsFinished { get; private set; }

    public PopulationState State => new([.. rounds]);

    /// <summary>As far as it has come.</summary>
    public FilterResult Result => new(
        [
            .. particles.Select((particle, slot) => new WeightedParticle(
                logWeights[slot], particle?.Score ?? 0, roots[slot], particle?.Outcomes() ?? [])),
        ],
        logEvidence,
        reference.Length > 0,
        [.. steps],
        [.. failures]);

    /// <summary>The filter that <see cref="State"/> was taken from, made with the same arguments; it goes on as that one would.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such a filter.</exception>
    public static ParticleFilter Resume(
        ParticleOptions options, ulong seed, PopulationState state, IReadOnlyList<StepOutcome>? reference = null) =>
        state.Replay(new ParticleFilter(options, seed, reference));

    public bool IsExtended(int slot) => !IsFinished && !finished[slot] && !IsReference(slot);

    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes)
    {
        var extended = PopulationState.Extended(this, outcomes);
        var step = Round + 1;
        var grown = new Particle[Slots];
        var logPotentials = new double[Slots];
        for (var slot = 0; slot < Slots; slot++)
        {
            grown[slot] = IsReference(slot) ? ReferenceAt(step)
                : finished[slot] ? particles[slot]!
                : Particle.Extend(particles[slot], outcomes[slot], options.Potential);
            // Where the newest potential is all the weight there is, a frozen particle keeps its last one.
            var isAbsorbing = options.Finished == FinishedParticles.Absorbed || (options.Finished == FinishedParticles.Frozen && options.CarriesWeights);
            var absorbed = isAbsorbing && (IsReference(slot) ? step > reference.Length : finished[slot]);
            logPotentials[slot] = absorbed ? 0 : IsReference(slot) ? ReferenceLogPotential(step) : grown[slot].LogPotential;
        }

        // From here on nothing is refused, so that a refused score leaves the filter as it was.
        var products = new double[Slots];
        for (var slot = 0; slot < Slots; slot++)
        {
            if (IsExtended(slot) && outcomes[slot].IsFailed)
            {
                failures.Add(new FailedStep(Round, slot));
            }

            particles[slot] = grown[slot];
            finished[slot] = IsReference(slot)
                ? step >= reference.Length
                : grown[slot].Outcome.IsFinished || double.IsNegativeInfinity(grown[slot].LogPotential);
            products[slot] = (options.CarriesWeights ? logWeights[slot] : -Math.Log(Slots)) + logPotentials[slot];
        }

        rounds.Add(extended);
        logEvidence += LogSpace.SumExp(products);
        logWeights = LogSpace.Normalised(products);
        var (weighed, evidence) = (logWeights, logEvidence);
        IsFinished = step == options.LastStep || double.IsNegativeInfinity(logEvidence) || finished.All(done => done);
        var (ancestors, temperature) = Resample(step);

        // Those that still grew may have left no descendants.
        IsFinished |= finished.All(done => done);
        steps.Add(new FilterStep(
            logPotentials,
            weighed,
            LogSpace.EffectiveSampleSize(weighed),
            evidence,
            temperature,
            ancestors is not null,
            ancestors ?? [.. Enumerable.Range(0, Slots)],
            roots.Distinct().Count()));
        return steps[^1].Ancestors;
    }

    private static Particle[] Reference(ParticleOptions options, IReadOnlyList<StepOutcome> outcomes)
    {
        if (outcomes.Count == 0 || outcomes.Count > options.LastStep)
        {
            throw new InvalidDataException($"The reference has {outcomes.Count} steps; it must have 1 to {options.LastStep}.");
        }

        if (options.Particles < 2)
        {
            throw new InvalidDataException("A filter with a reference needs 2 particles or more; with one the reference is all there is.");
        }

        if (options.Scheme is not (ResamplingScheme.Systematic or ResamplingScheme.Multinomial))
        {
            throw new InvalidDataException($"{options.Scheme} resampling has no form that keeps a reference; choose systematic or multinomial.");
        }

        var path = Particle.Path(outcomes, options.Potential);
        return path.All(particle => double.IsFinite(particle.LogPotential))
            ? path
            : throw new InvalidDataException("The reference has the weight zero; a reference is a path that a filter ended with.");
    }

    private bool IsReference(int slot) => slot == 0 && reference.Length > 0;

    private Particle ReferenceAt(int step) => reference[Math.Min(step, reference.Length) - 1];

    private double ReferenceLogPotential(int step) => ReferenceAt(options.ReferenceWeighting switch
    {
        ReferenceWeighting.NextPrefix => step + 1,
        ReferenceWeighting.WholeAnswer => reference.Length,
        _ => step,
    }).LogPotential;

    /// <summary>Replaces slots if it is time to; the ancestors are null where it is not.</summary>
    private (int[]? Ancestors, double Temperature) Resample(int step)
    {
        var keepsFinished = options.Finished == FinishedParticles.Frozen;
        // A reference that has ended stays apart as everyone else who has: drawn from, it would have offspring that no other path could have had,
        // and the target would not be left as it is. The research program draws from it all the same.
        int[] pool = [.. Enumerable.Range(0, Slots).Where(slot => !keepsFinished || !finished[slot] || (IsReference(slot) && !options.CarriesWeights))];
        if (pool.Length == 0 || double.IsNegativeInfinity(logEvidence) || (IsFinished && !options.ResamplesLast))
        {
            return (null, 1);
        }

        double[] logPool = [.. pool.Select(slot => logWeights[slot])];
        double[] firstStage = [.. pool.Select((slot, i) => logPool[i] + (finished[slot] ? 0 : particles[slot]!.LogLookAhead))];
        var size = LogSpace.EffectiveSampleSize(firstStage) / firstStage.Length;
        var isDue = options.ResamplingThreshold >= 1 || size < options.ResamplingThreshold;
        // With equal weights nothing is gained; the published programs resample all the same.
        if (!isDue || (options.CarriesWeights && firstStage.All(weight => weight == firstStage[0])))
        {
            return (null, 1);
        }

        var temperature = options.Annealing?.Temperature(size, LogSpace.NormalisedEntropy(firstStage), (double)step / options.MaxSteps) ?? 1;
        var logProbabilities = LogSpace.Normalised([.. firstStage.Select(weight => weight / temperature)]);
        double[] probabilities = [.. logProbabilities.Select(Math.Exp)];
        double Uniform(int draw) => uniform(step, draw);
        var chosen = IsReference(pool[0])
            ? Resampling.ConditionalAncestors(options.Scheme, probabilities, Uniform)
            : Resampling.Ancestors(Resampling.Offspring(options.Scheme, probabilities, pool.Length, Uniform));

        // Offspring of i have the weight Wᵢ / (n qᵢ), the same for all where q is W itself.
        var isCorrected = options.CarriesWeights && ((temperature != 1 && options.Annealing!.IsCorrected) || !logPool.SequenceEqual(firstStage));
        var even = LogSpace.SumExp(logPool) - Math.Log(pool.Length);
        var (before, beforeFinished, beforeRoots) = (particles.ToArray(), finished.ToArray(), roots.ToArray());
        int[] ancestors = [.. Enumerable.Range(0, Slots)];
        var after = logWeights.ToArray();
        for (var i = 0; i < pool.Length; i++)
        {
            var (slot, ancestor) = (pool[i], pool[chosen[i]]);
            ancestors[slot] = ancestor;
            (particles[slot], finished[slot], roots[slot]) = (before[ancestor], beforeFinished[ancestor], beforeRoots[ancestor]);
            after[slot] = !options.CarriesWeights ? logWeights[ancestor]
                : isCorrected ? logPool[chosen[i]] - Math.Log(pool.Length) - logProbabilities[chosen[i]]
                : even;
        }

        if (isCorrected)
        {
            // Such weights sum to 1 only on average, and what they sum to is a factor of the evidence.
            logEvidence += LogSpace.SumExp(after);
        }

        logWeights = options.CarriesWeights && !isCorrected ? after : LogSpace.Normalised(after);
        return (ancestors, temperature);
    }
}
