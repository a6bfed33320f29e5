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
                [$"Checkpoint", $"Correct", $"Wrong", $"No answer", $"Truncated", $"Missing", $"No answer, share", $"Truncated, share"],
                [.. checkpoints.Select(Row)]),
            new Paragraph($"Counts of answers, greedy and sampled together. “No answer” ended by itself without an answer that could be read; “truncated” was cut off at the token limit; both count as not solved. “Missing” was never drawn."),
        };
        if (data.Extractions.Count > 0)
        {
            blocks.AddRange(Extractions(data.Extractions));
        }
        if (checkpoints.Any(checkpoint => checkpoint.ChanceCorrected is not null))
        {
            blocks.Add(new Table(
                [$"Checkpoint", $"Accuracy above guessing"], [.. checkpoints.Select(checkpoint => (IReadOnlyList<Prose>)[$"{checkpoint.Name}", Number.Or(checkpoint.ChanceCorrected)])]));
            blocks.Add(new Paragraph($"Multiple choice, corrected for chance: 0\u00a0% is what guessing among the options of each problem gives, 100\u00a0% is all correct. Over the problems that declare their options{(data.Scores.SamplesPerProblem > 0 ? (Prose)$", by sampled answers" : $", by greedy answers")}."));
        }
        if (checkpoints.Any(checkpoint => checkpoint.Diversity is not null))
        {
            blocks.AddRange(Diversity([.. checkpoints.Where(checkpoint => checkpoint.Diversity is not null)]));
        }
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

    private static IReadOnlyList<Prose> Row(CheckpointScores checkpoint)
    {
        var health = checkpoint.Health;
        double drawn = health.Correct + health.Wrong + health.NoAnswer + health.Truncated;
        return
        [
            $"{checkpoint.Name}", $"{health.Correct}", $"{health.Wrong}", $"{health.NoAnswer}", $"{health.Truncated}", $"{health.Missing}",
            Number.Percent(drawn == 0 ? null : health.NoAnswer / drawn), Number.Percent(drawn == 0 ? null : health.Truncated / drawn),
        ];
    }

    private static IEnumerable<Block> Extractions(IReadOnlyList<ExtractionCounts> variants)
    {
        yield return new Table(
            [$"Answers of", $"Marks disagree", $"of marked twice", $"Guessed", $"of read"],
            [.. variants.Select(counts => (IReadOnlyList<Prose>)[
                $"{counts.Variant}", Share(counts.Disagreeing, counts.Marked), $"{counts.Marked}", Share(counts.Guessed, counts.Read), $"{counts.Read}"])]);
        yield return new Paragraph($"How far scores hang on the reading of texts. “Marks disagree” is the share of texts whose box, “####” line and “the answer is” name different answers, among those that have more than one of these; “guessed” is the share of the answers read that no such mark names. Where either is high or differs much between checkpoints, look at the answers before trusting a difference of scores.");

        static Prose Share(int part, int whole) => Number.Percent(whole == 0 ? null : part / (double)whole);
    }

    private static IEnumerable<Block> Diversity(IReadOnlyList<CheckpointScores> checkpoints)
    {
        yield return new Table(
            [$"Checkpoint", $"Unique answers", $"Most frequent answer", $"Never solved", $"Always solved", $"Same text again", $"Effective samples"],
            [.. checkpoints.Select(checkpoint => (Checkpoint: checkpoint, Spread: checkpoint.Diversity!)).Select(at => (IReadOnlyList<Prose>)[
                $"{at.Checkpoint.Name}", $"{at.Spread.UniqueAnswers}", $"{at.Spread.ModalShare}", Number.Percent(at.Spread.AllWrong), Number.Percent(at.Spread.AllRight),
                Number.Percent(at.Spread.Duplicates?.Share), at.Spread.Duplicates is { } copies ? Number.Fixed(copies.EffectiveSamples) : $"–"])]);
        yield return new Paragraph($"Sampled answers, by problem. “Unique answers” is the share of different answers among those given, “most frequent answer” the share of samples that carry it, right or wrong; “never” and “always” solved are shares of problems. “Same text again” is the share of samples whose text an earlier sample has already: natural where answers are short.");
        foreach (var checkpoint in checkpoints)
        {
            if (checkpoint.Diversity!.Duplicates is { Factor: > 1 } copies)
            {
                yield return new Paragraph($"Warning: at {checkpoint.Name} every text comes in multiples of {copies.Factor}, on every problem. Its samples look replicated, and there are effectively {Number.Fixed(copies.EffectiveSamples)} per problem: its intervals for re-runs are too narrow and its Pass@k is too low.");
            }
        }
    }
}
