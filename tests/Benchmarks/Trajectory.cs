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

    /// <param name="arguments">--checkpoints (8); --rounds (3); --llama: the peer's folder.</param>
    public static void Run(string[] arguments)
    {
        var options = new Options(arguments, [], ["--llama", "--rounds", "--checkpoints"]);
        var (rounds, checkpoints) = (options.Number("--rounds", 3), options.Number("--checkpoints", 8));
        // Lengths at even places of an exponential distribution, in an order without rule: few long answers, as real ones are.
        var places = Enumerable.Range(0, Problems).Select(problem => ((problem * 13 % Problems) + 0.5) / Problems);
        var work = new Workload(
            [.. Enumerable.Range(0, Problems).Select(problem => Workload.Prompt(40 + (problem * 7 % 61), Model.Vocabulary, problem * 1000))],
            [.. places.Select(place => (int)Math.Min(256, 8 + (60 * -Math.Log(1 - place))))],
            Samples);

        string[] folders = [.. Enumerable.Range(0, checkpoints).Select(seed => Model.Folder(seed))];
        List<(string Name, Action Run)> contenders = [("ours", () => DrawOurs(folders, work))];
        if (LlamaCpp.Find(options.Text("--llama", Peers.Folder)) is { } build)
        {
            Console.WriteLine(build.Description);
            string[] files = [.. Enumerable.Range(0, checkpoints).Select(seed => GgufWriter.File(Model, Precision.Float32, seed))];
            LlamaCpp.Setting setting;
            using (var model = build.Open(files[0], Peers.Threads))
            {
                setting = Peers.ChooseSetting(model, work with { Prompts = [.. work.Prompts.Take(8)], AnswerLengths = [.. work.AnswerLengths.Take(8)] }, Decoding);
            }

            contenders.Add(($"llama.cpp F32, {setting}", () =>
            {
                foreach (var file in files)
                {
                    using var model = build.Open(file, Peers.Threads);
                    model.Setting = setting;
                    model.Draw(work, Decoding);
                }
            }));
        }

        var runs = Measurement.Interleave(TimeProvider.System, rounds, warmUps: 1, contenders);
        Console.WriteLine(Text(
            $"\n{checkpoints} checkpoints of {Model.Parameters / 1e6:F1} M parameters in float32 x {Problems} problems x {Samples} samples of {work.AnswerLengths.Min()} to {work.AnswerLengths.Max()} tokens, {Peers.Threads} threads; medians of {rounds} interleaved rounds."));
        var table = new Table("", "useful tok/s", "least", "most", "seconds", "ours is faster");
        var tokens = work.Tokens * checkpoints;
        foreach (var run in runs)
        {
            table.Add(
                run.Name, Text($"{tokens / run.Median:F0}"), Text($"{tokens / run.Seconds.Max():F0}"), Text($"{tokens / run.Seconds.Min():F0}"),
                Text($"{run.Median:F1}"), run == runs[0] ? "" : Text($"{runs[0].SpeedAgainst(run):F2} x"));
        }

        table.Print(Console.Out);
    }

    /// <summary>The next checkpoint is read while the present one decodes.</summary>
    private static void DrawOurs(string[] folders, Workload work)
    {
        var next = Task.Run(() => Load(folders[0]));
        for (var index = 0; index < folders.Length; index++)
        {
            using var weights = next.Result;
            var following = index + 1;
            next = following < folders.Length ? Task.Run(() => Load(folders[following])) : next;
            using var engine = new Ours(weights, work.MaxLength, Rows);
            engine.Draw(work, Decoding);
        }
    }

    private static Weights Load(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return Weights.Load(checkpoint);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
