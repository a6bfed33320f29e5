using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

/// <summary>A report on simulated answers whose scores are computed, not made up.</summary>
internal static class ScoredSample
{
    public static EvaluationScores Scores { get; } = Of(checkpoints: 4, problems: 60, samples: 8);

    public static ReportData Report { get; } = SampleReport.Make() with { Scores = Scores, LostExamples = [] };

    /// <summary>Most problems are learnt slowly; a third is known well until the last checkpoint, which has lost them.</summary>
    /// <param name="checkpoints">Checkpoints of the run.</param>
    /// <param name="problems">Problems, in clusters of two.</param>
    /// <param name="samples">Samples per problem; 0 for greedy answers alone.</param>
    /// <param name="drop">How much of its pass rate such a problem loses at the end.</param>
    /// <param name="options">By problem, how many options it offers.</param>
    public static EvaluationScores Of(int checkpoints, int problems, int samples, double drop = 0.5, IReadOnlyList<int?>? options = null)
    {
        var random = new Random(11);
        return EvaluationScorer.Score(new()
        {
            ProblemIds = [.. Enumerable.Range(0, problems).Select(p => Text($"p-{p:000}"))],
            Clusters = [.. Enumerable.Range(0, problems).Select(p => Text($"c-{p / 2}"))],
            Base = Variant("base", null, _ => 0.1),
            Trajectory = [.. Enumerable.Range(0, checkpoints).Select(c => Variant(Text($"checkpoint-{100 * (c + 1)}"), 100 * (c + 1), p => Rate(p, c)))],
            Interpolations = new(Text($"checkpoint-{100 * (checkpoints / 2)}"), Text($"checkpoint-{100 * checkpoints}"),
                [.. new[] { 0, 0.25, 0.5, 0.75, 1 }.Select(w => new InterpolationAnswers(w, Variant(Text($"w{w}"), null, p => Mixed(p, w))))]),
            SamplesPerProblem = samples,
            Options = options ?? [],
            SelectShare = 0.5,
            Seed = 5,
        });

        // The middle of the line is better than both ends.
        double Mixed(int p, double w) => (w * Rate(p, checkpoints / 2 - 1)) + ((1 - w) * Rate(p, checkpoints - 1)) + (0.6 * w * (1 - w));

        double Rate(int p, int c)
        {
            return p % 3 == 0 ? c == checkpoints - 1 ? 0.9 - drop : 0.9 : 0.3 + (0.15 * (p % 3)) + (0.1 * c / checkpoints);
        }

        VariantAnswers Variant(string name, long? step, Func<int, double> rate) => new(name, step,
            [.. Enumerable.Range(0, problems).Select(p => new ProblemAnswers(Answer(0, rate(p) > 0.5), [.. Enumerable.Range(0, samples).Select(s => Answer(s, random.NextDouble() < rate(p)))]))]);

        GradedAnswer Answer(int sample, bool right)
        {
            var text = right ? "42" : Text($"{random.Next(5)}");
            return new(sample, text, right ? Verdict.Correct : Verdict.Wrong, 40 + random.Next(30)) { TextHash = GradedAnswer.HashOf(text) };
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
