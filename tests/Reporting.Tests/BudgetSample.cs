using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

/// <summary>A simulated evaluation with rewards, particle filters and a search, and its computed scores.</summary>
internal static class BudgetSample
{
    private const int Samples = 8;

    public static (EvaluationAnswers Answers, EvaluationScores Scores) Sums { get; } = Of([.. Enumerable.Range(1, 40).Select(i => Text($"sum-{i:000}"))], name => name);

    public static ReportData Report { get; } = SampleReport.Make() with { Scores = Sums.Scores, LostExamples = [], Genealogies = ShownGenealogy.Of(Sums.Answers, Sums.Scores) };

    /// <param name="ids">The problems.</param>
    /// <param name="named">What methods and answers are called.</param>
    /// <param name="particles">Of a filter.</param>
    /// <param name="rounds">Of a filter.</param>
    public static (EvaluationAnswers Answers, EvaluationScores Scores) Of(IReadOnlyList<string> ids, Func<string, string> named, int particles = 8, int rounds = 6)
    {
        var random = new Random(23);
        var rates = ids.Select((_, p) => 0.15 + (0.6 * p / ids.Count)).ToArray();
        var late = Variant("checkpoint-300", 0);
        var answers = new EvaluationAnswers
        {
            ProblemIds = ids,
            Clusters = ids,
            Trajectory = [Variant("checkpoint-100", 0.1), Variant("checkpoint-200", 0.05), late],
            Interpolations = new("checkpoint-100", "checkpoint-300", [new(0, late), new(0.3, Variant("w0.3", 0.1)), new(0.6, Variant("w0.6", 0.1)), new(1, Variant("w1", 0.1))]),
            Populations =
            [
                Filter("particle filter, 1 chain", "particle filter", 1),
                Filter("particle filter, 2 chains", "particle filter", 2),
                Filter("beam search", "beam search", 1) with { Choice = FinalChoice.HighestScore },
            ],
            MorePlain = late with { Problems = [.. late.Problems.Zip(rates, (problem, rate) => problem with { Sampled = [.. problem.Sampled, .. Enumerable.Range(Samples, Samples / 2).Select(s => Answer(s, random.NextDouble() < rate))] })] },
            SamplesPerProblem = Samples,
            SelectShare = 0.5,
            Seed = 5,
        };
        return (answers, EvaluationScorer.Score(answers));

        VariantAnswers Variant(string name, double more) => new(name, null,
            [.. rates.Select(rate => new ProblemAnswers(Answer(0, rate + more > 0.5), [.. Enumerable.Range(0, Samples).Select(s => Answer(s, random.NextDouble() < rate + more))]))]);

        GradedAnswer Answer(int sample, bool right) => new(sample, right ? "42" : named(Text($"{random.Next(5)}")), right ? Verdict.Correct : Verdict.Wrong, 40 + random.Next(20))
        {
            Reward = Math.Clamp((right ? 0.6 : 0.4) + (0.3 * (random.NextDouble() - 0.5)), 0, 1),
            RewardTokens = 70,
        };

        PopulationMethodAnswers Filter(string name, string family, int chains) => new(named(name), named(family), [.. rates.Select(rate =>
        {
            var slots = particles / chains;
            var genealogy = new PopulationGenealogy([.. Enumerable.Range(0, chains).Select(_ => Chain(slots))]);
            PopulationMember[] members = [.. genealogy.Chains.SelectMany(chain => chain.Rounds[^1].Weights).Select((weight, i) =>
                new PopulationMember(Answer(i, random.NextDouble() < rate + 0.25), weight / chains, random.NextDouble()))];
            return new PopulationProblem(members, 420, 900, genealogy);
        })]);

        GenealogyChain Chain(int slots) => new([.. Enumerable.Range(1, rounds).Select(round =>
        {
            var weights = Enumerable.Range(0, slots).Select(_ => random.NextDouble() * random.NextDouble()).ToArray();
            weights = [.. weights.Select(weight => weight / weights.Sum())];
            var isResampled = round % 2 == 0 && round < rounds;
            return new GenealogyRound(
                weights, 1 / weights.Sum(weight => weight * weight), isResampled,
                [.. Enumerable.Range(0, slots).Select(slot => isResampled ? random.Next(slots) : slot)], Math.Max(1, slots / round), -0.5 * round);
        })]);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
