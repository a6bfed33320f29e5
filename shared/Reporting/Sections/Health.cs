using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>How answers ended, what is missing and why, and what was refused.</summary>
internal static class Health
{
    public static Section Write(ReportData data)
    {
        var checkpoints = data.Scores.Base is { } before ? [before, .. data.Scores.Trajectory] : data.Scores.Trajectory;
        var blocks = new List<Block>
        {
            new Table(
                [$"Checkpoint", $"Correct", $"Wrong", $"No answer", $"Truncated", $"Missing", $"Mean tokens"],
                [.. checkpoints.Select(Row)]),
            new Paragraph($"Counts of answers, greedy and sampled together. “No answer” ended by itself without an answer that could be read; “truncated” was cut off at the token limit; both count as not solved. “Missing” was never drawn."),
        };
        if (data.Scores.IncompleteProblems.Count > 0)
        {
            blocks.Add(new Paragraph($"Left out of every score, because answers are missing at some checkpoint: {Prose.Join(", ", data.Scores.IncompleteProblems.Take(50).Select(id => (Prose)$"{id}"))}{(data.Scores.IncompleteProblems.Count > 50 ? (Prose)$" and {data.Scores.IncompleteProblems.Count - 50} more" : $"")}."));
        }
        blocks.Add(data.Missing.Count == 0
            ? new Paragraph($"No wanted answer is missing.")
            : new Table([$"Missing from", $"Problem", $"Why", $"Answers"],
                [.. data.Missing.Select(m => (IReadOnlyList<Prose>)[$"{m.Variant}", m.ProblemId is null ? (Prose)$"several" : $"{m.ProblemId}", $"{m.Why}", $"{m.Count}"])], TextColumns: 3));
        if (data.Refused.Count > 0)
        {
            blocks.Add(new Table([$"Refused checkpoint", $"Why"], [.. data.Refused.Select(r => (IReadOnlyList<Prose>)[$"{r.Name}", $"{r.Reason}"])], TextColumns: 2));
        }
        return new("health", "Health of the answers", blocks);
    }

    private static IReadOnlyList<Prose> Row(CheckpointScores checkpoint) =>
    [
        $"{checkpoint.Name}", $"{checkpoint.Health.Correct}", $"{checkpoint.Health.Wrong}", $"{checkpoint.Health.NoAnswer}",
        $"{checkpoint.Health.Truncated}", $"{checkpoint.Health.Missing}", Number.Fixed(checkpoint.Health.MeanTokens),
    ];
}
