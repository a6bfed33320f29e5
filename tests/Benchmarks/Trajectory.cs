using System.Globalization;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// The answers of a whole trajectory: 32 problems with 16 samples each from every checkpoint, with answers of very different lengths.
/// Useful tokens per second, reading the models included, against llama.cpp once per checkpoint with its own continuous batching.
/// </summary>
internal static class Trajectory
{
    private const int Problems = 32;
    private const int Samples = 16;
    private const int Rows = 64;

    private static readonly RandomModel Model = RandomModel.FifteenMillion;
    private static readonly Decoding Decoding = new() { Temperature = 0.8, TopK = 50 };

    /// <param name="arguments">--checkpoints (8); --llama: the peer's folder.</param>
    public static void Run(string[] arguments)
    {
        var options = new Options(arguments, [], ["--llama", "--checkpoints"]);
        var checkpoints = options.Number("--checkpoints", 8);
        // Lengths at even places of an exponential distribution, in an order without rule: few long answers, as real ones are.
        var places = Enumerable.Range(0, Problems).Select(problem => ((problem * 13 % Problems) + 0.5) / Problems);
        var work = new Workload(
            [.. Enumerable.Range(0, Problems).Select(problem => Workload.Prompt(40 + (problem * 7 % 61), Model.Vocabulary, problem * 1000))],
            [.. places.Select(place => (int)Math.Min(256, 8 + (60 * -Math.Log(1 - place))))],
            Samples);
        // Enough to fill the largest batch twice.
        var few = work with { Prompts = [.. work.Prompts.Take(8)], AnswerLengths = [.. work.AnswerLengths.Take(8).Select(length => Math.Min(length, 32))] };

        string[] folders = [.. Enumerable.Range(0, checkpoints).Select(seed => Model.Folder(seed))];
        DrawOurs(folders[0], few, Task.Run(() => Load(folders[0])), next: null);
        var ahead = default(Task<Weights>);
        List<(string Name, Action<int> Run)> contenders =
        [
            ("ours", index => ahead = DrawOurs(folders[index], work, ahead, index + 1 < checkpoints ? folders[index + 1] : null)),
        ];
        if (LlamaCpp.Find(options.Text("--llama", Peers.Folder)) is { } build)
        {
            Console.WriteLine(build.Description);
            string[] files = [.. Enumerable.Range(0, checkpoints).Select(seed => GgufWriter.File(Model, Precision.Float32, seed))];
            LlamaCpp.Setting setting;
            using (var model = build.Open(files[0], Peers.Threads))
            {
                setting = Peers.ChooseSetting(model, few, Decoding);
            }

            contenders.Add(($"llama.cpp F32, {setting}", index =>
            {
                using var model = build.Open(files[index], Peers.Threads);
                model.Setting = setting;
                model.Draw(work, Decoding);
            }));
        }

        // A round is a checkpoint.
        var runs = Measurement.Interleave(TimeProvider.System, checkpoints, warmUps: 0, contenders);
        Console.WriteLine(Text(
            $"\n{checkpoints} checkpoints of {Model.Parameters / 1e6:F1} M parameters in float32 x {Problems} problems x {Samples} samples of {work.AnswerLengths.Min()} to {work.AnswerLengths.Max()} tokens, {Peers.Threads} threads; the contenders take turns checkpoint by checkpoint."));
        var table = new Table("", "useful tok/s", "slowest checkpoint", "fastest", "seconds in all", "ours is faster");
        foreach (var run in runs)
        {
            table.Add(
                run.Name, Text($"{work.Tokens * checkpoints / run.Seconds.Sum():F0}"), Text($"{work.Tokens / run.Seconds.Max():F0}"), Text($"{work.Tokens / run.Seconds.Min():F0}"),
                Text($"{run.Seconds.Sum():F1}"), run == runs[0] ? "" : Text($"{run.Seconds.Sum() / runs[0].Seconds.Sum():F2} x"));
        }

        table.Print(Console.Out);
    }

    /// <summary>Draws all answers of a checkpoint while the next one is read.</summary>
    private static Task<Weights>? DrawOurs(string folder, Workload work, Task<Weights>? ahead, string? next)
    {
        using var weights = ahead?.Result ?? Load(folder);
        var following = next is null ? null : Task.Run(() => Load(next));
        using var engine = new Ours(weights, work.MaxLength, Rows);
        engine.Draw(work, Decoding);
        return following;
    }

    private static Weights Load(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return Weights.Load(checkpoint);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
