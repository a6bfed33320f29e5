namespace Hindsight.Scoring;

/// <summary>Binomial coefficients as doubles.</summary>
internal static class Binomials
{
    /// <summary>Beyond this many items coefficients overflow a double.</summary>
    public const int MostItems = 1000;

    private static readonly Lazy<double[][]> Triangle = new(() =>
    {
        var rows = new double[MostItems + 1][];
        for (var n = 0; n <= MostItems; n++)
        {
            rows[n] = new double[n + 1];
            rows[n][0] = rows[n][n] = 1;
            for (var k = 1; k < n; k++)
            {
                rows[n][k] = rows[n - 1][k - 1] + rows[n - 1][k];
            }
        }

        return rows;
    });

    /// <summary>C(n, k); 0 when k lies outside 0…n.</summary>
    /// <exception cref="ArgumentOutOfRangeException">n exceeds <see cref="MostItems"/>.</exception>
    public static double Choose(int n, int k)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(n, MostItems);
        return k < 0 || k > n ? 0 : Triangle.Value[n][k];
    }

    /// <summary>C(n, 0) … C(n, n).</summary>
    public static ReadOnlySpan<double> Row(int n) => Triangle.Value[n];

    /// <summary>The chance that <paramref name="k"/> of <paramref name="n"/> items, drawn without replacement, hold <paramref name="x"/> of the <paramref name="marked"/>. Any n.</summary>
    public static double Hypergeometric(int n, int marked, int k, int x)
    {
        if (x < 0 || x > marked || k - x < 0 || k - x > n - marked)
        {
            return 0;
        }

        return n <= MostItems
            ? Choose(marked, x) * (Choose(n - marked, k - x) / Choose(n, k))
            : Math.Exp(LogChoose(marked, x) + LogChoose(n - marked, k - x) - LogChoose(n, k));
    }

    /// <summary>The chance of <paramref name="x"/> successes in <paramref name="n"/> tries. Any n.</summary>
    /// <param name="n">Tries.</param>
    /// <param name="x">Successes.</param>
    /// <param name="rate">In (0, 1).</param>
    public static double Binomial(int n, int x, double rate) =>
        Math.Exp((n <= MostItems ? Math.Log(Choose(n, x)) : LogChoose(n, x)) + (x * Math.Log(rate)) + ((n - x) * Math.Log(1 - rate)));

    private static double LogChoose(int n, int k) => StudentT.LogGamma(n + 1.0) - StudentT.LogGamma(k + 1.0) - StudentT.LogGamma(n - k + 1.0);
}
