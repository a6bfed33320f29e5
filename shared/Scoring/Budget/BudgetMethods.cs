using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>A method in one allocation, with what it reaches and spends on each problem that is compared.</summary>
/// <param name="Name">The method with its allocation.</param>
/// <param name="Family">The method.</param>
/// <param name="Accuracy">Over all ways to draw the samples that there are, for samples; for populations that of the one population.</param>
/// <param name="Once">Of one answer, from the first samples or from the one population: 0 or 1.</param>
/// <param name="Drawn">Tokens drawn.</param>
/// <param name="Reward">Tokens read by the reward model; null where that is not known.</param>
internal sealed record BudgetEntry(string Name, string Family, double[] Accuracy, double[] Once, double[] Drawn, double[]? Reward)
{
    /// <summary>Where its answers come from.</summary>
    public BudgetSource Source { get; init; }

    /// <summary>Over how many checkpoints it is spread, for samples.</summary>
    public int? T { get; init; }

    /// <summary>For populations.</summary>
    public FinalChoice? Choice { get; init; }

    /// <summary>By problem, for populations.</summary>
    public double[]? DrawnByWeight { get; init; }

    /// <summary>By problem, for populations: whether there was one round at most.</summary>
    public bool[]? SingleStep { get; init; }

    /// <summary>By problem, for populations: the share of answers that were cut off.</summary>
    public double[]? CutOff { get; init; }

    /// <summary>By problem; null where there always is one.</summary>
    public bool[]? HasAnswer { get; init; }
}

