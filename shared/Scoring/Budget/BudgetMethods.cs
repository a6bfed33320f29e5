using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>A method in one allocation, with what it reaches and spends on each problem that is compared.</summary>
internal sealed record BudgetEntry(string Name, string Family, double[] Accuracy, double[] Drawn, double[]? Reward)
{
    /// <summary>Where its answers come from.</summary>
    public BudgetSource Source { get; init; }

    /// <summary>Over how many checkpoints it is spread, for samples.</summary>
    public int? T { get; init; }

    /// <summary>By problem, for populations.</summary>
    public double[]? DrawnByWeight { get; init; }

    /// <summary>By problem, for populations.</summary>
    public bool[]? HasAnswer { get; init; }
}

/// <summary>The methods that are compared, each with its allocations.</summary>
/// <param name="answers">The evaluation.</param>
/// <param name="problems">The problems scored.</param>
/// <param name="indices">For each of <paramref name="problems"/> its place in the evaluation.</param>
/// <param name="places">Those of <paramref name="problems"/> that are compared.</param>
internal sealed class BudgetMethods(EvaluationAnswers answers, ScoredProblem[] problems, IReadOnlyList<int> indices, int[] places)
{
    private const string ByMajority = "Temporal Sampling, Maj", ByReward = "Temporal Sampling, BoN", Mixed = "WiSE-FT";

    private readonly int samples = answers.SamplesPerProblem;

    /// <summary>Mean tokens of one sample, [newest checkpoint first][problem].</summary>
    private readonly double[][] drawn = ByCheckpoint(answers, problems, places, answer => answer.Tokens);

    /// <summary>Mean tokens that the reward model reads of one sample, likewise; NaN where an answer does not tell.</summary>
    private readonly double[][] read = ByCheckpoint(answers, problems, places, answer => answer.RewardTokens ?? double.NaN);

    /// <summary>By problem: the normalised answers that are known to be correct.</summary>
    private readonly HashSet<string>[] known = Array.ConvertAll(places, p => problems[p].Trajectory.SelectMany(at => at.Sampled)
        .Where(answer => answer.Verdict == Verdict.Correct).Select(answer => answer.Answer).OfType<string>().ToHashSet(StringComparer.Ordinal));

    /// <summary>Mean tokens of one plain sample of the final checkpoint, by problem.</summary>
    public double[] PlainTokens => drawn[0];

    /// <summary>All of them: the baseline alone first, then each method with its allocations.</summary>
    public IEnumerable<IReadOnlyList<BudgetEntry>> All(Curves.Family majority, Curves.Family best, Curves.Family weighted)
    {
        yield return [Sampled(Text($"self-consistency, Maj@{samples}"), "self-consistency", majority.AtLargest[0], isRewarded: false)];
        if (places.All(p => problems[p].Final.Greedy is not null))
        {
            yield return
            [
                new("greedy", "greedy", At(p => problems[p].Final.GreedyCorrect() ? 1 : 0), At(p => problems[p].Final.Greedy!.Tokens), new double[places.Length]),
            ];
        }

        if (best.AtLargest.Count > 0)
        {
            yield return [Sampled(Text($"best-of-{samples}"), "best-of-N", best.AtLargest[0], isRewarded: true)];
        }

        if (weighted.AtLargest.Count > 0)
        {
            yield return [Sampled(Text($"weighted best-of-{samples}"), "weighted best-of-N", weighted.AtLargest[0], isRewarded: true)];
        }

        if (majority.AtLargest.Count > 1)
        {
            yield return [.. majority.AtLargest.Skip(1).Select(at => Sampled(Text($"Temporal Sampling, Maj@{samples}|{at.T}"), ByMajority, at, isRewarded: false))];
        }

        if (best.AtLargest.Count > 1)
        {
            yield return [.. best.AtLargest.Skip(1).Select(at => Sampled(Text($"Temporal Sampling, BoN@{samples}|{at.T}"), ByReward, at, isRewarded: true))];
        }

        if (Interpolations(answers, indices) is { Count: > 0 } points)
        {
            yield return [.. points.Select(Interpolated)];
        }

        foreach (var family in answers.Populations.GroupBy(method => method.Family, StringComparer.Ordinal))
        {
            BudgetEntry[] allocations = [.. family.Where(method => IsThere(method, indices)).Select(Population)];
            if (allocations.Length > 0)
            {
                yield return allocations;
            }
        }
    }

