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

    /// <summary>
    /// Device time by stage, what it cost where an hour has a price, and what was gained for it. All of it rests on measurements, so it belongs to
    /// the measured block of the page alone.
    /// </summary>
    public static IReadOnlyList<Block> Measured(EvaluationScores scores, Timings timings)
    {
        var total = new StageTime("all", timings.Stages.Sum(stage => stage.Seconds));
        // Points are compared with what all of the answers took, or not at all.
        var gained = timings.Unmeasured == 0 && scores.SamplesPerProblem > 0 && Comparisons.FinalAgainstBase(scores) is { Members: [var final] } && total.Seconds > 0 ? final.Difference : null;
        (Prose Header, Func<StageTime, Prose> Cell)[] columns =
        [
            ($"Device seconds", stage => Number.Fixed(stage.Seconds)),
            .. gained is null ? [] : new (Prose, Func<StageTime, Prose>)[] { ($"Points gained per device second", stage => stage == total ? Number.Decimal(100 * gained.Value / total.Seconds) : $"–") },
            .. timings.PricePerDeviceHour is not { } price ? [] : new (Prose, Func<StageTime, Prose>)[] { ($"Price", stage => Number.Money(stage.Seconds / 3600 * price)) },
        ];
        var blocks = new List<Block>
        {
            new Table(
                [$"Stage", .. columns.Select(column => column.Header)],
                [.. timings.Stages.Append(total).Select(stage => (IReadOnlyList<Prose>)[$"{stage.Stage}", .. columns.Select(column => column.Cell(stage))])]),
        };
        if (timings.Unmeasured > 0)
        {
            blocks.Add(new Paragraph($"Not in it is the time of {Number.Count(timings.Unmeasured, "answer", "answers")} drawn for an earlier evaluation, or by a worker that stopped."));
        }
        if (gained is not null)
        {
            blocks.Add(new Paragraph($"Gained are {Number.Points(gained)} of Pass@1 over the model before training, by all checkpoints together; the interval is that of the gain alone."));
        }
        if (timings.PricePerDeviceHour is { } hour)
        {
            blocks.Add(new Paragraph($"The price is device time at {Number.Money(hour)} an hour, in the currency of pricePerDeviceHour; storage and idle machines are not in it."));
        }
        return blocks;
    }

    private static long Drawn(CheckpointScores checkpoint) =>
        checkpoint.Health.Correct + checkpoint.Health.Wrong + checkpoint.Health.NoAnswer + checkpoint.Health.Truncated;

    private static long Tokens(CheckpointScores checkpoint) => (long)Math.Round(Drawn(checkpoint) * checkpoint.Health.MeanTokens);
}
