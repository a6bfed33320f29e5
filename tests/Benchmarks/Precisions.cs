using System.Globalization;
using Hindsight.Generation;
using Hindsight.Models;
using Hindsight.Scoring;
using Hindsight.Workflow;

namespace Hindsight.Benchmarks;

/// <summary>
/// What a precision other than float32 changes on a real trained run: logits and likeliest tokens along the float32 model's greedy
/// answers, and Pass@1 of sampled answers, problem by problem with equal random numbers.
/// </summary>
internal static class Precisions
{
    private const int Samples = 8;

    /// <param name="arguments">A folder with run/ and suite.jsonl; default the demo's.</param>
    public static void Run(string[] arguments)
    {
        var folder = arguments.Length > 0 ? arguments[0] : "tests/data/demo";
        var suite = Suite.Parse("suite", File.ReadAllBytes(Path.Combine(folder, "suite.jsonl")));
        var run = Path.Combine(folder, "run");
        var spec = EvaluationSpec.Parse(File.ReadAllBytes(Path.Combine(run, "evaluation.json")), "evaluation.json");
        var interval = new ClusteredMean(suite.Problems.Select(problem => problem.Cluster));
        var table = new Table("float32 → int8", "largest logit error", "rms error", "logits' std", "same likeliest token", "same greedy answer", "Pass@1 float32", "Pass@1 int8", "difference, 95 % interval");
        var all = suite.Problems.Select(_ => new List<double>()).ToArray();
        var checkpoints = Directory.GetDirectories(run).OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal).ToList();
        foreach (var path in checkpoints)
        {
            using var checkpoint = Checkpoint.Open(path);
            using var exact = Weights.Load(checkpoint);
            using var quantised = Weights.Load(checkpoint, Precision.Int8);
            var text = CheckpointText.Load(path);
            var prompts = suite.Problems.Select(problem => text.Write(problem, spec).Prompt!.Ids).ToList();
            var (of32, of8) = (Answers(exact, text, prompts, spec), Answers(quantised, text, prompts, spec));
            var difference = Errors(exact, quantised, prompts.Zip(of32.Greedy, (prompt, greedy) => (prompt, greedy.Ids)));
            var (pass32, pass8) = (Pass(suite, of32.Sampled), Pass(suite, of8.Sampled));
            double[] paired = [.. pass8.Zip(pass32, (a, b) => a - b)];
            for (var problem = 0; problem < paired.Length; problem++)
            {
                all[problem].Add(paired[problem]);
            }

            table.Add(
                Path.GetFileName(path), F(difference.Largest), F(difference.Rms), F(difference.Spread), P(difference.Agreement),
                P(of32.Greedy.Zip(of8.Greedy).Average(pair => pair.First.Ids.SequenceEqual(pair.Second.Ids) ? 1.0 : 0)),
                P(pass32.Average()), P(pass8.Average()), Interval(interval.Difference(paired)));
        }

        table.Add("all", "", "", "", "", "", "", "", Interval(interval.Difference([.. all.Select(problem => problem.Average())])));
        table.Print(Console.Out);
    }

    private static (List<Completion> Greedy, List<IGrouping<int, Completion>> Sampled) Answers(
        Weights weights, CheckpointText text, List<IReadOnlyList<int>> prompts, EvaluationSpec spec)
    {
        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = prompts.Max(prompt => prompt.Count) + spec.MaxTokens });
        var sampling = new Decoding { Temperature = spec.Temperature, TopP = spec.TopP, TopK = spec.TopK, MaxTokens = spec.MaxTokens, Stop = spec.Stop };
        var requests = prompts.SelectMany((prompt, problem) => new[]
        {
            new GenerationRequest(prompt, [0], new Decoding { MaxTokens = spec.MaxTokens, Stop = spec.Stop }, problem),
            new GenerationRequest(prompt, [.. Enumerable.Range(0, Samples)], sampling, problem),
        });
        var answers = engine.Generate(requests, ids => text.Tokenizer.Decode(ids, skipSpecialTokens: true), text.EosIds).ToList();
        return (
            [.. answers.Where(answer => answer.Request.Decoding.IsGreedy).OrderBy(answer => (int)answer.Request.Tag!)],
            [.. answers.Where(answer => !answer.Request.Decoding.IsGreedy).GroupBy(answer => (int)answer.Request.Tag!).OrderBy(group => group.Key)]);
    }

    private static double[] Pass(Suite suite, List<IGrouping<int, Completion>> answers) =>
        [.. answers.Select(group => group.Average(answer =>
            Graders.Grade(
                suite.Problems[group.Key].Grader, suite.Problems[group.Key].Gold, answer.Text, answer.FinishReason == FinishReason.Length, answer.Sample, answer.Ids.Count)
            .Verdict == Verdict.Correct ? 1.0 : 0))];

    private static (double Largest, double Rms, double Spread, double Agreement) Errors(
        Weights exact, Weights quantised, IEnumerable<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> texts)
    {
        using var reference = new Transformer(exact, Target.Fused, Environment.ProcessorCount);
        using var other = new Transformer(quantised, Target.Fused, Environment.ProcessorCount);
        var vocabulary = exact.Config.VocabularySize;
        var (largest, squares, sums, sumOfSquares, elements, same, tokens) = (0.0, 0.0, 0.0, 0.0, 0L, 0, 0);
        foreach (var (prompt, answer) in texts)
        {
            int[] ids = [.. prompt, .. answer.SkipLast(1)];
            var (a, b) = (reference.Logits(ids), other.Logits(ids));
            for (var place = prompt.Count - 1; place < ids.Length; place++, tokens++)
            {
                var x = a.AsSpan(place * vocabulary, vocabulary);
                var y = b.AsSpan(place * vocabulary, vocabulary);
                same += x.IndexOf(Max(x)) == y.IndexOf(Max(y)) ? 1 : 0;
                for (var id = 0; id < vocabulary; id++)
                {
                    var error = (double)x[id] - y[id];
                    largest = Math.Max(largest, Math.Abs(error));
                    (squares, sums, sumOfSquares, elements) = (squares + (error * error), sums + x[id], sumOfSquares + ((double)x[id] * x[id]), elements + 1);
                }
            }
        }

        var mean = sums / elements;
        return (largest, Math.Sqrt(squares / elements), Math.Sqrt((sumOfSquares / elements) - (mean * mean)), (double)same / tokens);
    }

    private static float Max(ReadOnlySpan<float> values) => System.Numerics.Tensors.TensorPrimitives.Max(values);

    private static string Interval(Estimate estimate) =>
        string.Create(CultureInfo.InvariantCulture, $"{100 * estimate.Value:+0.0;-0.0;0.0} [{100 * estimate.Low:+0.0;-0.0;0.0}, {100 * estimate.High:+0.0;-0.0;0.0}] points");

    private static string F(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string P(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");
}
