using System.Globalization;
using Xunit.Abstractions;

namespace Hindsight.Scoring.Tests;

/// <summary>
/// What the published Maj@k|t and BoN@k|t of the AIME 2024 run say of our estimators. The counts of correct answers are known (PassAtKTests);
/// how the wrong ones are spread over classes, and what the rewards were, is not. So a cell is determined where every spread, or every
/// order of the rewards, gives the same value; elsewhere there is an interval between the two extremes. The published values are means over
/// 100 (Maj) and 5 (BoN) shuffles, one shuffle serving all k and t, and so have a random error of their own.
/// </summary>
public class PublishedTablesTests(ITestOutputHelper output)
{
    private const int Samples = 64, MajorityRuns = 100, BestOfNRuns = 5;

    private sealed record Row(int T, int K, double Majority, double BestOfN);

    private static readonly Row[] Published =
    [
        .. File.ReadLines(TestData.PathTo("aime24", "golden_published_aime24.csv")).Skip(1).Select(line => line.Split(','))
            .Select(row => new Row(
                int.Parse(row[0], CultureInfo.InvariantCulture), int.Parse(row[1], CultureInfo.InvariantCulture),
                double.Parse(row[3], CultureInfo.InvariantCulture), double.Parse(row[4], CultureInfo.InvariantCulture))),
    ];

    /// <summary>Correct answers by problem and checkpoint, the newest first; null where the published values leave it open.</summary>
    private static readonly int?[][] Counts =
    [
        .. File.ReadLines(TestData.PathTo("aime24", "golden_counts_aime24.csv")).Skip(1)
            .Select(line => line.Split(',').Skip(1).Select(field => int.Parse(field, CultureInfo.InvariantCulture) is >= 0 and var count ? count : (int?)null).ToArray()),
    ];

    [Fact]
    public void Equal_quotas_have_equal_published_values()
    {
        // A shuffle serves all k and t, so whatever the classes and rewards were, the same answers are looked at.
        var compared = 0;
        foreach (var cells in Published.GroupBy(row => string.Join(',', Quota.RoundRobin(row.K, row.T).Where(quota => quota > 0))).Where(group => group.Count() > 1))
        {
            Assert.Single(cells.Select(row => (row.Majority, row.BestOfN)).Distinct());
            compared += cells.Count();
        }

        Assert.Equal(35, compared);
        output.WriteLine($"{compared} cells with k ≤ t: Maj and BoN are equal to the last digit for all t ≥ k.");
    }

    [Fact]
    public void Published_values_are_means_over_whole_runs() => Assert.All(Published, row =>
    {
        Assert.Equal(Math.Round(row.Majority * MajorityRuns * Counts.Length / 100), row.Majority * MajorityRuns * Counts.Length / 100, 1e-6);
        Assert.Equal(Math.Round(row.BestOfN * BestOfNRuns * Counts.Length / 100), row.BestOfN * BestOfNRuns * Counts.Length / 100, 1e-6);
    });

    [Fact]
    public void The_majority_of_one_and_of_two_answers_is_determined_and_needs_the_rule_of_the_first_drawn()
    {
        // One answer, or the first of two that differ: Pass@1 of the newest checkpoint, 11.458 %. All 16 cells are the one published number
        // 10.5, as one shuffle served all of them: that is one comparison, 3.2 standard errors low, and the reason is not known.
        var cells = Published.Where(row => row.K <= 2).ToList();
        Assert.Equal(16, cells.Count);
        Assert.All(cells, row =>
        {
            var (low, high, error) = Majority(row, TieRule.First);
            Assert.Equal(100 * Counts.Average(counts => counts[0]!.Value / (double)Samples), low, 1e-9);
            Assert.Equal(low, high, 1e-9);
            Assert.InRange((row.Majority - low) / error, -3.5, 3.5);
        });
        // Were ties shared, Maj@2|t would be the mean of Pass@1 of the two newest checkpoints: more than 5 standard errors away.
        var shared = Majority(Published.Single(row => row is { T: 2, K: 2 }), TieRule.Even);
        Assert.Equal(12.5, shared.Low, 1e-9);
        Assert.Equal(12.5, shared.High, 1e-9);
        Assert.True((shared.Low - 10.5) / shared.Error > 5);
        output.WriteLine("16 cells with k ≤ 2 are determined: 11.458 by the first drawn, published 10.5 ± 0.297; with shared ties 12.5 at t = 2.");
    }

    [Fact]
    public void The_majority_of_all_samples_solves_four_problems_of_which_three_are_determined()
    {
        // 60, 60 and 52 of 64 are a majority whatever the others say. 28 wins over wrong answers that scatter; 8 or fewer could.
        var all = Published.Single(row => row is { T: 1, K: Samples });
        Assert.Equal(4 / 30.0, all.Majority / 100, 1e-12);
        var determined = Counts.Count(counts => MajAtK.Estimate(Alike([counts[0]!.Value]), Samples, 1, default).Value == 1);
        Assert.Equal(3, determined);
        var clear = Counts.Count(counts => MajAtK.Estimate(new([[counts[0]!.Value], [(Samples - counts[0]!.Value + 1) / 2], [(Samples - counts[0]!.Value) / 2]], [true, false, false]), Samples, 1, default).Value == 1);
        Assert.Equal(4, clear);
    }

