namespace Hindsight.Generation;

/// <summary>
/// How n offspring are shared out among weighted particles. Each scheme gives particle i the number n Wᵢ of offspring on average; they differ in
/// how far counts stray from it (Douc and Cappé, "Comparison of resampling schemes for particle filtering", 2005).
/// </summary>
public enum ResamplingScheme
{
    /// <summary>One position for all: u, u + 1/n, u + 2/n, … Every count is n Wᵢ rounded down or up.</summary>
    Systematic,

    /// <summary>A position of its own for each of n equal strata.</summary>
    Stratified,

    /// <summary>n Wᵢ rounded down for certain, the rest drawn independently.</summary>
    Residual,

    /// <summary>n independent draws.</summary>
    Multinomial,
}

/// <summary>Resampling as a function of its weights and of numbers u, uniform over [0, 1).</summary>
internal static class Resampling
{
    /// <summary>The number of offspring of each particle.</summary>
    /// <param name="weights">Normalised.</param>
    /// <param name="draws">How many offspring there are in all.</param>
    /// <param name="uniform">The number for a draw.</param>
    public static int[] Offspring(ResamplingScheme scheme, ReadOnlySpan<double> weights, int draws, Func<int, double> uniform)
    {
        var offspring = new int[weights.Length];
        var cumulative = Cumulative(weights);
        if (scheme == ResamplingScheme.Residual)
        {
            var rest = new double[weights.Length];
            for (var i = 0; i < rest.Length; i++)
            {
                offspring[i] = (int)(draws * weights[i]);
                rest[i] = (draws * weights[i]) - offspring[i];
            }

            draws -= offspring.Sum();
            var total = rest.Sum();
            for (var i = 0; i < rest.Length; i++)
            {
                rest[i] /= total;
            }

            (scheme, cumulative) = (ResamplingScheme.Multinomial, Cumulative(rest));
        }

        for (var draw = 0; draw < draws; draw++)
        {
            offspring[Find(cumulative, scheme switch
            {
                ResamplingScheme.Systematic => (draw + uniform(0)) / draws,
                ResamplingScheme.Stratified => (draw + uniform(draw)) / draws,
                _ => uniform(draw),
            })]++;
        }

        return offspring;
    }

    /// <summary>The ancestor of every slot, given that slot 0, a reference, goes on from itself.</summary>
    /// <remarks>
    /// Independent draws need nothing else. A systematic draw is rotated until the reference stands in slot 0: conditional SMC needs that
    /// slot 0 is of particle i with probability Wᵢ, which a random rotation gives, and that the law does not depend on which slot the reference
    /// has, which holds for systematic resampling because its positions are even all around the circle of the weights. The other slots must
    /// keep their order for that. For stratified resampling, whose strata begin somewhere, it does not hold.
    /// </remarks>
    public static int[] ConditionalAncestors(ResamplingScheme scheme, ReadOnlySpan<double> weights, Func<int, double> uniform)
    {
        var (count, cumulative) = (weights.Length, Cumulative(weights));
        if (scheme == ResamplingScheme.Multinomial)
        {
            var offspring = new int[count];
            offspring[0] = 1;
            for (var slot = 1; slot < count; slot++)
            {
                offspring[Find(cumulative, uniform(slot))]++;
            }

            return Ancestors(offspring);
        }

        // A point of the reference's share of the circle; the position that falls there becomes slot 0.
        var point = uniform(0) * count * weights[0];
        var rotation = Math.Min((int)point, count - 1);
        var ancestors = new int[count];
        for (var slot = 1; slot < count; slot++)
        {
            ancestors[slot] = Find(cumulative, (((slot + rotation) % count) + (point - rotation)) / count);
        }

        return ancestors;
    }

    /// <summary>An ancestor for every slot. Whoever has offspring keeps its own slot, so that as little as can be is copied.</summary>
    public static int[] Ancestors(ReadOnlySpan<int> offspring)
    {
        var left = offspring.ToArray();
        var ancestors = new int[left.Length];
        for (var slot = 0; slot < left.Length; slot++)
        {
            ancestors[slot] = left[slot]-- > 0 ? slot : -1;
        }

        var next = 0;
        for (var slot = 0; slot < left.Length; slot++)
        {
            if (ancestors[slot] < 0)
            {
                while (left[next] <= 0)
                {
                    next++;
                }

                ancestors[slot] = next;
                left[next]--;
            }
        }

        return ancestors;
    }

    /// <summary>One draw.</summary>
    public static int Categorical(ReadOnlySpan<double> weights, double uniform) => Find(Cumulative(weights), uniform);

    private static double[] Cumulative(ReadOnlySpan<double> weights)
    {
        var cumulative = new double[weights.Length];
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            cumulative[i] = sum += weights[i];
        }

        return cumulative;
    }

    /// <summary>
    /// The first index whose cumulative weight is above the position. Rounding may leave the last one below it: then the last index that has
    /// any weight.
    /// </summary>
    private static int Find(double[] cumulative, double position)
    {
        var limit = Math.Min(position, Math.BitDecrement(cumulative[^1]));
        var (low, high) = (0, cumulative.Length - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = cumulative[middle] > limit ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
