namespace Hindsight.Scoring;

/// <summary>Inverts a rising function on the positive numbers: fewer than 100 halvings, and no derivative to go wrong in the tails.</summary>
internal static class Bisection
{
    /// <summary>The least x ≥ 0 with function(x) ≥ <paramref name="value"/>.</summary>
    public static double Rising(Func<double, double> function, double value)
    {
        double low = 0, high = 1;
        while (function(high) < value && high < 1e300)
        {
            high *= 2;
        }

        for (var middle = high / 2; low < middle && middle < high; middle = (low + high) / 2)
        {
            if (function(middle) < value)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return high;
    }
}