    [Fact]
    public void Every_published_majority_lies_between_wrong_answers_that_all_agree_and_that_all_differ()
    {
        double least = 0, narrowest = double.PositiveInfinity;
        foreach (var row in Published)
        {
            var (low, high, error) = Majority(row, TieRule.First);
            Assert.True(low <= high + 1e-9);
            least = Math.Max(least, Math.Max(low - row.Majority, row.Majority - high) / error);
            Assert.InRange(row.Majority, low - (3.5 * error), high + (3.5 * error));
            narrowest = row.K > 2 ? Math.Min(narrowest, high - low) : narrowest;
            if (row.K is 1 or 3 or 8 or 64 && row.T is 1 or 2 or 4 or 8)
            {
                output.WriteLine(FormattableString.Invariant($"Maj@{row.K}|{row.T}: published {row.Majority:F3} ± {error:F3}, possible {low:F3} to {high:F3}"));
            }
        }

        output.WriteLine(FormattableString.Invariant($"{Published.Length} cells; at most {least:F2} standard errors outside; beyond k = 2 the interval is at least {narrowest:F2} points wide"));
    }

    [Fact]
    public void Every_published_best_of_N_lies_between_the_worst_and_the_best_reward()
    {
        var widest = 0.0;
        foreach (var row in Published)
        {
            var (low, high, error) = Best(row);
            Assert.InRange(row.BestOfN, low - (3.5 * error), high + (3.5 * error));
            widest = Math.Max(widest, high - low);
            if (row.K == 1)
            {
                // Of one answer the reward has no say: Pass@1 of the newest checkpoint. 12.0 was published, 5 runs ± 1.3.
                Assert.Equal(low, high, 1e-9);
                Assert.Equal(11.458333333333334, low, 1e-9);
            }

            if (row.K is 1 or 2 or 8 or 64 && row.T is 1 or 2 or 8)
            {
                output.WriteLine(FormattableString.Invariant($"BoN@{row.K}|{row.T}: published {row.BestOfN:F3} ± {error:F3}, possible {low:F3} to {high:F3}"));
            }
        }

        Assert.True(widest > 10, "The bounds are wide: rewards are not determined.");
    }

    [Fact]
    public void The_best_of_all_samples_solves_six_of_the_seven_problems_that_have_a_correct_sample()
    {
        // All 64 samples of one checkpoint are used, so there is no random error: the best reward was correct on 6 of 30 problems.
        var all = Published.Single(row => row is { T: 1, K: Samples });
        Assert.Equal(6 / 30.0, all.BestOfN / 100, 1e-12);
        Assert.Equal(7, Counts.Count(counts => counts[0] > 0));
        Assert.Equal(0, Best(all).Low, 1e-9);
        Assert.Equal(100 * 7 / 30.0, Best(all).High, 1e-9);
    }

    /// <summary>Maj@k|t in percent if all wrong answers agree and if all differ, and the largest standard error that the published mean can have.</summary>
    private static (double Low, double High, double Error) Majority(Row row, TieRule ties) => Between(
        row, MajorityRuns,
        correct => MajAtK.Estimate(Alike(correct), row.K, 300, RandomStream.For(1, "alike"), ties).Value,
        correct => MajAtK.Estimate(Different(correct), row.K, 300, RandomStream.For(1, "different"), ties).Value);

    /// <summary>BoN@k|t in percent if every wrong answer has a higher reward than every correct one, and the other way round.</summary>
    private static (double Low, double High, double Error) Best(Row row) => Between(
        row, BestOfNRuns, correct => BestOfN.Exact(Rewarded(correct, -1), row.K, row.T), correct => BestOfN.Exact(Rewarded(correct, 1), row.K, row.T));

    private static (double Low, double High, double Error) Between(Row row, int runs, Func<int[], double> low, Func<int[], double> high)
    {
        double lowest = 0, highest = 0, variance = 0;
        foreach (var counts in Counts.Select(counts => counts[..row.T]))
        {
            // What is not known is 0 at the lower end and 64 at the upper.
            var (least, most) = (low([.. counts.Select(count => count ?? 0)]), high([.. counts.Select(count => count ?? Samples)]));
            var spread = Math.Clamp(0.5, least, Math.Max(least, most));
            (lowest, highest, variance) = (lowest + least, highest + most, variance + (spread * (1 - spread)));
        }

        return (100 * lowest / Counts.Length, 100 * highest / Counts.Length, 100 * Math.Sqrt(variance / runs) / Counts.Length);
    }

    private static MajAtK.Ballot Alike(int[] correct) => WithoutEmpty([[.. correct], [.. correct.Select(count => Samples - count)]]);

    /// <summary>Every wrong answer is a class of its own.</summary>
    private static MajAtK.Ballot Different(int[] correct) => WithoutEmpty(
    [
        [.. correct],
        .. correct.SelectMany((count, j) => Enumerable.Range(0, Samples - count).Select(_ => Enumerable.Range(0, correct.Length).Select(at => at == j ? 1 : 0).ToArray())),
    ]);

    private static MajAtK.Ballot WithoutEmpty(int[][] counts) =>
        new([.. counts.Where(votes => votes.Sum() > 0)], [.. counts.Select((votes, c) => (votes, c)).Where(entry => entry.votes.Sum() > 0).Select(entry => entry.c == 0)]);

    /// <summary>In training order: all rewards differ, and those of correct answers are higher (1) or lower (-1) than those of wrong ones.</summary>
    private static List<IReadOnlyList<(double? Reward, bool Correct)>> Rewarded(int[] correct, int sign) =>
    [
        .. correct.Select((count, j) => (IReadOnlyList<(double?, bool)>)
            [.. Enumerable.Range(0, Samples).Select(s => ((double?)((s < count ? sign : 0) + (s / 1e3) + (j / 1e5)), s < count))]).Reverse(),
    ];
}
