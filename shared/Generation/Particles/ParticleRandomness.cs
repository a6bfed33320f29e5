namespace Hindsight.Generation;

/// <summary>The random numbers that population methods use beside those that draw tokens.</summary>
internal static class ParticleRandomness
{
    // Where an answer's stream has the prompt's token ids, these have a negative number, which no prompt can have.
    private const int Resampling = -1;
    private const int Reference = -2;
    private const int Swap = -3;

    /// <summary>The numbers of one filter's resampling, by step and draw.</summary>
    public static Func<int, int, double> OfFilter(ulong seed, int chain, int iteration)
    {
        var stream = new RandomStream(seed, [Resampling, chain, iteration]);
        return (step, draw) => stream.OfSample(draw).At(step);
    }

    public static double OfReference(ulong seed, int chain, int iteration) => new RandomStream(seed, [Reference]).OfSample(chain).At(iteration);

    /// <summary>The number that decides on a swap of two chains, the chain and the next.</summary>
    public static double OfSwap(ulong seed, int chain, int iteration) => new RandomStream(seed, [Swap]).OfSample(chain).At(iteration);
}
