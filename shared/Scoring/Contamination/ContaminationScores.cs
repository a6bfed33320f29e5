namespace Hindsight.Scoring;

/// <summary>
/// Problems that occur in the training text, and the scores with and without them. A problem is flagged when anything of it occurs: a
/// single n-gram of 13 words is enough, as in arXiv 2005.14165 (appendix C), so text that many problems share flags them all.
/// </summary>
/// <param name="Looked">Problems that were looked for; the others are too short to be told from chance.</param>
/// <param name="Flagged">The flagged problems: the strongest overlap first, then the largest share, then in the order of the suite.</param>
/// <param name="Score">What is compared: <c>Pass@1</c>, or <c>greedy</c> without samples.</param>
/// <param name="Checkpoints">The model before training, if there is one, and every checkpoint in training order.</param>
public sealed record ContaminationScores(
    int Looked, IReadOnlyList<FlaggedProblem> Flagged, string Score, IReadOnlyList<CheckpointContamination> Checkpoints)
{
    /// <summary>The scores, null where there was no training text to look through.</summary>
    internal static ContaminationScores? Of(EvaluationAnswers answers, ScoredProblem[] problems)
    {
        if (answers.Overlaps.Count == 0)
        {
            return null;
        }

        var overlaps = answers.ProblemIds.Zip(answers.Overlaps).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        var sampled = answers.SamplesPerProblem > 0;
        return new(
            answers.Overlaps.Count(overlap => overlap.Size > 0),
            [
                .. answers.ProblemIds.Where(IsFlagged)
                    .OrderByDescending(id => overlaps[id].Kind).ThenByDescending(id => overlaps[id].Share)
                    .Select(id => new FlaggedProblem(id, overlaps[id].Kind, overlaps[id].Share, overlaps[id].File, overlaps[id].Line)),
            ],
            sampled ? "Pass@1" : "greedy",
            [
                .. answers.Base is { } before ? [Row(before.Name, problem => problem.Base!)] : (CheckpointContamination[])[],
                .. answers.Trajectory.Select((checkpoint, j) => Row(checkpoint.Name, problem => problem.Trajectory[j])),
            ]);

        bool IsFlagged(string id) => overlaps[id].Kind != OverlapKind.None;

        CheckpointContamination Row(string name, Func<ScoredProblem, ProblemAnswers> of)
        {
            var there = problems.Where(problem => sampled ? of(problem).Sampled.Count >= answers.SamplesPerProblem : of(problem).Greedy is not null).ToList();
            return new(
                name, Mean(there), Mean([.. there.Where(problem => !IsFlagged(problem.Id))]), Mean([.. there.Where(problem => IsFlagged(problem.Id))]));

            Estimate? Mean(List<ScoredProblem> some) => some.Count == 0
                ? null
                : new ClusteredMean(some.Select(problem => problem.Cluster))
                    .Share([.. some.Select(problem => sampled ? of(problem).PassRate() : of(problem).GreedyCorrect() ? 1.0 : 0)]);
        }
    }
}

/// <summary>A problem that occurs in the training text.</summary>
/// <param name="Id">The problem.</param>
/// <param name="Kind">The strongest way in which it occurs.</param>
/// <param name="Share">Share of its n-grams of words that occur.</param>
/// <param name="File">The file of the first, where the text is one of several.</param>
/// <param name="Line">The line in which the first n-gram ended, from 1.</param>
public sealed record FlaggedProblem(string Id, OverlapKind Kind, double Share, string? File, long? Line);

/// <summary>One checkpoint's score over scored problems.</summary>
/// <param name="Name">Folder name.</param>
/// <param name="All">Over all of them; null where there is none.</param>
/// <param name="Unflagged">Over those that do not occur in the training text.</param>
/// <param name="Flagged">Over those that do.</param>
public sealed record CheckpointContamination(string Name, Estimate? All, Estimate? Unflagged, Estimate? Flagged);
