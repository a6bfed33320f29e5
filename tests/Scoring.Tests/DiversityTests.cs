using System.Globalization;

namespace Hindsight.Scoring.Tests;

public class DiversityTests
{
    /// <summary>The published AIME24 run: correct answers of 64 by problem and checkpoint, in training order.</summary>
    private static readonly int[][] Counts =
    [
        .. File.ReadLines(TestData.PathTo("aime24", "golden_counts_aime24.csv")).Skip(1)
            .Select(line => line.Split(',').Skip(1).Reverse().Select(field => Math.Max(0, int.Parse(field, CultureInfo.InvariantCulture))).ToArray()),
    ];

    [Fact]
    public void The_bound_on_Pass_at_k_of_the_AIME24_run_is_reproduced()
    {
        var spread = BiasVariance.Of([.. Counts.Select(counts => (64, counts[^1]))], [2, 4, 8, 16, 64]);
        Assert.Equal(0.114583333333, spread.Mean, 1e-12);
        Assert.Equal(0.075021701389, spread.PlugInVariance, 1e-12);
        Assert.Equal(0.858564814815, spread.Variance + ((1 - spread.Mean) * (1 - spread.Mean)), 1e-12);
        double[] pass = [0.141435185, 0.166096663, 0.192441128, 0.217441096, 0.233333333], bound = [0.141435185, 0.262866459, 0.456634142, 0.704753545, 0.992401309];
        for (var i = 0; i < pass.Length; i++)
        {
            Assert.Equal(pass[i], spread.Bounds[i].PassAtK, 1e-9);
            Assert.Equal(bound[i], spread.Bounds[i].Bound, 1e-9);
        }
    }

    [Fact]
    public void The_bound_holds_for_every_population_and_is_met_by_a_constant_rate()
    {
        var stream = RandomStream.For(71, "bound");
        for (var trial = 0; trial < 100; trial++)
        {
            var rates = Enumerable.Range(0, 8).Select(_ => Population.Rate(ref stream)).ToArray();
            for (var k = 2; k <= 64; k *= 2)
            {
                Assert.True(rates.Average(rate => 1 - Math.Pow(1 - rate, k)) <= BiasVariance.Bound(rates.Average(rate => (1 - rate) * (1 - rate)), k) + 1e-12);
                Assert.Equal(1 - Math.Pow(1 - rates[0], k), BiasVariance.Bound((1 - rates[0]) * (1 - rates[0]), k), 1e-12);
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => BiasVariance.Bound(0.5, 1)); // There the inequality turns round.
    }

    [Fact]
    public void Variance_of_rates_is_free_of_sampling_noise()
    {
        var stream = RandomStream.For(73, "variance");
        const double variance = 0.4 * 1.2 / (1.6 * 1.6 * 2.6);
        var spread = BiasVariance.Of([.. Population.Problems(40_000, 1, 3, ref stream).Select(problem => (3, problem.Correct[0]))], [2]);
        Assert.Equal(variance, spread.Variance, 0.003);
        Assert.True(spread.PlugInVariance > variance + 0.03);
    }

    [Fact]
    public void Answers_are_counted_as_the_definitions_say()
    {
        var diversity = EvaluationScorer.Score(Answers.Evaluation(
            4,
            Answers.Variant("c", Answers.Problem(null, "right", "right", "a", ""), Answers.Problem(null, "b", "b", "b", "b"), Answers.Problem(null, "", "", "", "cut"))))
            .Trajectory[0].Diversity!;
        Assert.Equal(((2 / 3.0) + (1 / 4.0) + 0) / 3, diversity.UniqueAnswers.Value, 1e-12);
        Assert.Equal((0.5 + 1 + 0) / 3, diversity.ModalShare.Value, 1e-12);
        Assert.Equal(-((2 / 3.0 * Math.Log(2 / 3.0)) + (1 / 3.0 * Math.Log(1 / 3.0))) / 3, diversity.Entropy, 1e-12);
        Assert.Equal((0.25 + 0 + 1) / 3, diversity.NoAnswer, 1e-12);
        Assert.Equal([2, 0, 0, 0, 0, 1, 0, 0, 0, 0], diversity.RateHistogram);
        Assert.Equal((2 / 3.0, 0), (diversity.AllWrong, diversity.AllRight));
        Assert.Null(diversity.Duplicates);
    }

    [Fact]
    public void All_right_falls_into_the_last_bin() => Assert.Equal(
        1, EvaluationScorer.Score(Answers.Evaluation(4, Answers.Variant("c", Answers.Counted(4, 4)))).Trajectory[0].Diversity!.RateHistogram[^1]);

    [Fact]
    public void Replicas_with_one_seed_are_found_and_chance_twins_are_not_taken_for_them()
    {
        DuplicateSamples Of(params string[][] problems) => DuplicateSamples.Of(
            [.. problems.Select(texts => (IReadOnlyList<GradedAnswer>)[.. texts.Select((text, s) => Answers.Graded("a", s) with { TextHash = GradedAnswer.HashOf(text) })])])!;
        var replicas = Of(["x", "y", "x", "y"], ["z", "z", "z", "z"]);
        Assert.Equal(new DuplicateSamples(5 / 8.0, 1.5, 2, 2), replicas);
        var chance = Of(["x", "y", "x", "z"], ["p", "q", "r", "s"]);
        Assert.Equal((1, 4.0), (chance.Factor, chance.EffectiveSamples));
        Assert.Equal(1 / 8.0, chance.Share, 1e-12);
    }

    [Fact]
    public void The_AIME24_run_had_a_quarter_of_the_samples_it_thought()
    {
        var (factor, evidence) = DuplicateSamples.FactorOfCounts(Counts.SelectMany(counts => counts.Select(count => (64, count))));
        Assert.Equal(4, factor);
        Assert.True(evidence > 50);
        Assert.Equal((1, 2), DuplicateSamples.FactorOfCounts([(64, 3), (64, 64), (64, 10)]));

        // With 16 samples the estimators give the values that the specification names.
        double Deduplicated(int k, int t) => 100 * Counts.Average(counts => PassAtK.Temporal([.. Enumerable.Repeat(16, 8)], Array.ConvertAll(counts, count => count / 4), k, t));
        Assert.Equal(23.333, Deduplicated(16, 1), 0.0005);
        Assert.Equal(33.264, Deduplicated(16, 8), 0.0005);
        Assert.Equal(43.151, Deduplicated(64, 8), 0.0005);
        Assert.Throws<ArgumentOutOfRangeException>(() => Deduplicated(17, 1));
    }
}
