namespace Hindsight.Generation;

/// <summary>Sums over weights that are kept as logarithms; −∞ is the weight zero.</summary>
internal static class LogSpace
{
    public static double SumExp(ReadOnlySpan<double> logs)
    {
        var max = double.NegativeInfinity;
        foreach (var value in logs)
        {
            max = Math.Max(max, value);
        }

        if (double.IsInfinity(max))
        {
            return max;
        }

        var sum = 0.0;
        foreach (var value in logs)
        {
            sum += Math.Exp(value - max);
        }

        return max + Math.Log(sum);
    }

    /// <summary>The logarithms of weights that sum to 1; all −∞ where all are.</summary>
    public static double[] Normalised(ReadOnlySpan<double> logs)
    {
        var normalised = logs.ToArray();
        var sum = SumExp(logs);
        if (!double.IsNegativeInfinity(sum))
        {
            for (var i = 0; i < normalised.Length; i++)
            {
                normalised[i] -= sum;
            }
        }

        return normalised;
    }

    /// <summary>(∑w)² / ∑w², from 1 (one weight has it all) to n (all are equal); 0 where all are zero.</summary>
    public static double EffectiveSampleSize(ReadOnlySpan<double> logs)
    {
        var max = double.NegativeInfinity;
        foreach (var value in logs)
        {
            max = Math.Max(max, value);
        }

        if (double.IsNegativeInfinity(max))
        {
            return 0;
        }

        var (sum, squares) = (0.0, 0.0);
        foreach (var value in logs)
        {
            var weight = Math.Exp(value - max);
            sum += weight;
            squares += weight * weight;
        }

        return sum * sum / squares;
    }

    /// <summary>−∑ W ln W / ln n of the normalised weights, from 0 to 1; 0 for a single weight.</summary>
    public static double NormalisedEntropy(ReadOnlySpan<double> logs)
    {
        if (logs.Length < 2)
        {
            return 0;
        }

        var entropy = 0.0;
        foreach (var value in Normalised(logs))
        {
            entropy -= double.IsNegativeInfinity(value) ? 0 : Math.Exp(value) * value;
        }

        return entropy / Math.Log(logs.Length);
    }
}
