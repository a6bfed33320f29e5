using System.Globalization;
using System.Numerics;

namespace Hindsight.Scoring.Tests;

public class PassAtKTests
{
    /// <summary>Counts by problem in training order; a count that the published values do not determine is 0, which changes none of them.</summary>
    private static readonly int[][] Counts =
    [
        .. File.ReadLines(TestData.PathTo("aime24", "golden_counts_aime24.csv")).Skip(1)
            .Select(line => line.Split(',').Skip(1).Reverse().Select(field => Math.Max(0, int.Parse(field, CultureInfo.InvariantCulture))).ToArray()),
    ];

    private static readonly int[] Drawn = [.. Enumerable.Repeat(64, 8)];

    private static double Published(int k, int t) => 100 * Counts.Average(counts => PassAtK.Temporal(Drawn, counts, k, t));

    [Fact]
    public void All_512_published_values_of_the_AIME24_run_are_reproduced()
    {
        var rows = File.ReadLines(TestData.PathTo("aime24", "golden_published_aime24.csv")).Skip(1).Select(line => line.Split(',')).ToList();
        Assert.Equal(512, rows.Count);
        foreach (var row in rows)
        {
            var (t, k) = (int.Parse(row[0], CultureInfo.InvariantCulture), int.Parse(row[1], CultureInfo.InvariantCulture));
            Assert.Equal(double.Parse(row[2], CultureInfo.InvariantCulture), Published(k, t), 1e-9);
        }
    }

    [Theory]
    [InlineData(1, 2, 14.143518518518519)]
    [InlineData(2, 3, 18.635912698412703)]
    [InlineData(3, 4, 20.12660435267857)]
    [InlineData(4, 5, 22.01534452892485)]
    [InlineData(5, 7, 26.740964203284523)]
    [InlineData(8, 9, 28.51253251279039)]
    [InlineData(8, 63, 42.00657022401543)]
    [InlineData(7, 64, 42.393618700063094)]
    [InlineData(8, 64, 42.04031263456598)]
    public void Unequal_quotas_give_the_published_value_to_thirteen_digits(int t, int k, double percent) =>
        Assert.Equal(percent, Published(k, t), 1e-12);

    [Fact]
    public void Giving_the_remainder_to_the_oldest_checkpoint_would_give_other_values()
    {
        // The order is part of the definition, so a test must be able to see it.
        var reversed = 100 * Counts.Average(counts => PassAtK.Temporal([64, 64], [counts[^1], counts[^2]], 3, 2));
        Assert.Equal(20.6316, reversed, 1e-4);
        Assert.NotEqual(reversed, Published(3, 2), 1.0);
    }

    [Fact]
    public void One_checkpoint_equals_the_exact_rational_value()
    {
        for (var n = 1; n <= 12; n++)
        {
            for (var c = 0; c <= n; c++)
            {
                for (var k = 0; k <= n; k++)
                {
                    var exact = 1 - ((double)Binomial(n - c, k) / (double)Binomial(n, k));
                    Assert.Equal(exact, PassAtK.Estimate(n, c, k), 1e-14);
                }
            }
        }
    }

    [Fact]
    public void Many_samples_neither_overflow_nor_cancel()
    {
        var exact = 1 - (double)(Binomial(99_999, 5_000) * BigInteger.Pow(10, 30) / Binomial(100_000, 5_000)) / 1e30;
        Assert.Equal(exact, PassAtK.Estimate(100_000, 1, 5_000), 1e-11);
    }

    [Fact]
    public void At_k_equal_n_it_says_whether_any_sample_is_correct()
    {
        Assert.Equal(0, PassAtK.Estimate(5, 0, 5));
        Assert.Equal(1, PassAtK.Estimate(5, 1, 5));
    }

    [Fact]
    public void A_budget_beyond_the_samples_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Estimate(4, 2, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Temporal([4, 4], [1, 1], 9, 2));
        // 5 samples fit into 4 + 4, but with round robin only if each quota fits.
        Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Temporal([4, 2], [1, 1], 5, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Temporal([4, 4], [1, 1], 2, 3));
    }

    [Fact]
    public void Quotas_go_round_robin_with_the_remainder_to_the_newest()
    {
        Assert.Equal([3, 3, 2], Quota.RoundRobin(8, 3));
        Assert.Equal([1, 1, 0, 0], Quota.RoundRobin(2, 4));
        Assert.Equal([0], Quota.RoundRobin(0, 1));
    }

    private static BigInteger Binomial(int n, int k)
    {
        if (k > n)
        {
            return 0;
        }

        BigInteger value = 1;
        for (var i = 1; i <= k; i++)
        {
            value = value * (n - k + i) / i;
        }

        return value;
    }
}
