using System.Globalization;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// 64 samples of one prompt from a model of random weights: tokens per second, from the prompt's first token to the last answer's last,
/// against other engines at the same precision and against what the machine can do at best.
/// </summary>
internal static class Decode
{
    private const int Prompt = 64;
    private const int Samples = 64;

    private static readonly Decoding Temperature = new() { Temperature = 1 };
    private static readonly Decoding TopK = new() { Temperature = 0.8, TopK = 50 };

    private sealed record Contender(string Engine, string Sampling, Workload Work, Action Run);

    /// <param name="arguments">float32 (default) or int8; 15m for a small model; --tokens of an answer; --rounds; --llama and --genai: folders of the peers.</param>
    public static void Run(string[] arguments)
    {
        var options = new Options(arguments, ["float32", "int8", "15m"], ["--llama", "--genai", "--tokens", "--rounds"]);
        var precision = options.Has("int8") ? Precision.Int8 : Precision.Float32;
        var model = options.Has("15m") ? RandomModel.FifteenMillion : RandomModel.HalfBillion;
        var rounds = options.Number("--rounds", 3);
        var prompt = Workload.Prompt(Prompt, model.Vocabulary);
        var work = new Workload([prompt], [options.Number("--tokens", 64)], Samples);

        using var checkpoint = Checkpoint.Open(model.Folder());
        using var weights = Weights.Load(checkpoint, precision);
        using var ours = new Ours(weights, work.MaxLength, Samples);
        var build = LlamaCpp.Find(options.Text("--llama", Peers.Folder));
        using var llama = build?.Open(GgufWriter.File(model, precision), Peers.Threads);
        using var genai = GenAi.Open(options.Text("--genai", Peers.Folder), model, precision);
        using var floor = new Floor(precision, Peers.Threads);

        var logits = ours.Logits(prompt);
        if (build is not null && llama is not null)
        {
            Console.WriteLine(build.Description);
            Compare("llama.cpp", llama, logits, prompt);
            Peers.ChooseSetting(llama, work, TopK);
        }

        if (genai is not null)
        {
            Compare("ONNX Runtime GenAI", genai, logits, prompt);
        }

        List<Contender> contenders = [];
        foreach (var (sampling, decoding) in new[] { ("temperature 1", Temperature), ("temperature 0.8, top-k 50", TopK) })
        {
            void Add(string engine, IPeer? peer, Workload work)
            {
                if (peer is not null)
                {
                    contenders.Add(new(engine, sampling, work, () => peer.Draw(work, decoding)));
                }
            }

            Add("ours", ours, work);
            Add($"llama.cpp {(precision == Precision.Int8 ? "Q8_0" : "F32")}, {llama?.Setting}", llama, work);
            // It takes seconds for one step of exact sampling.
            var few = work with { Samples = Math.Min(Samples, 32), AnswerLengths = [Math.Min(work.AnswerLengths[0], 16)] };
            Add("ONNX Runtime GenAI, same graph", genai, decoding.TopK == 0 ? few : work);
        }

        var runs = Measurement.Interleave(
            TimeProvider.System, rounds, warmUps: 1,
            [("", floor.Multiply), ("", floor.Read), .. contenders.Select(contender => (contender.Engine, contender.Run))]);
        var (multiply, read) = (runs[0].Median, runs[1].Median);
        var best = Samples / floor.SecondsOfStep(model, Samples, multiply, read);
        Console.WriteLine(Text(
            $"\n{model.Name} ({model.Parameters / 1e6:F0} M parameters) in {precision}, {Samples} samples of {work.AnswerLengths[0]} tokens for one prompt of {Prompt} tokens, {Peers.Threads} threads; medians of {rounds} interleaved rounds."));
        Console.WriteLine(Text(
            $"One big product: {Floor.Operations / multiply / 1e9:F0} G operations/s; memory read at {Floor.Bytes / read / 1e9:F1} GB/s; at these rates a step of {Samples} rows allows {best:F0} tok/s."));
        var table = new Table("", "drawn", "tok/s", "least", "most", "ours is faster", "of the floor's");
        for (var index = 0; index < contenders.Count; index++)
        {
            var (contender, run) = (contenders[index], runs[index + 2]);
            var mine = contenders.FindIndex(other => other.Engine == "ours" && other.Sampling == contender.Sampling);
            var tokens = contender.Work.Tokens;
            var ratio = runs[mine + 2].SpeedAgainst(run) * contenders[mine].Work.Tokens / tokens;
            table.Add(
                $"{contender.Sampling}: {contender.Engine}", Text($"{contender.Work.Samples} x {contender.Work.AnswerLengths[0]}"), Text($"{tokens / run.Median:F0}"),
                Text($"{tokens / run.Seconds.Max():F0}"), Text($"{tokens / run.Seconds.Min():F0}"), mine == index ? "" : Text($"{ratio:F2} x"), Text($"{tokens / run.Median / best:P0}"));
        }

        table.Print(Console.Out);
    }

    /// <summary>Prints how far a peer's logits are from ours: it must have read the same model.</summary>
    private static void Compare(string name, IPeer peer, float[] ours, int[] prompt)
    {
        var theirs = peer.Logits(prompt);
        var worst = ours.Zip(theirs, (mine, their) => Math.Abs(mine - their)).Max();
        var mean = ours.Average();
        var spread = Math.Sqrt(ours.Average(logit => (logit - mean) * (logit - mean)));
        Console.WriteLine(Text($"{name}'s logits after the prompt differ from ours by {worst:G2} at most; ours spread by {spread:G2}."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
