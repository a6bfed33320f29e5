using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// The sign-flip test: had nothing changed, the summed difference of a cluster could as well have had the other sign. The same flips serve
/// all members of a family, which gives p-values corrected by the largest statistic (max-t), whatever the correlation.
/// </summary>
internal static class SignFlips
{
    private const int Draws = 9_999, MostExact = 13;

    /// <param name="family">By member: the difference summed over each cluster.</param>
    /// <param name="seed">Of the flips, where they are drawn.</param>
    /// <returns>By member: the two-sided p-value alone, and corrected for the family.</returns>
    public static (double Alone, double Adjusted)[] Test(IReadOnlyList<double[]> family, ulong seed)
    {
        // Clusters without a difference in any member cannot matter.
        var live = Enumerable.Range(0, family[0].Length).Where(g => family.Any(member => member[g] != 0)).ToArray();
        var scaled = family.Select(member =>
        {
            var norm = Math.Sqrt(member.Sum(sum => sum * sum));
            return norm > 0 ? Array.ConvertAll(live, g => member[g] / norm) : null;
        }).ToArray();
        var observed = Array.ConvertAll(scaled, member => member is null ? 0 : Math.Abs(member.Sum()) - 1e-9);
        var (alone, adjusted) = (new int[scaled.Length], new int[scaled.Length]);
        var exact = live.Length <= MostExact;
        var flips = exact ? 1 << live.Length : Draws;
        var stream = RandomStream.For(seed, "sign flips");
        var signs = new double[live.Length];
        var flipped = new double[scaled.Length];
        for (var flip = 0; flip < flips; flip++)
        {
            var bits = (ulong)flip;
            for (var g = 0; g < signs.Length; g++)
            {
                if (!exact && g % 64 == 0)
                {
                    bits = stream.Next();
                }

                signs[g] = (bits >> (g % 64) & 1) == 0 ? 1 : -1;
            }

            var largest = 0.0;
            for (var m = 0; m < scaled.Length; m++)
            {
                flipped[m] = scaled[m] is { } member ? Math.Abs(Dot(member, signs)) : 0;
                largest = Math.Max(largest, flipped[m]);
            }

            for (var m = 0; m < scaled.Length; m++)
            {
                alone[m] += flipped[m] >= observed[m] ? 1 : 0;
                adjusted[m] += largest >= observed[m] ? 1 : 0;
            }
        }

        // The order that was seen is one of the possible ones; enumeration holds it already.
        return [.. Enumerable.Range(0, scaled.Length).Select(m => exact
            ? (alone[m] / (double)flips, adjusted[m] / (double)flips)
            : ((alone[m] + 1.0) / (flips + 1), (adjusted[m] + 1.0) / (flips + 1)))];
    }

    private static double Dot(double[] one, double[] other)
    {
        var sum = Vector<double>.Zero;
        var i = 0;
        for (; i <= one.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            sum += new Vector<double>(one, i) * new Vector<double>(other, i);
        }

        var dot = Vector.Sum(sum);
        for (; i < one.Length; i++)
        {
            dot += one[i] * other[i];
        }

        return dot;
    }
}
