using System.Runtime.CompilerServices;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A long loop that is entered once: it must not start in the slow tier.
    public static (double Alone, double Adjusted)[] Test(IReadOnlyList<double[]> family, ulong seed)
    {
        // Clusters without a difference in any member cannot matter.
        var live = Enumerable.Range(0, family[0].Length).Where(g => family.Any(member => member[g] != 0)).ToArray();
        var scaled = family.Select(member =>
        {
            var norm = Math.Sqrt(member.Sum(sum => sum * sum));
            return Array.ConvertAll(live, g => norm > 0 ? member[g] / norm : 0);
        }).ToArray();
        var observed = Array.ConvertAll(scaled, member => Math.Abs(member.Sum()) - 1e-9);
        var tables = Array.ConvertAll(scaled, Octets);
        var (alone, adjusted) = (new int[scaled.Length], new int[scaled.Length]);
        var exact = live.Length <= MostExact;
        var flips = exact ? 1 << live.Length : Draws;
        var stream = RandomStream.For(seed, "sign flips");
        var signs = new byte[(live.Length + 7) / 8];
        var flipped = new double[scaled.Length];
        for (var flip = 0; flip < flips; flip++)
        {
            var bits = (ulong)flip;
            for (var octet = 0; octet < signs.Length; octet++)
            {
                bits = !exact && octet % 8 == 0 ? stream.Next() : bits;
                signs[octet] = (byte)(bits >> (octet % 8 * 8));
            }

            var largest = 0.0;
            for (var m = 0; m < tables.Length; m++)
            {
                var sum = 0.0;
                for (var octet = 0; octet < signs.Length; octet++)
                {
                    sum += tables[m][(octet << 8) | signs[octet]];
                }

                flipped[m] = Math.Abs(sum);
                largest = Math.Max(largest, flipped[m]);
            }

            for (var m = 0; m < tables.Length; m++)
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

    /// <summary>For eight clusters at a time, their sum for each of the 256 choices of signs.</summary>
    private static double[] Octets(double[] values)
    {
        var table = new double[(values.Length + 7) / 8 * 256];
        for (var g = 0; g < values.Length; g++)
        {
            for (var signs = 0; signs < 256; signs++)
            {
                table[(g / 8 * 256) + signs] += (signs >> (g % 8) & 1) == 0 ? values[g] : -values[g];
            }
        }

        return table;
    }
}
