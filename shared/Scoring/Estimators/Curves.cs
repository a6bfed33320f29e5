namespace Hindsight.Scoring;

/// <summary>The families of curves: a score against the budget k, one curve for each number t of checkpoints that share it.</summary>
internal sealed class Curves(ScoredProblem[] problems, ClusteredMean means, EvaluationAnswers answers)
{
    /// <summary>Monte Carlo draws for one point of a curve, over all problems together: a standard error of 0.0016 at most.</summary>
    private const int DrawsPerPoint = 100_000;

    private readonly int draws = (DrawsPerPoint + problems.Length - 1) / problems.Length;

    private (string Id, IReadOnlyList<IReadOnlyList<(double? Reward, bool Correct)>> Samples)[]? rewarded;

    /// <summary>Numbers of checkpoints: 1, 2, 4, … and all of them.</summary>
    public IReadOnlyList<int> Spreads { get; } = [.. PowersOfTwoAnd(answers.Trajectory.Count)];

    /// <summary>Every curve ends at k = the samples per problem, whatever its t, so that curves are compared at an equal budget.</summary>
    public IReadOnlyList<int> Budgets { get; } = [.. PowersOfTwoAnd(answers.SamplesPerProblem)];

    /// <summary>Pass@k|t, exact, with re-run noise.</summary>
    public Family PassAtK()
    {
        var rerun = new RerunNoise();
        var counts = problems.Select(problem => (problem.Drawn, problem.Correct)).ToList();
        return Of((t, k) => [.. problems.Select(problem => new MajAtK.Result(Scoring.PassAtK.Temporal(problem.Drawn, problem.Correct, k, t), 0))])
            .With((t, point) => point with { Rerun = rerun.Of(counts, point.K, t) });
    }

    /// <summary>Maj@k|t, exact or by Monte Carlo, with re-run noise.</summary>
    public Family MajAtK() => Of(t =>
    {
        var ballots = Array.ConvertAll(problems, problem => problem.Classes.Newest(t));
        return k => Majority(ballots, k);
    }).With((t, point) => point with { Rerun = MajorityRerun(point.K, t, point.Score.Value) });

    /// <summary>Maj@k of the final checkpoint for each problem, for any k.</summary>
    public double[] FinalMajority(int k) => Array.ConvertAll(Majority(Array.ConvertAll(problems, problem => problem.Classes.Newest(1)), k), result => result.Value);

    /// <summary>BoN@k|t, exact, with re-run noise; empty where no answer has a reward.</summary>
    public Family BestOfN() => HasRewards
        ? Of(t => k => EachProblem(i => new(Scoring.BestOfN.Exact(Rewarded[i].Samples, k, t), 0)))
            .With((t, point) => point with { Rerun = BestOfNRerun(point.K, t, point.Score.Value) })
        : Family.Empty;

    /// <summary>Re-run noise of Maj@k|t.</summary>
    internal RerunInterval? MajorityRerun(int k, int t, double value)
    {
        return k == 1 ? OneAnswerRerun : SimulatedRerunNoise.Of(
            value, [.. problems.Select(problem => (problem.Id, (IReadOnlyList<IReadOnlyList<int>>)problem.Classes.Classes))], k, t, answers.Seed, Majority);

        Func<int[], double> Majority(int problem)
        {
            var correct = problems[problem].Classes.Correct;
            var votes = new int[correct.Length];
            return drawn =>
            {
                Array.Clear(votes);
                foreach (var vote in drawn)
                {
                    votes[vote]++;
                }

                return Scoring.MajAtK.Share(votes, correct);
            };
        }
    }

    /// <summary>Re-run noise of BoN@k|t.</summary>
    internal RerunInterval? BestOfNRerun(int k, int t, double value) =>
        k == 1 ? OneAnswerRerun : SimulatedRerunNoise.Of(value, Rewarded, k, t, answers.Seed, _ => Scoring.BestOfN.Share);

    /// <summary>Of one answer nothing is chosen: the score is Pass@1.</summary>
    private RerunInterval? OneAnswerRerun => new RerunNoise().Of([.. problems.Select(problem => (problem.Drawn, problem.Correct))], 1, 1);

