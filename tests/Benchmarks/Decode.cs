using System.Globalization;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>Samples of one prompt from a model of random weights: tokens per second, from the prompt's first token to the last answer's last.</summary>
internal static class Decode
{
    private const int Prompt = 64;
    private const int NewTokens = 64;
    private const int Samples = 64;

    public static void Run(string[] arguments)
    {
        var model = arguments.Contains("15m") ? RandomModel.FifteenMillion : RandomModel.HalfBillion;
        using var checkpoint = Checkpoint.Open(model.Folder());
        using var weights = Weights.Load(checkpoint);
        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = Prompt + NewTokens, MostRows = Samples, Threads = 2 });
        int[] prompt = [.. Enumerable.Range(0, Prompt).Select(place => 10 + (place * 7919 % (model.Vocabulary - 10)))];
        Action Draw(Decoding decoding) => () =>
        {
            var request = new GenerationRequest(prompt, [.. Enumerable.Range(0, Samples)], decoding with { MaxTokens = NewTokens, IgnoreEos = true });
            var tokens = engine.Generate([request], _ => "", []).Sum(completion => completion.Ids.Count);
            if (tokens != Samples * NewTokens)
            {
                throw new InvalidOperationException($"{tokens} tokens were drawn.");
            }
        };
        var runs = Measurement.Interleave(
            TimeProvider.System, rounds: 3, warmUps: 1,
            ("greedy", Draw(new())), ("temperature 1", Draw(new() { Temperature = 1 })),
            ("temperature 0.8, top-p 0.95", Draw(new() { Temperature = 0.8, TopP = 0.95 })),
            ("temperature 0.8, top-k 50", Draw(new() { Temperature = 0.8, TopK = 50 })));
        var table = new Table("", "tok/s", "GFLOP/s", "median s");
        foreach (var run in runs)
        {
            var rate = Samples * NewTokens / run.Median;
            table.Add(run.Name, F(rate), F(rate * model.FlopsPerToken / 1e9), run.Median.ToString("0.00", CultureInfo.InvariantCulture));
        }

        table.Print(Console.Out);
    }

    private static string F(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
