namespace Hindsight.Scoring;

/// <summary>Computes all scores of an evaluation. The result depends on the input alone.</summary>
public static class EvaluationScorer
{
    /// <summary>Monte Carlo draws for one point of a Maj@k|t curve, over all problems together: a standard error of 0.0016 at most.</summary>
    private const int DrawsPerPoint = 100_000;

    /// <summary>
    /// Scores graded answers. A problem that lacks a wanted answer at some checkpoint of the trajectory is left out of every trajectory
    /// score and named; the early-weight curve uses the problems that are complete at all its points as well. With no complete problem
    /// the curves are empty and what cannot be computed is null. The base model's numbers are over those scored problems it has answers to.
    /// </summary>
    /// <exception cref="ArgumentException">The lists do not fit together.</exception>
    public static EvaluationScores Score(EvaluationAnswers answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        Check(answers);
        var greedyWanted = answers.Trajectory.Append(answers.Base).Any(variant => variant?.Problems.Any(problem => problem.Greedy is not null) ?? false);
        var complete = Enumerable.Range(0, answers.ProblemIds.Count)
            .ToLookup(i => answers.Trajectory.All(checkpoint =>
                checkpoint.Problems[i].Sampled.Count >= answers.SamplesPerProblem && (!greedyWanted || checkpoint.Problems[i].Greedy is not null)));
        ScoredProblem[] problems =
        [
            .. complete[true].Select(i => new ScoredProblem(
                answers.ProblemIds[i], answers.Clusters[i],
                [.. answers.Trajectory.Select(checkpoint => checkpoint.Problems[i])],
                answers.Base?.Problems[i])),
        ];
        var sampled = answers.SamplesPerProblem > 0 && problems.Length > 0;
        var greedy = greedyWanted && problems.Length > 0;
        return new()
        {
            ProblemCount = answers.ProblemIds.Count,
            IncompleteProblems = [.. complete[false].Select(i => answers.ProblemIds[i])],
            SamplesPerProblem = answers.SamplesPerProblem,
            Base = answers.Base is { } baseModel ? Checkpoint(baseModel, problems, problem => problem.Base!, answers, greedyWanted) : null,
            Trajectory =
            [
                .. answers.Trajectory.Select((variant, j) => Checkpoint(variant, problems, problem => problem.Trajectory[j], answers, greedyWanted)),
            ],
            Problems = [.. problems.OrderByDescending(Ease).Select(problem => Row(problem, answers.SamplesPerProblem > 0, greedyWanted))],
            PassAtK = sampled ? PassCurves(problems, answers) : [],
            MajAtK = sampled ? MajCurves(problems, answers) : [],
            Forgetting = greedy ? Forgetting.FromGreedy(problems, [.. answers.Trajectory.Select(variant => variant.Name)]) : null,
            SampledForgetting = sampled ? Forgetting.FromSamples(problems) : null,
            EarlyWeights = EarlyWeightCurve.Score(answers, [.. complete[true]]),
            LostProblems = LostProblemRanking.Rank(problems, greedyWanted),
        };
    }

    private static void Check(EvaluationAnswers answers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(answers.SamplesPerProblem);
        if (answers.Trajectory.Count == 0)
        {
            throw new ArgumentException("There is no checkpoint to score.", nameof(answers));
        }

        if (answers.Clusters.Count != answers.ProblemIds.Count)
        {
            throw new ArgumentException($"{answers.ProblemIds.Count} problems but {answers.Clusters.Count} clusters.", nameof(answers));
        }

        var variants = answers.Trajectory
            .Concat(answers.Base is { } baseModel ? [baseModel] : [])
            .Concat(answers.Interpolations?.Points.Select(point => point.Answers) ?? []);
        foreach (var variant in variants)
        {
            if (variant.Problems.Count != answers.ProblemIds.Count)
            {
                throw new ArgumentException(
                    $"{variant.Name} has answers for {variant.Problems.Count} problems, not {answers.ProblemIds.Count}.", nameof(answers));
            }
        }
    }

