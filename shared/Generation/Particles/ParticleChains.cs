using System.Globalization;

namespace Hindsight.Generation;

/// <summary>Where a path comes from: the slot of a chain at the end of an iteration.</summary>
public readonly record struct PathOrigin(int Chain, int Slot);

/// <summary>Particle chains at some point: for each iteration so far, the state of each chain's filter.</summary>
public sealed record ParticleChainsState(IReadOnlyList<IReadOnlyList<PopulationState>> Iterations);

/// <summary>
/// Particle Gibbs: filters one after another, each but the first around a path drawn from the one before, so that the paths are a Markov chain
/// whose law is the target for any number of particles (Andrieu, Doucet and Holenstein, 2010).
/// </summary>
/// <remarks>
/// Several chains run side by side. With one iteration they are islands, whose populations <see cref="FilterResult.Pool"/> puts together. With
/// temperatures T their targets are p(x) exp(Φ(x) / T), where Φ = ∑ ln G, and neighbours swap their paths x and y with probability
/// min(1, exp((1/T − 1/T′)(Φ(y) − Φ(x)))): parallel tempering. The language model cancels out of it.
/// </remarks>
public sealed class ParticleChains
{
    private readonly ParticleOptions options;
    private readonly ulong seed;
    private readonly int iterations;
    private readonly double[] temperatures;
    private readonly List<IReadOnlyList<PopulationState>> done = [];
    private ParticleFilter[] filters;

    /// <param name="options">How each filter works, at temperature 1.</param>
    /// <param name="seed">Fixes all random numbers but those that draw tokens.</param>
    /// <param name="iterations">How many filters each chain runs.</param>
    /// <param name="temperatures">One for each chain, neighbours next to each other; null for a single chain at temperature 1.</param>
    /// <exception cref="InvalidDataException">An argument is out of its range.</exception>
    public ParticleChains(ParticleOptions options, ulong seed, int iterations = 1, IReadOnlyList<double>? temperatures = null)
    {
        (this.options, this.seed, this.iterations, this.temperatures) = (options, seed, iterations, [.. temperatures ?? [1]]);
        if (iterations < 1 || this.temperatures.Length == 0)
        {
            throw new InvalidDataException("Particle chains need 1 iteration and 1 chain at least.");
        }

        foreach (var temperature in this.temperatures)
        {
            if (!(double.IsFinite(temperature) && temperature > 0))
            {
                throw new InvalidDataException(
                    $"A chain's temperature is {temperature.ToString(CultureInfo.InvariantCulture)}; it must be a positive number.");
            }
        }

        if (iterations > 1 && options.Particles < 2)
        {
            throw new InvalidDataException("Particle Gibbs needs 2 particles or more; with one the path never changes.");
        }

        filters = [.. this.temperatures.Select((_, chain) => Filter(chain, null, firstEpoch: 0))];
    }

    /// <summary>The filter of each chain in this iteration, to be driven to its end.</summary>
    public IReadOnlyList<ParticleFilter> Filters => filters;

    /// <summary>Counts from 0.</summary>
    public int Iteration => done.Count;

    public bool IsFinished => Iteration == iterations - 1 && filters.All(filter => filter.IsFinished);

    public ParticleChainsState State => new([.. done, [.. filters.Select(filter => filter.State)]]);

    /// <summary>The chains that <see cref="State"/> was taken from, made with the same arguments.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such chains.</exception>
    public static ParticleChains Resume(
        ParticleOptions options, ulong seed, ParticleChainsState state, int iterations = 1, IReadOnlyList<double>? temperatures = null)
    {
        var chains = new ParticleChains(options, seed, iterations, temperatures);
        var iterationStates = state.Iterations ?? [null!];
        for (var iteration = 0; iteration < iterationStates.Count; iteration++)
        {
            var stored = iterationStates[iteration];
            var isDue = iteration == 0 || (iteration < iterations && chains.filters.All(filter => filter.IsFinished));
            if (stored?.Count != chains.filters.Length || stored.Contains(null!) || !isDue)
            {
                throw new InvalidDataException("The stored state of particle chains is of other chains; delete it, and they start again.");
            }

            if (iteration > 0)
            {
                chains.Next();
            }

            foreach (var (filter, filterState) in chains.filters.Zip(stored))
            {
                filterState.Replay(filter);
            }
        }

        return chains;
    }

    /// <summary>
    /// Begins the next iteration when all filters are finished: draws a path from each, swaps them between chains, and puts each into slot 0 of
    /// its chain's new filter.
    /// </summary>
    /// <returns>
    /// For each chain, the origin of its reference among the slots of the filters that ended; null where every particle of a filter had the weight
    /// zero, so that the chain starts anew.
    /// </returns>
    public IReadOnlyList<PathOrigin?> Next()
    {
        if (IsFinished || !filters.All(filter => filter.IsFinished))
        {
            throw new InvalidOperationException("The next iteration follows when all filters of this one are finished, and only while there is one.");
        }

        var results = filters.Select(filter => filter.Result).ToArray();
        var origins = results.Select((result, chain) => Draw(result, chain)).ToArray();
        for (var chain = 0; chain + 1 < origins.Length; chain++)
        {
            // Between equal temperatures a swap would only change the chains' names.
            if (origins[chain] is { } here && origins[chain + 1] is { } there && temperatures[chain] != temperatures[chain + 1]
                && Math.Log(ParticleRandomness.OfSwap(seed, chain, Iteration))
                    < LogSwapProbability(temperatures[chain], temperatures[chain + 1], Total(here), Total(there)))
            {
                (origins[chain], origins[chain + 1]) = (there, here);
            }
        }

        done.Add([.. filters.Select(filter => filter.State)]);
        filters = [.. origins.Select((origin, chain) => Filter(chain, origin is { } path ? PathOf(path) : null, filters[chain].Epoch + 1))];
        return origins;

        IReadOnlyList<StepOutcome> PathOf(PathOrigin origin) => results[origin.Chain].Particles[origin.Slot].Path;
        double Total(PathOrigin origin) => options.Potential.LogTotal(PathOf(origin).Select(step => step.Score));
    }

    /// <summary>
    /// The logarithm of the probability of swapping a path of total log-potential <paramref name="here"/> at one temperature for one of
    /// <paramref name="there"/> at the next: the target is that of the untempered potentials' total Φ divided by the temperature.
    /// </summary>
    internal static double LogSwapProbability(double temperature, double nextTemperature, double here, double there) =>
        Math.Min(0, ((1 / temperature) - (1 / nextTemperature)) * (there - here));

    private PathOrigin? Draw(FilterResult result, int chain) => double.IsNegativeInfinity(result.LogEvidence)
        ? null
        : new PathOrigin(chain, Resampling.Categorical(
            [.. result.Particles.Select(particle => Math.Exp(particle.LogWeight))], ParticleRandomness.OfReference(seed, chain, Iteration)));

    private ParticleFilter Filter(int chain, IReadOnlyList<StepOutcome>? reference, int firstEpoch) => new(
        options with { Potential = options.Potential with { Temperature = options.Potential.Temperature * temperatures[chain] } },
        ParticleRandomness.OfFilter(seed, chain, Iteration),
        reference,
        firstEpoch);
}
