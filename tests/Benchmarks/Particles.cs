using System.Globalization;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// A particle filter of 64 particles that is resampled after every step, against 64 plain samples of the same lengths, and against a filter
/// that reads each particle's whole text anew for its next step. Without a reward model: steps are weighed by the model's own certainty.
/// </summary>
internal static class Particles
{
    private const int Count = 64;
    private const int Prompt = 64;

    private static readonly Decoding Decoding = new() { Temperature = 1, IgnoreEos = true };

    /// <param name="arguments">--rounds (5), --tokens (128) of an answer, --step (16) tokens of a step; 0.5b for the shape of Qwen2.5-0.5B.</param>
    public static void Run(string[] arguments)
    {
        var options = new Options(arguments, ["0.5b"], ["--rounds", "--tokens", "--step"]);
        var model = options.Has("0.5b") ? RandomModel.HalfBillion : RandomModel.FifteenMillion;
        var (tokens, step) = (options.Number("--tokens", 128), options.Number("--step", 16));
        using var checkpoint = Checkpoint.Open(model.Folder());
        using var weights = Weights.Load(checkpoint);
        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = Prompt + tokens, MostRows = Count, Threads = Peers.Threads });
        var prompt = Workload.Prompt(Prompt, model.Vocabulary);
        var decoding = Decoding with { MaxTokens = tokens };
        (string Name, Action Run)[] contenders =
        [
            ("particle filter", () => Require(engine.Generate([Request(prompt, decoding, tokens, step)], null, _ => "", []).Single().DrawnTokens, tokens)),
            ("plain samples", () => Require(
                engine.Generate([new GenerationRequest(prompt, [.. Enumerable.Range(0, Count)], decoding)], _ => "", []).Sum(answer => (long)answer.Ids.Count), tokens)),
            ("filter that reads anew", () => Require(ReadAnew(engine, prompt, decoding, tokens, step), tokens)),
        ];
        var runs = Measurement.Interleave(TimeProvider.System, options.Number("--rounds", 5), warmUps: 1, contenders);
        Console.WriteLine(Text($"\n{model.Parameters / 1e6:F1} M parameters in float32, {Count} particles of {tokens} tokens in steps of {step}, {Peers.Threads} threads"));
        var table = new Table("", "tok/s, median", "slowest round", "fastest", "the filter is as fast");
        foreach (var run in runs)
        {
            table.Add(
                run.Name, Text($"{Count * tokens / run.Median:F0}"), Text($"{Count * tokens / run.Seconds.Max():F0}"), Text($"{Count * tokens / run.Seconds.Min():F0}"),
                run == runs[0] ? "" : Text($"{runs[0].SpeedAgainst(run):F2} x"));
        }

        table.Print(Console.Out);
    }

    private static PopulationRequest Request(int[] prompt, Decoding decoding, int tokens, int step)
    {
        var options = new ParticleOptions
        {
            Particles = Count,
            MaxSteps = (tokens + step - 1) / step,
            ResamplingThreshold = 1,
            // The mean log-probabilities of steps by a random model, made to matter: about half of the particles are replaced.
            Potential = Potential.SelfCertainty() with { Temperature = 0.2 },
        };
        return new PopulationRequest(prompt, new ParticleFilter(options, seed: 1), decoding, new StepRule { Delimiters = [], MostTokens = step });
    }

    /// <summary>As a server without a memory of prefixes is driven: each step is a request with the whole text before it as its prompt.</summary>
    private static long ReadAnew(DecodingEngine engine, int[] prompt, Decoding decoding, int tokens, int step)
    {
        var filter = (ParticleFilter)Request(prompt, decoding, tokens, step).Population;
        var texts = Enumerable.Range(0, Count).Select(_ => new List<int>(prompt)).ToArray();
        var drawn = 0L;
        while (!filter.IsFinished)
        {
            var length = Math.Min(step, Prompt + tokens - texts[0].Count);
            var outcomes = new StepOutcome[Count];
            var requests = texts.Select((text, slot) => new GenerationRequest([.. text], [slot], decoding with { MaxTokens = length }));
            foreach (var completion in engine.Generate(requests, _ => "", []))
            {
                texts[completion.Sample].AddRange(completion.Ids);
                drawn += completion.Ids.Count;
                outcomes[completion.Sample] = new StepOutcome(completion.LogProbability / completion.Ids.Count, texts[completion.Sample].Count == Prompt + tokens);
            }

            texts = [.. filter.Advance(outcomes).Select(ancestor => new List<int>(texts[ancestor]))];
        }

        return drawn;
    }

    private static void Require(long drawn, int tokens)
    {
        if (drawn != (long)Count * tokens)
        {
            throw new InvalidOperationException($"{drawn} tokens were drawn of {Count * tokens}.");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
