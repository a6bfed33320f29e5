using System.Diagnostics;
using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Benchmarks;

/// <summary>
/// What scoring a million graded answers costs, and where the time goes. Half of the problems have few different answers and half have
/// many, as sums and competition problems do; some are learnt on the way and some forgotten.
/// </summary>
internal static class Scoring
{
    public static void Run(string[] arguments)
    {
        int[] shape = arguments is [var p, var c, var s] ? [Number(p), Number(c), Number(s)] : [500, 8, 250];
        var answers = Evaluation(shape[0], shape[1], shape[2]);
        var table = new Table($"{shape[0]} problems, {shape[1]} checkpoints, {shape[2]} samples", "processor, s", "clock, s");
        EvaluationScorer.Score(Evaluation(20, shape[1], 16)); // The runtime compiles on first use.
        Time("all of it", () => EvaluationScorer.Score(answers));
        ScoredProblem[] problems = [];
        Time("classing answers", () => problems =
        [
            .. answers.ProblemIds.Select((id, i) => new ScoredProblem(id, answers.Clusters[i], [.. answers.Trajectory.Select(at => at.Problems[i])], null)),
        ]);
        var means = new ClusteredMean(answers.Clusters);
        var curves = new Curves(problems, means, answers);
        var counts = problems.Select(problem => (problem.Drawn, problem.Correct)).ToList();
        Curves.Family pass = Curves.Family.Empty;
        Time("Pass@k|t, bands and re-run noise", () => pass = curves.PassAtK());
        Time("Maj@k|t", () => curves.MajAtK());
        Time("permutations of forgetting", () => ForgettingNull.Of(counts, answers.ProblemIds, means, 1));
        Time("diversity", () =>
        {
            for (var j = 0; j < shape[1]; j++)
            {
                DiversityScores.Of(problems, j, means);
            }
        });
        Time("comparisons", () => DeclaredFamilies.Of(problems, answers, means, (FamilyKind.PassSpread, "Pass", pass)));
        Time("choices", () => TrajectoryChoices.Of(problems, answers, pass));
        table.Print(Console.Out);

        void Time(string name, Action run)
        {
            // Processor time of all threads: what one core would need, whatever else runs.
            var (before, watch) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
            run();
            double[] seconds = [(Environment.CpuUsage.TotalTime - before).TotalSeconds, watch.Elapsed.TotalSeconds];
            table.Add([name, .. seconds.Select(time => time.ToString("0.00", CultureInfo.InvariantCulture))]);
        }
    }

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
        ? number
        : throw new InvalidDataException($"\"{text}\" is not a number; give problems, checkpoints and samples, for example 500 8 250.");

    private static EvaluationAnswers Evaluation(int problems, int checkpoints, int samples)
    {
        var random = new Random(1);
        var eases = Enumerable.Range(0, problems).Select(_ => (6 * random.NextDouble()) - 4).ToArray();
        var drifts = Enumerable.Range(0, problems).Select(_ => (3 * random.NextDouble()) - 1).ToArray();
        VariantAnswers[] trajectory =
        [
            .. Enumerable.Range(0, checkpoints).Select(j => new VariantAnswers($"checkpoint-{j}", j,
            [
                .. eases.Select((ease, i) => new ProblemAnswers(null,
                [
                    .. Enumerable.Range(0, samples).Select(s => Draw(s, 1 / (1 + Math.Exp(-ease - (drifts[i] * j / checkpoints))), i % 2 == 0 ? 3 : 40)),
                ])),
            ])),
        ];
        string[] ids = [.. Enumerable.Range(0, problems).Select(i => $"p{i}")];
        return new() { ProblemIds = ids, Clusters = ids, Trajectory = trajectory, SamplesPerProblem = samples, SelectShare = 0.5, Seed = 1 };

        GradedAnswer Draw(int sample, double rate, int wrong)
        {
            if (random.NextDouble() < rate)
            {
                return new(sample, "42", Verdict.Correct, 100);
            }

            // The first wrong answers are the common ones.
            var which = (int)(wrong * Math.Pow(random.NextDouble(), 2));
            return new(sample, which == 0 ? null : which.ToString(CultureInfo.InvariantCulture) + " is not it", which == 0 ? Verdict.NoAnswer : Verdict.Wrong, 100);
        }
    }
}
