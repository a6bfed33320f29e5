namespace Hindsight.Scoring;

/// <summary>What was solved on the way and is wrong at the end (arXiv 2505.20196).</summary>
internal static class Forgetting
{
    /// <summary>The scores over greedy answers: greedy, so that flips are not sampling noise.</summary>
    public static ForgettingScores FromGreedy(ScoredProblem[] problems, IReadOnlyList<string> checkpoints)
    {
        var withBase = problems.Where(problem => problem.Base?.Greedy is not null).ToArray();
        var final = Share(problems, problem => problem.Final.GreedyCorrect());
        var lost = problems.Count(problem => problem.EverCorrectByGreedy && !problem.Final.GreedyCorrect());
        var errors = problems.Count(problem => !problem.Final.GreedyCorrect());
        return new(
            final,
            withBase.Length == 0 ? null : Share(withBase, problem => problem.Base!.GreedyCorrect()),
            Share(problems, problem => problem.EverCorrectByGreedy),
            withBase.Length == 0 ? null : Share(withBase, problem => problem.Base!.GreedyCorrect() && !problem.Final.GreedyCorrect()),
            Share(problems, problem => problem.EverCorrectByGreedy && !problem.Final.GreedyCorrect()),
            errors == 0 ? null : lost / (double)errors,
            [.. Enumerable.Range(0, checkpoints.Count - 1).Select(j => Step(problems, checkpoints, j))]);
    }

    /// <summary>
    /// One sample from each of the T checkpoints, beside T samples of the final one. "Ever correct" rises with T even when nothing
    /// changes; only the excess over that is forgetting.
    /// </summary>
    public static SampledForgetting FromSamples(ScoredProblem[] problems)
    {
        var checkpoints = problems[0].Trajectory.Length;
        var ever = problems.Select(problem => PassAtK.Temporal(problem.Drawn, problem.Correct, checkpoints, checkpoints)).ToArray();
        if (problems.Any(problem => problem.Drawn[^1] < checkpoints))
        {
            return new(ever.Average(), null, null);
        }

        var nothingForgotten = problems.Select(problem => PassAtK.Estimate(problem.Drawn[^1], problem.Correct[^1], checkpoints)).ToArray();
        var excess = checkpoints == 1
            ? new Estimate(0, 0, 0) // With one checkpoint both are the same number by definition.
            : new ClusteredMean(problems.Select(problem => problem.Cluster)).Difference([.. ever.Zip(nothingForgotten, (e, n) => e - n)]);
        return new(ever.Average(), nothingForgotten.Average(), excess);
    }

    private static StepDynamics Step(ScoredProblem[] problems, IReadOnlyList<string> checkpoints, int from)
    {
        return new(checkpoints[from], checkpoints[from + 1], Of(true, false), Of(false, true), Of(true, true), Of(false, false));

        double Of(bool before, bool after) => problems.Count(problem =>
            problem.Trajectory[from].GreedyCorrect() == before && problem.Trajectory[from + 1].GreedyCorrect() == after) / (double)problems.Length;
    }

    private static Estimate Share(ScoredProblem[] problems, Func<ScoredProblem, bool> holds) =>
        new ClusteredMean(problems.Select(problem => problem.Cluster)).Share([.. problems.Select(problem => holds(problem) ? 1.0 : 0)]);
}
