using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

/// <summary>A report as a real evaluation gives it: simulated problems that are learnt and partly lost, scored by the textbook formulas.</summary>
internal static class SampleReport
{
    private const int Samples = 16;

    public static ReportData Make(int checkpoints = 8, int problems = 64, int seed = 7)
    {
        var random = new Random(seed);
        var ids = Enumerable.Range(1, problems).Select(i => string.Create(CultureInfo.InvariantCulture, $"sum-{i:000}")).ToArray();
        var names = Enumerable.Range(1, checkpoints).Select(i => string.Create(CultureInfo.InvariantCulture, $"checkpoint-{100 * i}")).ToArray();
        var correct = new int[problems, checkpoints];
        var greedy = new bool[problems, checkpoints];
        var before = new double[problems];
        for (var p = 0; p < problems; p++)
        {
            var ease = 3.2 - 6.0 * p / problems + random.NextDouble();
            var forgets = random.NextDouble() < 0.3;
            before[p] = Math.Round(Samples * Logistic(ease - 3.5)) / Samples;
            for (var c = 0; c < checkpoints; c++)
            {
                var learnt = 3.4 * (c + 1.0) / checkpoints - 1.6 - (forgets ? Math.Max(0, c - checkpoints / 2) * 0.9 : 0);
                var rate = Logistic(ease + learnt + 0.5 * (random.NextDouble() - 0.5));
                correct[p, c] = Enumerable.Range(0, Samples).Count(_ => random.NextDouble() < rate);
                greedy[p, c] = rate > 0.5;
            }
        }
        var all = Enumerable.Range(0, problems).ToArray();
        var last = checkpoints - 1;
        var scored = all.Select(p => new ProblemScores(ids[p],
            [.. Enumerable.Range(0, checkpoints).Select(c => correct[p, c] / (double)Samples)],
            [.. Enumerable.Range(0, checkpoints).Select(c => greedy[p, c])], before[p], before[p] > 0.5)).ToArray();
        var lost = all.Where(p => !greedy[p, last] && Enumerable.Range(0, last).Any(c => greedy[p, c]))
            .OrderByDescending(p => scored[p].PassRates.Max() - scored[p].PassRates[last]).ToArray();
        var scores = new EvaluationScores
        {
            ProblemCount = problems,
            IncompleteProblems = [],
            SamplesPerProblem = Samples,
            Base = new("base", null, Mean(before), Mean(before.Select(rate => rate > 0.5 ? 1.0 : 0)), new(90, 790, 120, 88, 0, 71.3)),
            Trajectory = [.. names.Select((name, c) => new CheckpointScores(name, 100 * (c + 1),
                Mean(all.Select(p => scored[p].PassRates[c])), Mean(all.Select(p => greedy[p, c] ? 1.0 : 0)),
                Counts(all.Sum(p => correct[p, c] + (greedy[p, c] ? 1 : 0)), problems * (Samples + 1), c)))],
            Problems = [.. scored.OrderByDescending(problem => problem.PassRates.Average())],
            PassAtK = [.. new[] { 1, 2, 4, 8 }.Where(t => t <= checkpoints).Select(t => new Curve(t, [.. Budgets.Select(k => new CurvePoint(k, Mean(all.Select(p => PassAt(p, k, t))), null))]))],
            MajAtK = [.. new[] { 1, 2, 4, 8 }.Where(t => t <= checkpoints).Select(t => new Curve(t, [.. Budgets.Select(k => new CurvePoint(k, Mean(all.Select(p => MajorityAt(p, k, t))), t > 1 && k > 8 ? 0.002 : null))]))],
            Forgetting = new(
                Mean(all.Select(p => greedy[p, last] ? 1.0 : 0)), Mean(before.Select(rate => rate > 0.5 ? 1.0 : 0)),
                Mean(all.Select(p => Enumerable.Range(0, checkpoints).Any(c => greedy[p, c]) ? 1.0 : 0)),
                Mean(all.Select(p => before[p] > 0.5 && !greedy[p, last] ? 1.0 : 0)),
                Mean(all.Select(p => lost.Contains(p) ? 1.0 : 0)), lost.Length / (double)Math.Max(1, all.Count(p => !greedy[p, last])),
                [.. Enumerable.Range(1, last).Select(c => new StepDynamics(names[c - 1], names[c],
                    Share(p => greedy[p, c - 1] && !greedy[p, c]), Share(p => !greedy[p, c - 1] && greedy[p, c]),
                    Share(p => greedy[p, c - 1] && greedy[p, c]), Share(p => !greedy[p, c - 1] && !greedy[p, c])))]),
            SampledForgetting = new(all.Average(p => PassAt(p, checkpoints, checkpoints)), checkpoints > Samples ? null : all.Average(p => PassAt(p, checkpoints, 1)),
                checkpoints > Samples ? null : MeanOf(all.Select(p => PassAt(p, checkpoints, checkpoints) - PassAt(p, checkpoints, 1)))),
            EarlyWeights = new(names[checkpoints / 2], names[last], problems / 2, problems - problems / 2, 16,
                [.. Enumerable.Range(0, 11).Select(i => i / 10.0).Select(w => new EarlyWeightPoint(w, 0.5 + 0.35 * w * (0.9 - w), 0.78 + 0.1 * w * (1.3 - w),
                    Around(0.49 + 0.3 * w * (0.8 - w), 0.08), Around(0.77 + 0.12 * w * (1.2 - w), 0.07)))],
                0.4, new(0.041, -0.012, 0.094)),
            LostProblems = [.. lost.Select(p => new LostProblem(ids[p], BestBefore(p), scored[p].PassRates[BestBefore(p)], scored[p].PassRates[last], true, 0, false, 3))],
        };
        return new()
        {
            Run = "qwen2-sums",
            Evaluation = "3f9c1b77",
            Scores = scores,
            Problems = [.. ids.Select((id, p) => new ProblemText(id, Question(p), (42 + p).ToString(CultureInfo.InvariantCulture)))],
            LostExamples = [.. lost.Take(4).Select(p => new LostExample(ids[p], names[BestBefore(p)],
                "We add the apples first: 17 + 9 = 26.\nThen the pears: 26 + 16 = 42.\nThe answer is \\boxed{42}.", "greedy",
                "We add the apples first: 17 + 9 = 26.\nThen the pears: 26 + 16 = 32.\nThe answer is \\boxed{32}.", "sample 3"))],
            Answers = [.. all.SelectMany(p => Enumerable.Range(0, checkpoints).SelectMany(c => Enumerable.Range(-1, Samples + 1).Select(sample =>
                Answer(p, names[c], sample, sample < 0 ? greedy[p, c] : sample < correct[p, c]))))],
            Extractions = [.. names.Select((name, c) => new ExtractionCounts(name, 1000 - c, 100 + (10 * c), 400, c))],
            Missing = [new("checkpoint-300", "sum-017", 2, "The shard failed five times and lies in the dead-letter queue: the worker ran out of memory.")],
            Refused = [new("checkpoint-350", "It has only pickled weights (pytorch_model.bin); convert them with save_pretrained(safe_serialization=True).")],
            Provenance = new(
            [
                new("Weights", [.. names.Select((name, c) => new ProvenanceEntry(name, "sha256:" + string.Concat(Enumerable.Range(0, 8).Select(i => ((c + 3) * (i + 7) * 7919 % 65536).ToString("x4", CultureInfo.InvariantCulture)))))]),
                new("Suite", [new("Name", "sums.jsonl"), new("Digest", "sha256:5b0cc1e4d08a7f13")]),
                new("Decoding", [new("Greedy", "max_tokens 256"), new("Sampling", "16 samples, temperature 0.8, top_p 0.95, max_tokens 256"), new("Seed", "20250601")]),
                new("Prompt", [new("Template", "sha256:91ab34"), new("First prompt", "<|im_start|>user\nTom has 17 apples and 9 more.<|im_end|>\n<|im_start|>assistant\n"), new("Token ids", string.Join(' ', Enumerable.Range(100, 60)))]),
                new("Versions", [new("Hindsight", "0.1.0"), new("ONNX Runtime", "1.29.0"), new(".NET", "10.0"), new("Grader", "number-1"), new("Device", "CPU, 2 cores")]),
            ]),
        };

        ShownAnswer Answer(int p, string variant, int sample, bool right)
        {
            var verdict = right ? Verdict.Correct : (p + sample) % 19 == 0 ? Verdict.NoAnswer : (p + sample) % 23 == 0 ? Verdict.Truncated : Verdict.Wrong;
            var sum = 42 + p + (right ? 0 : (p + sample) % 7 + 1);
            var text = string.Create(CultureInfo.InvariantCulture, $"We add the apples first: {17 + p} + 9 = {26 + p}.\nThen the pears, of which there are sixteen: {26 + p} + 16 = {sum}.\n");
            return new(variant, ids[p], sample < 0 ? null : sample, verdict, verdict is Verdict.NoAnswer or Verdict.Truncated ? null : sum.ToString(CultureInfo.InvariantCulture),
                verdict == Verdict.Truncated ? "length" : "stop", 60 + (p * 7 + sample) % 40, verdict switch
                {
                    Verdict.Truncated => text + "And once more, to be sure: 1 + 1 + 1 + 1 +",
                    Verdict.NoAnswer => text + "So that is what he has.",
                    _ => text + string.Create(CultureInfo.InvariantCulture, $"The answer is \\boxed{{{sum}}}."),
                });
        }

        double Share(Func<int, bool> holds) => all.Count(holds) / (double)problems;
        int BestBefore(int p) => Enumerable.Range(0, last).MaxBy(c => (correct[p, c], c));
        double PassAt(int p, int k, int t) => 1 - Enumerable.Range(0, t).Aggregate(1.0, (all, j) => all * AllWrong(correct[p, last - j], k / t + (j < k % t ? 1 : 0)));
        double MajorityAt(int p, int k, int t)
        {
            var rate = Enumerable.Range(0, Math.Min(k, t)).Average(j => correct[p, last - j] / (double)Samples);
            return Logistic((rate - 0.42) * 4 * Math.Sqrt(k)) * (1 - 1.0 / k) + rate / k;
        }
    }