    /// <summary>How many allocations of a method were tried, those without answers included.</summary>
    public int Tried(IReadOnlyList<BudgetEntry> method) => method[0].Family == Mixed
        ? answers.Interpolations?.Tried ?? method.Count
        : Math.Max(method.Count, answers.Populations.Count(population => population.Family == method[0].Family));

    /// <summary>The methods that can stop at any number of samples, for the t that was chosen.</summary>
    public IEnumerable<IReadOnlyList<(int K, BudgetEntry Entry)>> Lines(
        IReadOnlyList<int> budgets, Curves.Family majority, Curves.Family best, IReadOnlyList<BudgetEntry> chosen)
    {
        foreach (var (name, family, isRewarded) in new[] { ("self-consistency", majority, false), (ByMajority, majority, false), ("best-of-N", best, true), (ByReward, best, true) })
        {
            if (chosen.FirstOrDefault(entry => entry.Family == name && entry.T is not null) is { } entry)
            {
                var values = family.ByProblem.First(at => at.T == entry.T).Values;
                yield return [.. budgets.Select((k, b) => (k, Sampled(name, name, (entry.T!.Value, values[b]), isRewarded, k)))];
            }
        }
    }

    /// <summary>The mixtures that have answers, by early weight; none where a parent is not among them.</summary>
    public static IReadOnlyList<InterpolationAnswers> Interpolations(EvaluationAnswers answers, IReadOnlyList<int> indices)
    {
        List<InterpolationAnswers> points =
        [
            .. (answers.Interpolations?.Points ?? []).OrderBy(point => point.EarlyWeight)
                .Where(point => indices.Any(i => point.Answers.Problems[i].Sampled.Count >= answers.SamplesPerProblem)),
        ];
        return points is [{ EarlyWeight: 0 }, .., { EarlyWeight: 1 }] ? points : [];
    }

    /// <summary>Whether a method has a population for any of the problems.</summary>
    public static bool IsThere(PopulationMethodAnswers method, IReadOnlyList<int> indices) => indices.Any(i => method.Problems[i] is not null);

    private BudgetEntry Sampled(string name, string family, (int T, double[] Values) at, bool isRewarded, int? k = null)
    {
        var quotas = Quota.RoundRobin(k ?? samples, at.T);
        var reads = isRewarded ? Spent(read) : new double[places.Length];
        return new(name, family, At(p => at.Values[p]), Spent(drawn), Array.Exists(reads, double.IsNaN) ? null : reads) { T = at.T };

        double[] Spent(double[][] tokens) => [.. places.Select((_, i) => quotas.Select((quota, j) => quota == 0 ? 0 : quota * tokens[j][i]).Sum())];
    }

    private BudgetEntry Interpolated(InterpolationAnswers point)
    {
        var mixed = Array.ConvertAll(places, p => new ScoredProblem(problems[p].Id, problems[p].Cluster, [point.Answers.Problems[indices[p]]], Base: null));
        var means = new ClusteredMean(mixed.Select(problem => problem.Cluster));
        return new(
            Text($"{Mixed}, early weight {point.EarlyWeight}, Maj@{samples}"), Mixed,
            new Curves(mixed, means, answers).FinalMajority(samples),
            Array.ConvertAll(mixed, problem => samples * problem.Final.Sampled.Average(answer => answer.Tokens)),
            new double[places.Length])
        {
            Source = BudgetSource.Interpolations,
        };
    }

    private BudgetEntry Population(PopulationMethodAnswers method)
    {
        var populations = Array.ConvertAll(places, p => method.Problems[indices[p]]!);
        return new(
            method.Name, method.Family,
            [.. populations.Select((population, i) => PopulationChoice.Accuracy(population, method.Choice, known[i]))],
            Array.ConvertAll(populations, population => (double)population.DrawnTokens),
            Array.ConvertAll(populations, population => (double)population.RewardTokens))
        {
            Source = BudgetSource.Populations,
            DrawnByWeight = Array.ConvertAll(populations, PopulationChoice.DrawnByWeight),
            HasAnswer = Array.ConvertAll(populations, PopulationChoice.HasAnswer),
        };
    }

    private double[] At(Func<int, double> value) => Array.ConvertAll(places, p => value(p));

    private static double[][] ByCheckpoint(EvaluationAnswers answers, ScoredProblem[] problems, int[] places, Func<GradedAnswer, double> tokens) =>
        [.. answers.Trajectory.Select((_, j) => Array.ConvertAll(places, p => problems[p].Trajectory[^(j + 1)].Sampled.Average(tokens)))];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
