namespace Hindsight.Scoring;

/// <summary>Computes all scores of an evaluation. The result depends on the input alone.</summary>
public static class EvaluationScorer
{
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
                answers.Base?.Problems[i])
            {
                Options = answers.Options.Count == 0 ? null : answers.Options[i],
            }),
        ];
        var sampled = answers.SamplesPerProblem > 0 && problems.Length > 0;
        var greedy = greedyWanted && problems.Length > 0;
        string[] names = [.. answers.Trajectory.Select(variant => variant.Name)];
        var means = Means(problems);
        var curves = sampled ? new Curves(problems, means, answers) : null;
        var (pass, maj) = (curves?.PassAtK() ?? Curves.Family.Empty, curves?.MajAtK() ?? Curves.Family.Empty);
        var (best, weighted) = (curves?.BestOfN() ?? Curves.Family.Empty, curves?.WeightedMajority() ?? Curves.Family.Empty);
        var (selections, reportSplit) = sampled || greedy ? TrajectoryChoices.Of(problems, answers, pass) : ([], null);
        var counts = problems.Select(problem => (problem.Drawn, problem.Correct)).ToList();
        var greedyCounts = problems.Select(problem => (
            Drawn: Array.ConvertAll(problem.Trajectory, _ => 1),
            Correct: Array.ConvertAll(problem.Trajectory, at => at.GreedyCorrect() ? 1 : 0))).ToList();
        string[] ids = [.. problems.Select(problem => problem.Id)];
        var several = answers.Trajectory.Count > 1;
        var scores = new EvaluationScores
        {
            ProblemCount = answers.ProblemIds.Count,
            IncompleteProblems = [.. complete[false].Select(i => answers.ProblemIds[i])],
            SamplesPerProblem = answers.SamplesPerProblem,
            Base = answers.Base is { } baseModel ? Checkpoint(baseModel, problems, problem => problem.Base!, answers, greedyWanted) : null,
            Trajectory = WithSpread(
                [.. answers.Trajectory.Select((variant, j) => Checkpoint(variant, problems, problem => problem.Trajectory[j], answers, greedyWanted))],
                sampled ? problems : [], means),
            Problems = [.. problems.OrderByDescending(Ease).Select(problem => Row(problem, answers.SamplesPerProblem > 0, greedyWanted))],
            PassAtK = pass.All,
            MajAtK = maj.All,
            BestOfN = best.All,
            WeightedMajority = weighted.All,
            Forgetting = greedy
                ? Forgetting.FromGreedy(problems, names) with { Null = several ? ForgettingNull.Of(greedyCounts, ids, means, answers.Seed) : null }
                : null,
            SampledForgetting = sampled ? Forgetting.FromSamples(problems) : null,
            ForgettingNull = sampled && several ? ForgettingNull.Of(counts, ids, means, answers.Seed) : null,
            SampledSteps = sampled
                ? [.. Enumerable.Range(0, names.Length - 1).Select(j => SampledStep.Of(problems, j, names[j], names[j + 1], means))]
                : [],
            Retention = sampled ? Retention.Of(counts, means) : greedy ? Retention.Of(greedyCounts, means) : [],
            RecoveredProblems = greedy
                ? [.. problems.Where(problem => problem.History.Recovered).Select(problem => problem.Id)]
                : [],
            EarlyWeights = EarlyWeightCurve.Score(answers, [.. complete[true]]),
            Comparisons = sampled || greedy
                ? DeclaredFamilies.Of(
                    problems, answers, means, (FamilyKind.PassSpread, "Pass", pass), (FamilyKind.MajSpread, "Maj", maj), (FamilyKind.BestOfNSpread, "BoN", best))
                : [],
            Selections = selections,
            ReportSplit = reportSplit,
            Contamination = ContaminationScores.Of(answers, problems),
            LostProblems = LostProblemRanking.Rank(problems, greedyWanted),
            Budget = curves is null ? null : BudgetComparison.Of(answers, problems, [.. complete[true]], curves, maj, best, weighted),
        };
        return scores with { Methods = ScoreMethod.Of(scores) };
    }

    /// <summary>Adds what is known over all scored problems alone: re-run noise, the band over the checkpoints, diversity.</summary>
    private static IReadOnlyList<CheckpointScores> WithSpread(
        IReadOnlyList<CheckpointScores> trajectory, ScoredProblem[] problems, ClusteredMean means)
    {
        if (problems.Length == 0)
        {
            return trajectory;
        }

        var rerun = new RerunNoise();
        var bands = SimultaneousBand.Of(
            means, [.. trajectory.Select((_, j) => problems.Select(problem => problem.Rate(j)).ToArray())]);
        return
        [
            .. trajectory.Select((checkpoint, j) => checkpoint with
            {
                PassAt1Rerun = rerun.Of([.. problems.Select(problem => (problem.Drawn[j..(j + 1)], problem.Correct[j..(j + 1)]))], 1, 1),
                PassAt1Band = bands[j],
                Diversity = DiversityScores.Of(problems, j, means),
            }),
        ];
    }

    private static void Check(EvaluationAnswers answers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(answers.SamplesPerProblem);
        if (!(answers.Margin >= 0))
        {
            throw new ArgumentException("The margin must not be negative.", nameof(answers));
        }

        if (answers.Trajectory.Count == 0)
        {
            throw new ArgumentException("There is no checkpoint to score.", nameof(answers));
        }

        if (answers.Clusters.Count != answers.ProblemIds.Count)
        {
            throw new ArgumentException($"{answers.ProblemIds.Count} problems but {answers.Clusters.Count} clusters.", nameof(answers));
        }

        if (answers.Options.Count != 0 && answers.Options.Count != answers.ProblemIds.Count)
        {
            throw new ArgumentException($"{answers.ProblemIds.Count} problems but options of {answers.Options.Count}.", nameof(answers));
        }

        if (answers.Overlaps.Count != 0 && answers.Overlaps.Count != answers.ProblemIds.Count)
        {
            throw new ArgumentException($"{answers.ProblemIds.Count} problems but overlaps of {answers.Overlaps.Count}.", nameof(answers));
        }

        foreach (var method in answers.Populations)
        {
            Check(method, answers.ProblemIds.Count);
        }

        var variants = answers.Trajectory
            .Concat(answers.Base is { } baseModel ? [baseModel] : [])
            .Concat(answers.MorePlain is { } plain ? [plain] : [])
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

    private static void Check(PopulationMethodAnswers method, int problems)
    {
        if (method.Problems.Count != problems)
        {
            throw new ArgumentException($"{method.Name} has populations for {method.Problems.Count} problems, not {problems}.", nameof(method));
        }

        foreach (var population in method.Problems.OfType<PopulationProblem>())
        {
            if (population.DrawnTokens < 0 || population.RewardTokens < 0
                || population.Members.Any(member => !(member.Weight >= 0 && double.IsFinite(member.Weight)) || double.IsNaN(member.Score)))
            {
                throw new ArgumentException($"{method.Name} has a population with tokens or a weight below zero, or a weight or score that is no number.", nameof(method));
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
            Health(variant, wanted.SamplesPerProblem, greedyWanted))
        {
            ChanceCorrected = withSamples.Length > 0
                ? AboveChance(withSamples, problem => select(problem).PassRate())
                : AboveChance(withGreedy, problem => select(problem).GreedyCorrect() ? 1 : 0),
        };
    }

    private static Estimate? AboveChance(ScoredProblem[] problems, Func<ScoredProblem, double> accuracy)
    {
        var declared = problems.Where(problem => problem.Options is not null).ToArray();
        return declared.Length == 0
            ? null
            : Means(declared).Difference([.. declared.Select(problem => ChanceCorrection.Corrected(accuracy(problem), problem.Options!.Value))]);
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
        problem.Trajectory.Select((answers, j) => problem.Drawn[j] > 0 ? problem.Rate(j) : answers.GreedyCorrect() ? 1 : 0).Average();

    private static ProblemScores Row(ScoredProblem problem, bool sampled, bool greedy) => new(
        problem.Id,
        sampled ? [.. problem.Trajectory.Select((_, j) => problem.Rate(j))] : [],
        greedy ? [.. problem.Trajectory.Select(answers => answers.GreedyCorrect())] : [],
        problem.Base is { Sampled.Count: > 0 } ? problem.Base.PassRate() : null,
        problem.Base is { Greedy: not null } ? problem.Base.GreedyCorrect() : null)
    {
        Cluster = problem.Cluster,
        Drawn = sampled ? problem.Drawn : [],
        History = greedy ? problem.History : null,
    };

    private static ClusteredMean Means(ScoredProblem[] problems) => new(problems.Select(problem => problem.Cluster));
}
