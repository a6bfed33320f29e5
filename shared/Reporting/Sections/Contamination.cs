using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>Problems that occur in the text the run was trained on, and what the scores are without them.</summary>
internal static class Contamination
{
    private const int MostShown = 200;

    public static Section? Write(EvaluationScores scores)
    {
        if (scores.Contamination is not { } found)
        {
            return null;
        }
        var unseen = scores.ProblemCount - found.Looked;
        var blocks = new List<Block>
        {
            new Paragraph($"{Number.Count(found.Flagged.Count, "problem", "problems")} of {found.Looked} {(found.Flagged.Count == 1 ? (Prose)$"occurs" : $"occur")} in the training text: {Count(found, OverlapKind.Exact)} letter by letter, {Count(found, OverlapKind.Normalised)} in the same words, {Count(found, OverlapKind.NGrams)} in part.{(unseen > 0 ? (Prose)$" {Number.Count(unseen, "problem", "problems")} of fewer than {ContaminationScan.FewestWords} words could not be looked for." : $"")}"),
        };
        if (found.Flagged.Count > 0)
        {
            blocks.Add(new Table(
                [$"Checkpoint", $"{found.Score}, all", $"Without flagged", $"Flagged alone"],
                [.. found.Checkpoints.Select(checkpoint => (IReadOnlyList<Prose>)[
                    $"{checkpoint.Name}", Number.Or(checkpoint.All), Number.Or(checkpoint.Unflagged), Number.Or(checkpoint.Flagged)])]));
            blocks.Add(new Paragraph($"{found.Score} with and without the problems that occur in the training text, 95\u00a0% intervals for new problems. Flagged problems that are solved more often may be remembered, or may be easier. One run of 13 words (8 in shorter problems) flags a problem, so words that many problems share flag all of them: the share says how much of a problem occurs."));
            blocks.Add(new Table(
                [$"Flagged problem", $"How", $"First seen in", $"Line", $"Share of its word runs"],
                [.. found.Flagged.Take(MostShown).Select(problem => (IReadOnlyList<Prose>)[
                    $"{problem.Id}", Kind(problem.Kind), problem.File is null ? (Prose)$"–" : $"{problem.File}", problem.Line is { } line ? (Prose)$"{line}" : $"–", Number.Percent(problem.Share)])],
                TextColumns: 3));
            if (found.Flagged.Count > MostShown)
            {
                blocks.Add(new Paragraph($"The {MostShown} clearest of {found.Flagged.Count}; scores.json has all of them."));
            }
        }
        return new("contamination", "Problems in the training text", blocks);
    }

    private static int Count(ContaminationScores found, OverlapKind kind) => found.Flagged.Count(problem => problem.Kind == kind);

    private static Prose Kind(OverlapKind kind) => kind switch
    {
        OverlapKind.Exact => (Prose)$"letter by letter",
        OverlapKind.Normalised => $"the same words",
        _ => $"in part",
    };
}