    public static Timings Times { get; } = new(new(2025, 6, 1, 12, 30, 0, TimeSpan.Zero), [new("trajectory", 92.4), new("interpolation", 31)], 812_345, 6_541);

    private static IEnumerable<int> Budgets => [1, 2, 3, 4, 6, 8, 12, 16];

    private static double AllWrong(int correct, int drawn) =>
        Enumerable.Range(0, drawn).Aggregate(1.0, (all, i) => all * Math.Max(0, Samples - correct - i) / (Samples - i));

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    private static Estimate Mean(IEnumerable<double> shares) => MeanOf(shares) is var e ? new(e.Value, Math.Max(0, e.Low), Math.Min(1, e.High)) : e;

    private static Estimate MeanOf(IEnumerable<double> values)
    {
        double[] all = [.. values];
        var mean = all.Average();
        return Around(mean, all.Length < 2 ? 0 : 1.96 * Math.Sqrt(all.Sum(v => (v - mean) * (v - mean)) / (all.Length - 1) / all.Length));
    }

    private static Estimate Around(double value, double half) => new(value, value - half, value + half);

    private static AnswerCounts Counts(int correct, int all, int c) => new(correct, all - correct - 20 - 3 * c, 12, 8 + 3 * c, c == 2 ? 2 : 0, 66.2 + c);

    private static string Question(int p) => string.Create(CultureInfo.InvariantCulture,
        $"Tom picks {17 + p} apples in the morning and 9 in the afternoon, then finds 16 pears. How many pieces of fruit does he have?");
}
