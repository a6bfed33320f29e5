using System.Collections.Concurrent;

namespace Hindsight.Scoring;

/// <summary>Gauss-Legendre rules on [0, 1].</summary>
internal static class GaussLegendre
{
    private static readonly ConcurrentDictionary<int, (double Node, double Weight)[]> Rules = new();

    /// <summary>The smallest rule that integrates polynomials up to <paramref name="degree"/> exactly.</summary>
    public static (double Node, double Weight)[] OnUnit(int degree) => Rules.GetOrAdd((Math.Max(0, degree) / 2) + 1, Make);

    private static (double, double)[] Make(int nodes)
    {
        var rule = new (double, double)[nodes];
        for (var i = 0; i < nodes; i++)
        {
            // Newton's method from the usual first guess for the zeros of the Legendre polynomial.
            var x = Math.Cos(Math.PI * (i + 0.75) / (nodes + 0.5));
            var slope = 0.0;
            for (var step = 0; step < 100; step++)
            {
                double value = 1, before = 0;
                for (var n = 1; n <= nodes; n++)
                {
                    (value, before) = (((((2 * n) - 1) * x * value) - ((n - 1) * before)) / n, value);
                }

                slope = nodes * ((x * value) - before) / ((x * x) - 1);
                var move = value / slope;
                x -= move;
                if (Math.Abs(move) < 1e-16)
                {
                    break;
                }
            }

            rule[i] = ((1 + x) / 2, 1 / ((1 - (x * x)) * slope * slope));
        }

        return rule;
    }
}
