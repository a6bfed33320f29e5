using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// Eight LoRA adapters of one base, eight answers from each: all in one batch over the base's weights, against a pass for each adapter
/// over weights it was merged into.
/// </summary>
internal static class Adapters
{
    private const int Count = 8;
    private const int RowsEach = 8;
    private const int Rank = 16;
    private const int Prompt = 64;

    /// <param name="arguments">A precision (float32), new tokens of an answer (32), the model (0.5b, or 15m), rounds (2).</param>
    public static void Run(string[] arguments)
    {
        var precision = arguments.Contains("int8") ? Precision.Int8 : Precision.Float32;
        var numbers = arguments.Where(argument => int.TryParse(argument, CultureInfo.InvariantCulture, out _)).Select(argument => int.Parse(argument, CultureInfo.InvariantCulture)).ToArray();
        var (tokens, rounds) = (numbers.Length > 0 ? numbers[0] : 32, numbers.Length > 1 ? numbers[1] : 2);
        var model = arguments.Contains("15m") ? RandomModel.FifteenMillion : RandomModel.HalfBillion;
        var folder = model.Folder();
        string[] adapters = [.. Enumerable.Range(0, Count).Select(seed => AdapterFolder(model, seed))];
        int[] prompt = [.. Enumerable.Range(0, Prompt).Select(place => 10 + (place * 7919 % (model.Vocabulary - 10)))];
        var options = new EngineOptions { MaxLength = Prompt + tokens };
        var decoding = new Decoding { Temperature = 1, MaxTokens = tokens, IgnoreEos = true };
        var clock = TimeProvider.System;
        var drawing = new Dictionary<string, List<double>> { ["one batch"] = [], ["passes"] = [] };

        void Batch()
        {
            using var checkpoint = Checkpoint.Open(folder);
            using var weights = Weights.Load(checkpoint, precision);
            var open = adapters.Select(path => Adapter.Open(path, checkpoint.Config)).ToList();
            using var stack = AdapterStack.Create(checkpoint.Config, [.. open.Select(adapter => new AdapterUpdate(adapter))]);
            open.ForEach(adapter => adapter.Dispose());
            using var engine = new DecodingEngine(weights, options with { MostRows = Count * RowsEach }, stack);
            var start = clock.GetTimestamp();
            Draw(engine, Enumerable.Range(0, Count).Select(slot => new GenerationRequest(prompt, [.. Enumerable.Range(0, RowsEach)], decoding, Adapter: slot)));
            drawing["one batch"].Add(clock.GetElapsedTime(start).TotalSeconds);
        }

        void Passes()
        {
            var drawn = 0.0;
            foreach (var path in adapters)
            {
                using var checkpoint = Checkpoint.Open(folder);
                using var adapter = Adapter.Open(path, checkpoint.Config);
                using var weights = Weights.Merge(checkpoint, new AdapterUpdate(adapter), precision);
                using var engine = new DecodingEngine(weights, options with { MostRows = RowsEach });
                var start = clock.GetTimestamp();
                Draw(engine, [new GenerationRequest(prompt, [.. Enumerable.Range(0, RowsEach)], decoding)]);
                drawn += clock.GetElapsedTime(start).TotalSeconds;
            }

            drawing["passes"].Add(drawn);
        }

        var runs = Measurement.Interleave(clock, rounds, warmUps: 0, ("one batch", Batch), ("passes", Passes));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model.Name}, {precision}, {Count} adapters of rank {Rank} on every linear map, {RowsEach} answers of {tokens} tokens from each"));
        var table = new Table("", "with loading, s", "tok/s", "drawing alone, s", "tok/s");
        foreach (var run in runs)
        {
            var alone = new Measurement(run.Name, drawing[run.Name]);
            table.Add(run.Name, F(run.Median), F(Count * RowsEach * tokens / run.Median), F(alone.Median), F(Count * RowsEach * tokens / alone.Median));
        }

        table.Add(
            "one batch is as fast", F(runs[0].SpeedAgainst(runs[1])) + " ×", "",
            F(new Measurement("", drawing["one batch"]).SpeedAgainst(new("", drawing["passes"]))) + " ×", "");
        table.Print(Console.Out);
    }

    private static void Draw(DecodingEngine engine, IEnumerable<GenerationRequest> requests)
    {
        foreach (var completion in engine.Generate(requests, _ => "", []))
        {
            if (completion.Ids.Count != completion.Request.Decoding.MaxTokens)
            {
                throw new InvalidOperationException("An answer ended early.");
            }
        }
    }

    private static string F(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>A PEFT folder with random factors for every projection of a model.</summary>
    private static string AdapterFolder(RandomModel model, int seed)
    {
        var folder = Path.Combine(Path.GetTempPath(), "hindsight-benchmarks", string.Create(CultureInfo.InvariantCulture, $"{model.Name}-adapter-{seed}"));
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["r"] = Rank,
            ["lora_alpha"] = 2 * Rank,
            ["target_modules"] = "all-linear",
            ["bias"] = "none",
        }));
        var factors = model.Tensors()
            .Where(tensor => tensor.Name.EndsWith("_proj.weight", StringComparison.Ordinal))
            .SelectMany(tensor =>
            {
                var module = tensor.Name[..^".weight".Length];
                return new[]
                {
                    (Name: $"base_model.model.{module}.lora_A.weight", Shape: (long[])[Rank, tensor.Shape[1]]),
                    (Name: $"base_model.model.{module}.lora_B.weight", Shape: (long[])[tensor.Shape[0], Rank]),
                };
            }).ToList();
        var random = new Random(100 + seed);
        var values = new float[factors.Sum(factor => factor.Shape[0] * factor.Shape[1])];
        foreach (ref var value in values.AsSpan())
        {
            value = 0.02f * ((2 * random.NextSingle()) - 1);
        }

        using var file = File.Create(Path.Combine(folder, "adapter_model.safetensors"));
        file.Write(SafetensorsHeader.Serialize(factors.Select(factor => (factor.Name, StoredType.F32, (IReadOnlyList<long>)factor.Shape))));
        file.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        return folder;
    }
}
