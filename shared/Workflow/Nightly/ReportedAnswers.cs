using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>
/// The sampled answers in an evaluation's report, graded by the graders of today. The report outlives the checkpoint, which may be gone or
/// changed by now, and whose tokenizer finding the stored answers would take.
/// </summary>
internal static class ReportedAnswers
{
    /// <summary>The final checkpoint's answers by problem, in the suite's order; none where there is no report.</summary>
    public static async Task<IReadOnlyList<ProblemCounts>> CountAsync(BlobStore store, Evaluation evaluation, Suite suite, CancellationToken cancellation)
    {
        if (!await ReportFiles.ExistsAsync(store, evaluation.Run, evaluation.Id, cancellation))
        {
            return [];
        }

        var file = $"{evaluation.Run}/{evaluation.Id}/{ReportFiles.Answers}";
        await using var content = await store.Reports.GetBlobClient(file).OpenReadAsync(cancellationToken: cancellation);
        return await CountAsync(content, file, evaluation, suite, cancellation);
    }

    internal static async Task<IReadOnlyList<ProblemCounts>> CountAsync(
        Stream content, string file, Evaluation evaluation, Suite suite, CancellationToken cancellation)
    {
        var counts = new Dictionary<string, (int Drawn, int Correct)>(StringComparer.Ordinal);
        var problems = suite.Problems.ToDictionary(problem => problem.Id, StringComparer.Ordinal);
        var weights = evaluation.Trajectory[^1].WeightsDigest;
        // The same weights have samples at other temperatures too, where those were tried.
        var others = evaluation.Variants(Stage.Temperatures).Select(variant => variant.Name).ToHashSet(StringComparer.Ordinal);
        await foreach (var answer in AnswerLines.ReadAsync(content, weights, file, cancellation))
        {
            if (answer.Kind != AnswerKind.Sampled || answer.Weights != weights || others.Contains(answer.Variant)
                || !problems.TryGetValue(answer.Problem, out var problem))
            {
                continue;
            }

            var graded = Graders.Grade(
                problem.Grader, problem.Gold, answer.Text, answer.FinishReason == FinishReason.Length, answer.Sample, answer.Tokens, problem.Tolerance);
            var (drawn, correct) = counts.GetValueOrDefault(problem.Id);
            counts[problem.Id] = (drawn + 1, correct + (graded.Verdict == Verdict.Correct ? 1 : 0));
        }

        return [.. suite.Problems.Where(problem => counts.ContainsKey(problem.Id))
            .Select(problem => new ProblemCounts(problem.Id, problem.Cluster, counts[problem.Id].Drawn, counts[problem.Id].Correct))];
    }
}