/// <summary>The methods that are compared, each with its allocations.</summary>
/// <param name="answers">The evaluation.</param>
/// <param name="morePlain">Its further plain samples, for all the problems that are compared; null without.</param>
/// <param name="populations">Its particle methods and searches that are compared.</param>
/// <param name="mixtures">Its interpolations that are compared.</param>
/// <param name="problems">The problems scored.</param>
/// <param name="indices">For each of <paramref name="problems"/> its place in the evaluation.</param>
/// <param name="places">Those of <paramref name="problems"/> that are compared.</param>
internal sealed class BudgetMethods(
    EvaluationAnswers answers, VariantAnswers? morePlain, IReadOnlyList<PopulationMethodAnswers> populations, IReadOnlyList<InterpolationAnswers> mixtures,
    ScoredProblem[] problems, IReadOnlyList<int> indices, int[] places)
{
    private const string SelfConsistency = "self-consistency", Greedy = "greedy", Best = "best-of-N", Weighted = "weighted best-of-N";
    private const string ByMajority = "Temporal Sampling, Maj", ByReward = "Temporal Sampling, BoN", Mixed = "WiSE-FT";

    private readonly int samples = answers.SamplesPerProblem;

    /// <summary>Plain samples of the final checkpoint, by problem.</summary>
    private readonly IReadOnlyList<GradedAnswer>[] plain = Array.ConvertAll(places, p => morePlain?.Problems[indices[p]].Sampled ?? problems[p].Final.Sampled);

    /// <summary>Mean tokens of one sample, [newest checkpoint first][problem].</summary>
    private readonly double[][] drawn = ByCheckpoint(answers, problems, places, answer => answer.Tokens);

    /// <summary>Mean tokens that the reward model reads of one sample, likewise; NaN where no answer of the checkpoint tells.</summary>
    private readonly double[][] read = Read(answers, problems, places);

    /// <summary>By problem: settles what is tied, for every method alike, so that methods that are tied alike answer alike.</summary>
    private readonly double[] ties = Array.ConvertAll(places, p => RandomStream.For(answers.Seed, $"ties/{problems[p].Id}").NextDouble());

    /// <summary>By problem: the normalised answers that are known to be correct.</summary>
    private readonly HashSet<string>[] known = Array.ConvertAll(places, p => problems[p].Trajectory.SelectMany(at => at.Sampled)
        .Where(answer => answer.Verdict == Verdict.Correct).Select(answer => answer.Answer).OfType<string>().ToHashSet(StringComparer.Ordinal));

    /// <summary>The most plain samples that the baseline can have.</summary>
    public int MostPlain => plain.Min(sampled => sampled.Count);

    /// <summary>Mean tokens of one plain sample of the final checkpoint, by problem.</summary>
    public double[] PlainTokens => drawn[0];

    /// <summary>The answer of self-consistency, by problem: the majority of the first k plain samples.</summary>
    public double[] Baseline(int k) => [.. plain.Select((sampled, i) => Chosen(sampled.Take(k), Equal, i))];

    /// <summary>All of them: the baseline alone first, then each method with its allocations.</summary>
    public IEnumerable<IReadOnlyList<BudgetEntry>> All(Curves.Family majority, Curves.Family best, Curves.Family weighted)
    {
        yield return [Sampled(Text($"{SelfConsistency}, Maj@{samples}"), SelfConsistency, majority.AtLargest[0], Equal)];
        if (places.All(p => problems[p].Final.Greedy is not null))
        {
            var right = At(p => problems[p].Final.GreedyCorrect() ? 1 : 0);
            yield return [new(Greedy, Greedy, right, right, At(p => problems[p].Final.Greedy!.Tokens), new double[places.Length])];
        }

        if (best.AtLargest.Count > 0)
        {
            yield return [Sampled(Text($"best-of-{samples}"), Best, best.AtLargest[0], Highest)];
        }

        if (weighted.AtLargest.Count > 0)
        {
            yield return [Sampled(Text($"weighted best-of-{samples}"), Weighted, weighted.AtLargest[0], ByItsReward)];
        }

        if (majority.AtLargest.Count > 1)
        {
            yield return [.. majority.AtLargest.Skip(1).Select(at => Sampled(Text($"Temporal Sampling, Maj@{samples}|{at.T}"), ByMajority, at, Equal))];
        }

        if (best.AtLargest.Count > 1)
        {
            yield return [.. best.AtLargest.Skip(1).Select(at => Sampled(Text($"Temporal Sampling, BoN@{samples}|{at.T}"), ByReward, at, Highest))];
        }

        if (mixtures.Count > 0)
        {
            yield return [.. mixtures.Select(Interpolated)];
        }

        foreach (var family in populations.GroupBy(method => method.Family, StringComparer.Ordinal))
        {
            yield return [.. family.Select(Population)];
        }
    }

    /// <summary>How many allocations of a method were tried, those without answers included.</summary>
    public int Tried(IReadOnlyList<BudgetEntry> method) => method[0].Family == Mixed
        // The parents are no mixtures.
        ? answers.Interpolations?.Tried - 2 ?? method.Count
        : Math.Max(method.Count, answers.Populations.Count(population => population.Family == method[0].Family));

    /// <summary>The methods that can stop at any number of samples, for the t that was chosen; self-consistency with more plain samples where there are any.</summary>
    public IEnumerable<IReadOnlyList<(int K, BudgetEntry Entry)>> Lines(
        IReadOnlyList<int> budgets, Curves.Family majority, Curves.Family best, IReadOnlyList<BudgetEntry> chosen)
    {
        foreach (var (name, family, chooser) in new (string, Curves.Family, Chooser)[]
            { (SelfConsistency, majority, Equal), (ByMajority, majority, Equal), (Best, best, Highest), (ByReward, best, Highest) })
        {
            if (chosen.FirstOrDefault(entry => entry.Family == name && entry.T is not null) is { } entry)
            {
                var values = family.ByProblem.First(at => at.T == entry.T).Values;
                yield return
                [
                    .. budgets.Select((k, b) => (k, Sampled(name, name, (entry.T!.Value, values[b]), chooser, k))),
                    .. name == SelfConsistency ? MorePlain() : [],
                ];
            }
        }
    }

    /// <summary>The mixtures between the parents that have answers, by early weight; none where a parent has none.</summary>
    public static IReadOnlyList<InterpolationAnswers> Interpolations(EvaluationAnswers answers, IReadOnlyList<int> indices)
    {
        List<InterpolationAnswers> points =
        [
            .. (answers.Interpolations?.Points ?? []).OrderBy(point => point.EarlyWeight)
                .Where(point => indices.Any(i => point.Answers.Problems[i].Sampled.Count >= answers.SamplesPerProblem)),
        ];
        return points is [{ EarlyWeight: 0 }, .., { EarlyWeight: 1 }] ? points[1..^1] : [];
    }

    /// <summary>What a mixture is called.</summary>
    public static string NameOf(InterpolationAnswers point, int samples) => Text($"{Mixed}, early weight {point.EarlyWeight}, Maj@{samples}");

    private IEnumerable<(int K, BudgetEntry Entry)> MorePlain()
    {
        ScoredProblem[] more = [.. places.Select((p, i) => new ScoredProblem(problems[p].Id, problems[p].Cluster, [new(null, plain[i])], Base: null))];
        var curves = new Curves(more, new ClusteredMean(more.Select(problem => problem.Cluster)), answers);
        for (var k = 2 * samples; k < 2 * MostPlain; k *= 2)
        {
            var most = Math.Min(k, MostPlain);
            yield return (most, new(SelfConsistency, SelfConsistency, curves.FinalMajority(most), Baseline(most), [.. PlainTokens.Select(tokens => most * tokens)], new double[places.Length]));
        }
    }

    private BudgetEntry Sampled(string name, string family, (int T, double[] Values) at, Chooser chooser, int? k = null)
    {
        var quotas = Quota.RoundRobin(k ?? samples, at.T);
        var reads = chooser.Reads ? Spent(read) : new double[places.Length];
        bool[] hasAnswer = [.. places.Select(p => !chooser.Reads || quotas.Index().Any(quota => quota.Item > 0 && problems[p].Trajectory[^(quota.Index + 1)].Sampled.Any(answer => answer.Reward is not null)))];
        return new(
            name, family,
            // Where a reward model scored nothing, it chooses nothing, as a population whose weights are all 0.
            [.. places.Select((p, i) => hasAnswer[i] ? at.Values[p] : 0)],
            [.. places.Select((p, i) => Chosen(quotas.SelectMany((quota, j) => problems[p].Trajectory[^(j + 1)].Sampled.Take(quota)), chooser, i))],
            Spent(drawn), Array.Exists(reads, double.IsNaN) ? null : reads)
        {
            T = at.T,
            HasAnswer = chooser.Reads ? hasAnswer : null,
        };

        double[] Spent(double[][] tokens) => [.. places.Select((_, i) => quotas.Select((quota, j) => quota == 0 ? 0 : quota * tokens[j][i]).Sum())];
    }

    private BudgetEntry Interpolated(InterpolationAnswers point)
    {
        var mixed = Array.ConvertAll(places, p => point.Answers.Problems[indices[p]]);
        var whole = Array.ConvertAll(places, p => new ScoredProblem(problems[p].Id, problems[p].Cluster, [point.Answers.Problems[indices[p]]], Base: null));
        return new(
            NameOf(point, samples), Mixed,
            new Curves(whole, new ClusteredMean(whole.Select(problem => problem.Cluster)), answers).FinalMajority(samples),
            [.. mixed.Select((problem, i) => Chosen(problem.Sampled.Take(samples), Equal, i))],
            Array.ConvertAll(mixed, problem => samples * problem.Sampled.Average(answer => answer.Tokens)),
            new double[places.Length])
        {
            Source = BudgetSource.Interpolations,
        };
    }

    private BudgetEntry Population(PopulationMethodAnswers method)
    {
        var drawnTogether = Array.ConvertAll(places, p => method.Problems[indices[p]]!);
        return new(
            method.Name, method.Family,
            [.. drawnTogether.Select((population, i) => PopulationChoice.Accuracy(population, method.Choice, known[i]))],
            [.. drawnTogether.Select((population, i) => Once(population, method.Choice, i))],
            Array.ConvertAll(drawnTogether, population => (double)population.DrawnTokens),
            Array.ConvertAll(drawnTogether, population => (double)population.RewardTokens))
        {
            Source = BudgetSource.Populations,
            Choice = method.Choice,
            SingleStep = Array.ConvertAll(drawnTogether, population => population.Genealogy is { } genealogy && genealogy.Chains.All(chain => chain.Rounds.Count <= 1)),
            CutOff = Array.ConvertAll(drawnTogether, population => population.Members.Average(member => member.Answer.Verdict == Verdict.Truncated ? 1.0 : 0)),
            DrawnByWeight = Array.ConvertAll(drawnTogether, PopulationChoice.DrawnByWeight),
            HasAnswer = Array.ConvertAll(drawnTogether, PopulationChoice.HasAnswer),
        };
    }

    /// <summary>Whether the answer chosen among samples is right, by the rules for populations.</summary>
    private double Chosen(IEnumerable<GradedAnswer> sampled, Chooser chooser, int problem)
    {
        var members = sampled.Where(answer => !chooser.Reads || answer.Reward is not null).Select(chooser.Member).ToList();
        // Rewards that are all 0 tell nothing apart.
        return Once(
            new PopulationProblem(members.TrueForAll(member => member.Weight == 0) ? members.ConvertAll(member => member with { Weight = 1 }) : members, 0, 0, null),
            chooser.Choice, problem);
    }

    /// <summary>1 or 0: the chance that the answer chosen is right, settled by the problem's draw.</summary>
    private double Once(PopulationProblem population, FinalChoice choice, int problem) =>
        ties[problem] < PopulationChoice.Accuracy(population, choice, known[problem]) ? 1 : 0;

    private double[] At(Func<int, double> value) => Array.ConvertAll(places, p => value(p));

    private static double[][] ByCheckpoint(EvaluationAnswers answers, ScoredProblem[] problems, int[] places, Func<GradedAnswer, double> tokens) =>
        [.. answers.Trajectory.Select((_, j) => Array.ConvertAll(places, p => problems[p].Trajectory[^(j + 1)].Sampled.Average(tokens)))];

    private static double[][] Read(EvaluationAnswers answers, ScoredProblem[] problems, int[] places) =>
    [
        .. answers.Trajectory.Select((_, j) =>
        {
            double? Mean(IEnumerable<ProblemAnswers> some) => some.SelectMany(problem => problem.Sampled).Average(answer => answer.RewardTokens);
            var everywhere = Mean(places.Select(p => problems[p].Trajectory[^(j + 1)]));
            // What was not scored would have been read like the others.
            return Array.ConvertAll(places, p => Mean([problems[p].Trajectory[^(j + 1)]]) ?? everywhere ?? double.NaN);
        }),
    ];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>How one of several samples is chosen, as a population's members are.</summary>
    private sealed record Chooser(bool Reads, FinalChoice Choice, Func<GradedAnswer, PopulationMember> Member);

    private static Chooser Equal { get; } = new(false, FinalChoice.WeightedMajority, answer => new(answer, 1, 0));

    private static Chooser Highest { get; } = new(true, FinalChoice.HighestScore, answer => new(answer, 1, answer.Reward!.Value));

    private static Chooser ByItsReward { get; } = new(true, FinalChoice.WeightedMajority, answer => new(answer, answer.Reward!.Value, 0));
}
