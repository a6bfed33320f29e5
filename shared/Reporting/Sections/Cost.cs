using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>What the answers cost: tokens, which are stored content, and apart from them what was measured.</summary>
internal static class Cost
{
    public static Section? Write(EvaluationScores scores)
    {
        var checkpoints = scores.Base is { } before ? [before, .. scores.Trajectory] : scores.Trajectory;
        if (checkpoints.All(checkpoint => Drawn(checkpoint) == 0))
        {
            return null;
        }
        return new("cost", "What it cost",
        [
            new Table(
                [$"Checkpoint", $"Answers", $"Tokens drawn", $"Mean tokens", $"Tokens per right answer"],
                [.. checkpoints.Select(checkpoint => (IReadOnlyList<Prose>)[
                    $"{checkpoint.Name}", $"{Drawn(checkpoint)}", $"{Tokens(checkpoint)}", Number.Fixed(checkpoint.Health.MeanTokens),
                    checkpoint.Health.Correct > 0 ? (Prose)$"{Tokens(checkpoint) / checkpoint.Health.Correct}" : $"–"])]),
            new Paragraph($"Greedy and sampled answers together; tokens of prompts are not counted. Seconds differ from run to run and stand under what was measured."),
        ]);
    }

    /// <summary>Points gained on the way for each device second, where both are known. It rests on a measurement, so it belongs to the measured block of the page alone.</summary>
    public static Prose? PerSecond(EvaluationScores scores, Timings timings)
    {
        var seconds = timings.Stages.Sum(stage => stage.Seconds);
        return scores.SamplesPerProblem > 0 && Comparisons.FinalAgainstBase(scores) is { Members: [var gained] } && seconds > 0
            ? (Prose)$"{Number.Points(gained.Difference)} of Pass@1 over the model before training were measured in {Number.Fixed(seconds)} device seconds: {Number.Decimal(100 * gained.Difference.Value / seconds)} points per second."
            : null;
    }

    private static long Drawn(CheckpointScores checkpoint) =>
        checkpoint.Health.Correct + checkpoint.Health.Wrong + checkpoint.Health.NoAnswer + checkpoint.Health.Truncated;

    private static long Tokens(CheckpointScores checkpoint) => (long)Math.Round(Drawn(checkpoint) * checkpoint.Health.MeanTokens);
}
