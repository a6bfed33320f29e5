namespace Hindsight.Scoring;

/// <summary>Picks the problems that show best what was solved on the way and lost at the end.</summary>
internal static class LostProblemRanking
{
    private const int Most = 20;

    /// <summary>
    /// With greedy answers: correct at some checkpoint and wrong at the final one. Without: a pass rate that fell by more than twice the
    /// standard error of the difference (pooled), which keeps mere sampling noise from filling the list.
    /// </summary>
    /// <returns>By falling difference of pass rates; equal ones in the order of the suite.</returns>
    public static IReadOnlyList<LostProblem> Rank(ScoredProblem[] problems, bool greedy) =>
    [
        .. problems
            .Select(problem => greedy ? ByGreedy(problem) : BySamples(problem))
            .OfType<LostProblem>()
            .OrderByDescending(lost => lost.SolvedRate - lost.FinalRate)
            .Take(Most),
    ];

    private static LostProblem? ByGreedy(ScoredProblem problem)
    {
        if (problem.Final.GreedyCorrect() || !problem.EverCorrectByGreedy)
        {
            return null;
        }

        var solvedAt = Best(problem, answers => answers.GreedyCorrect());
        return Lost(problem, solvedAt, byGreedy: true);
    }

    private static LostProblem? BySamples(ScoredProblem problem)
    {
        var solvedAt = Best(problem, _ => true);
        var (n, m) = (problem.Drawn[solvedAt], problem.Drawn[^1]);
        if (n == 0 || m == 0)
        {
            return null;
        }

        var pooled = (problem.Correct[solvedAt] + problem.Correct[^1]) / (double)(n + m);
        var error = Math.Sqrt(pooled * (1 - pooled) * ((1.0 / n) + (1.0 / m)));
        return problem.Trajectory[solvedAt].PassRate() - problem.Final.PassRate() > 2 * error ? Lost(problem, solvedAt, byGreedy: false) : null;
    }

    private static int Best(ScoredProblem problem, Func<ProblemAnswers, bool> counts) => Enumerable.Range(0, problem.Trajectory.Length)
        .Where(j => counts(problem.Trajectory[j]))
        .OrderByDescending(j => problem.Trajectory[j].PassRate())
        .ThenByDescending(j => j)
        .First();

    private static LostProblem Lost(ScoredProblem problem, int solvedAt, bool byGreedy)
    {
        var solved = problem.Trajectory[solvedAt];
        return new(
            problem.Id, solvedAt, Rate(solved), Rate(problem.Final),
            byGreedy, FirstSample(solved, correct: true), byGreedy, FirstSample(problem.Final, correct: false));

        static double Rate(ProblemAnswers answers) => answers.Sampled.Count > 0 ? answers.PassRate() : answers.GreedyCorrect() ? 1 : 0;

        static int FirstSample(ProblemAnswers answers, bool correct) => answers.Sampled
            .Where(answer => answer.Verdict == Verdict.Correct == correct)
            .Select(answer => answer.Sample)
            .DefaultIfEmpty(-1)
            .Min();
    }
}
