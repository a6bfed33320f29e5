using System.Text.Json;
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

        var counts = new Dictionary<string, (int Drawn, int Correct)>(StringComparer.Ordinal);
        var problems = suite.Problems.ToDictionary(problem => problem.Id, StringComparer.Ordinal);
        var weights = evaluation.Trajectory[^1].WeightsDigest;
        await using var content = await store.Reports.GetBlobClient($"{evaluation.Run}/{evaluation.Id}/{ReportFiles.Answers}").OpenReadAsync(cancellationToken: cancellation);
        using var lines = new StreamReader(content);
        while (await lines.ReadLineAsync(cancellation) is { } line)
        {
            // Most lines are of other checkpoints, and need not be parsed.
            if (!line.Contains(weights, StringComparison.Ordinal) || Read(line) is not { Kind: AnswerKind.Sampled } answer
                || answer.Weights != weights || !problems.TryGetValue(answer.Problem, out var problem))
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

    private static Line Read(string line) => JsonSerializer.Deserialize<Line>(line, Lenient)!;

    /// <summary>The lines have more fields than are needed here.</summary>
    private static readonly JsonSerializerOptions Lenient = new(Json.Compact) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip };

    private sealed record Line(string Weights, string Problem, AnswerKind Kind, int Sample, FinishReason FinishReason, int Tokens, string Text);
}