    private static CheckpointScores Checkpoint(
        VariantAnswers variant, ScoredProblem[] problems, Func<ScoredProblem, ProblemAnswers> select, EvaluationAnswers wanted, bool greedyWanted)
    {
        // For a checkpoint of the trajectory these are all scored problems; the base model may lack some.
        var withSamples = problems.Where(problem => wanted.SamplesPerProblem > 0 && select(problem).Sampled.Count >= wanted.SamplesPerProblem).ToArray();
        var withGreedy = problems.Where(problem => select(problem).Greedy is not null).ToArray();
        return new(
            variant.Name,
            variant.Step,
            withSamples.Length == 0 ? null : Means(withSamples).Share([.. withSamples.Select(problem => select(problem).PassRate())]),
            withGreedy.Length == 0 ? null : Means(withGreedy).Share([.. withGreedy.Select(problem => select(problem).GreedyCorrect() ? 1.0 : 0)]),
            Health(variant, wanted.SamplesPerProblem, greedyWanted));
    }

    private static AnswerCounts Health(VariantAnswers variant, int samplesWanted, bool greedyWanted)
    {
        var all = variant.Problems.SelectMany(problem => problem.Greedy is { } greedy ? problem.Sampled.Append(greedy) : problem.Sampled).ToList();
        var missing = variant.Problems.Sum(problem =>
            Math.Max(0, samplesWanted - problem.Sampled.Count) + (greedyWanted && problem.Greedy is null ? 1 : 0));
        return new(
            Count(Verdict.Correct), Count(Verdict.Wrong), Count(Verdict.NoAnswer), Count(Verdict.Truncated), missing,
            all.Count == 0 ? 0 : all.Average(answer => answer.Tokens));

        int Count(Verdict verdict) => all.Count(answer => answer.Verdict == verdict);
    }

    private static double Ease(ScoredProblem problem) =>
        problem.Trajectory.Average(answers => answers.Sampled.Count > 0 ? answers.PassRate() : answers.GreedyCorrect() ? 1 : 0);

    private static ProblemScores Row(ScoredProblem problem, bool sampled, bool greedy) => new(
        problem.Id,
        sampled ? [.. problem.Trajectory.Select(answers => answers.PassRate())] : [],
        greedy ? [.. problem.Trajectory.Select(answers => answers.GreedyCorrect())] : [],
        problem.Base is { Sampled.Count: > 0 } ? problem.Base.PassRate() : null,
        problem.Base is { Greedy: not null } ? problem.Base.GreedyCorrect() : null);

    private static List<Curve> PassCurves(ScoredProblem[] problems, EvaluationAnswers answers)
    {
        var means = Means(problems);
        return
        [
            .. PowersOfTwoAnd(answers.Trajectory.Count).Select(t => new Curve(t,
            [
                .. PowersOfTwoAnd(answers.SamplesPerProblem).Select(k => new CurvePoint(
                    k, means.Share([.. problems.Select(problem => PassAtK.Temporal(problem.Drawn, problem.Correct, k, t))]), null)),
            ])),
        ];
    }

    private static List<Curve> MajCurves(ScoredProblem[] problems, EvaluationAnswers answers)
    {
        var means = Means(problems);
        var draws = (DrawsPerPoint + problems.Length - 1) / problems.Length;
        return [.. PowersOfTwoAnd(answers.Trajectory.Count).Select(Curve)];

        Curve Curve(int t)
        {
            var ballots = problems.Select(problem => (problem.Id, Ballot: problem.Classes.Newest(t))).ToList();
            return new(t, [.. PowersOfTwoAnd(answers.SamplesPerProblem).Select(k => Point(ballots, k))]);
        }

        CurvePoint Point(List<(string Id, MajAtK.Ballot Ballot)> ballots, int k)
        {
            var results = ballots
                .Select(vote => MajAtK.Estimate(vote.Ballot, k, draws, RandomStream.For(answers.Seed, vote.Id)))
                .ToList();
            var variance = results.Sum(result => result.Variance);
            return new(
                k, means.Share([.. results.Select(result => result.Value)]), variance > 0 ? Math.Sqrt(variance) / results.Count : null);
        }
    }

    private static ClusteredMean Means(ScoredProblem[] problems) => new(problems.Select(problem => problem.Cluster));

    /// <summary>
    /// 1, 2, 4, … and the largest itself. Every curve ends at k = the samples per problem, whatever its t, so that curves are compared at
    /// an equal budget.
    /// </summary>
    private static IEnumerable<int> PowersOfTwoAnd(int largest)
    {
        for (var value = 1; value < largest && value > 0; value *= 2)
        {
            yield return value;
        }

        yield return largest;
    }
}
