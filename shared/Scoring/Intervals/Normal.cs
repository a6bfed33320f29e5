namespace Hindsight.Scoring;

/// <summary>The standard normal distribution.</summary>
internal static class Normal
{
    /// <summary>P(|Z| &gt; z) for z ≥ 0, with full relative accuracy in the tail.</summary>
    public static double TwoSidedTail(double z)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(z);
        var density = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI);
        if (z < 3)
        {
            // Φ(z) − ½ = φ(z) (z + z³/3 + z⁵/(3·5) + …)
            double term = z, sum = z;
            for (var n = 3; term > 1e-18 * sum; n += 2)
            {
                term *= z * z / n;
                sum += term;
            }

            return 1 - (2 * density * sum);
        }

        // Mills' ratio by its continued fraction z + 1/(z + 2/(z + 3/(z + …))), from the far end.
        var fraction = z;
        for (var n = 60; n > 0; n--)
        {
            fraction = z + (n / fraction);
        }

        return 2 * density / fraction;
    }

    /// <summary>The z for which P(|Z| ≤ z) = <paramref name="confidence"/>.</summary>
    public static double TwoSidedQuantile(double confidence) => Bisection.Rising(z => -TwoSidedTail(z), confidence - 1);
}