    private (string Id, IReadOnlyList<IReadOnlyList<(double? Reward, bool Correct)>> Samples)[] Rewarded => rewarded ??= Array.ConvertAll(problems, problem => (
        problem.Id,
        (IReadOnlyList<IReadOnlyList<(double?, bool)>>)Array.ConvertAll(problem.Trajectory, at =>
            (IReadOnlyList<(double?, bool)>)[.. at.Sampled.Select(answer => (answer.Reward, answer.Verdict == Verdict.Correct))])));

    /// <summary>Majority weighted by reward; empty where no answer has one, or one is negative.</summary>
    public Family WeightedMajority()
    {
        if (!HasRewards || problems.Any(problem => problem.Trajectory.Any(at => at.Sampled.Any(answer => answer.Reward is { } reward && !(reward >= 0 && double.IsFinite(reward))))))
        {
            return Family.Empty;
        }

        var samples = Array.ConvertAll(problems, problem => problem.Trajectory.Select((at, j) =>
            (IReadOnlyList<(int, double)>)[.. at.Sampled.Select((answer, s) => (problem.Classes.Classes[j][s], answer.Reward ?? 0))]).ToArray());
        return Of(t => k => EachProblem(i =>
            Scoring.WeightedMajority.Estimate(samples[i], problems[i].Classes.Correct, k, t, draws, RandomStream.For(answers.Seed, problems[i].Id))));
    }

    private Scoring.MajAtK.Result[] Majority(Scoring.MajAtK.Ballot[] ballots, int k) =>
        EachProblem(i => Scoring.MajAtK.Estimate(ballots[i], k, draws, RandomStream.For(answers.Seed, problems[i].Id)));

    private bool HasRewards => problems.Any(problem => problem.Trajectory.Any(at => at.Sampled.Any(answer => answer.Reward is not null)));

    private Scoring.MajAtK.Result[] EachProblem(Func<int, Scoring.MajAtK.Result> estimate)
    {
        var results = new Scoring.MajAtK.Result[problems.Length];
        Parallel.For(0, results.Length, i => results[i] = estimate(i));
        return results;
    }

    private Family Of(Func<int, int, Scoring.MajAtK.Result[]> results) => Of(t => k => results(t, k));

    private Family Of(Func<int, Func<int, Scoring.MajAtK.Result[]>> results)
    {
        var curves = new List<Curve>();
        var byProblem = new List<(int T, IReadOnlyList<double[]> Values)>();
        foreach (var t in Spreads)
        {
            var of = results(t);
            var values = new List<double[]>();
            var points = new List<CurvePoint>();
            foreach (var k in Budgets)
            {
                var point = of(k);
                values.Add([.. point.Select(result => result.Value)]);
                var variance = point.Sum(result => result.Variance);
                points.Add(new(k, means.Share(values[^1]), variance > 0 ? Math.Sqrt(variance) / point.Length : null));
            }

            var bands = SimultaneousBand.Of(means, values);
            curves.Add(new(t, [.. points.Select((point, p) => point with { Band = bands[p] })]));
            byProblem.Add((t, values));
        }

        return new(curves, byProblem);
    }

    private static IEnumerable<int> PowersOfTwoAnd(int largest)
    {
        for (var value = 1; value < largest && value > 0; value *= 2)
        {
            yield return value;
        }

        yield return largest;
    }

    /// <summary>The curves of one score.</summary>
    /// <param name="All">By t.</param>
    /// <param name="ByProblem">By t and budget: the value of each problem.</param>
    internal sealed record Family(IReadOnlyList<Curve> All, IReadOnlyList<(int T, IReadOnlyList<double[]> Values)> ByProblem)
    {
        public static Family Empty { get; } = new([], []);

        /// <summary>By t: the value of each problem at the largest budget.</summary>
        public IReadOnlyList<(int T, double[] Values)> AtLargest { get; } = [.. ByProblem.Select(at => (at.T, at.Values[^1]))];

        public Family With(Func<int, CurvePoint, CurvePoint> change) =>
            this with { All = [.. All.Select(curve => curve with { Points = [.. curve.Points.Select(point => change(curve.T, point))] })] };
    }
}
