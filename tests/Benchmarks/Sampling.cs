using System.Globalization;
using Hindsight.Generation;

namespace Hindsight.Benchmarks;

/// <summary>What drawing one token from a row of logits costs on one thread, log-probability included.</summary>
internal static class Sampling
{
    private const int Rows = 64;

    public static void Run(string[] arguments)
    {
        var table = new Table("one row, one thread", "flat, µs", "peaked, µs");
        foreach (var vocabulary in new[] { 32_000, 151_936 })
        {
            var sampler = new Sampler(vocabulary);
            // Of a fresh model, and of a trained one whose mass lies on few tokens. So many rows that they do not stay in the caches.
            var (flat, peaked) = (Logits(vocabulary, 1), Logits(vocabulary, 4));
            foreach (var (name, decoding) in new (string, Decoding)[]
            {
                ("greedy", new()),
                ("temperature 1", new() { Temperature = 1 }),
                ("temperature 0.8", new() { Temperature = 0.8 }),
                ("temperature 0.8, top-k 50", new() { Temperature = 0.8, TopK = 50 }),
                ("temperature 0.8, top-p 0.95", new() { Temperature = 0.8, TopP = 0.95 }),
                ("temperature 0.8, top-k 50, top-p 0.95", new() { Temperature = 0.8, TopK = 50, TopP = 0.95 }),
            })
            {
                Action Draw(float[] logits) => () =>
                {
                    for (var row = 0; row < Rows; row++)
                    {
                        sampler.Draw(logits.AsSpan(row * vocabulary, vocabulary), decoding, (row + 0.5) / Rows);
                    }
                };
                var runs = Measurement.Interleave(TimeProvider.System, rounds: 15, warmUps: 5, ("flat", Draw(flat)), ("peaked", Draw(peaked)));
                table.Add([
                    string.Create(CultureInfo.InvariantCulture, $"{vocabulary} tokens, {name}"),
                    .. runs.Select(run => (run.Median / Rows * 1e6).ToString("0", CultureInfo.InvariantCulture)),
                ]);
            }
        }

        table.Print(Console.Out);
    }

    private static float[] Logits(int vocabulary, double spread)
    {
        var random = new Random(1);
        // Sums of uniform numbers are near enough to normal ones.
        return [.. Enumerable.Range(0, Rows * vocabulary).Select(_ => (float)(spread * (random.NextDouble() + random.NextDouble() + random.NextDouble() + random.NextDouble() - 2) * Math.Sqrt(3)))];
    }
}
