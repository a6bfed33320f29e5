namespace Hindsight.Scoring.Tests;

public class StatisticsTests
{
    // Two-sided 95 % and 99 % points of Student's t, from printed tables with further digits from closed forms where there are any.
    [Theory]
    [InlineData(0.95, 1, 12.706204736)]
    [InlineData(0.95, 2, 4.302652730)]
    [InlineData(0.95, 5, 2.570581836)]
    [InlineData(0.95, 10, 2.228138852)]
    [InlineData(0.95, 29, 2.045229642)]
    [InlineData(0.95, 100, 1.983971519)]
    [InlineData(0.99, 4, 4.604094871)]
    [InlineData(0.99, 30, 2.749995654)]
    public void Quantiles_of_Student_t_equal_the_tables(double confidence, int degreesOfFreedom, double expected) =>
        Assert.Equal(expected, StudentT.TwoSidedQuantile(confidence, degreesOfFreedom), 1e-8);

    [Fact]
    public void With_many_degrees_of_freedom_Student_t_is_the_normal_distribution() =>
        Assert.Equal(1.959963985, StudentT.TwoSidedQuantile(0.95, 100_000_000), 1e-6);

    [Fact]
    public void The_incomplete_beta_function_has_its_closed_forms()
    {
        foreach (var x in new[] { 0.01, 0.3, 0.5, 0.77, 0.99 })
        {
            Assert.Equal(x, StudentT.IncompleteBeta(x, 1, 1), 1e-14);
            Assert.Equal(Math.Pow(x, 3.5), StudentT.IncompleteBeta(x, 3.5, 1), 1e-14);
            Assert.Equal(2 / Math.PI * Math.Asin(Math.Sqrt(x)), StudentT.IncompleteBeta(x, 0.5, 0.5), 1e-13);
        }
    }

    [Fact]
    public void The_interval_is_the_textbook_one_when_every_problem_is_its_own_cluster()
    {
        // Mean 0.5, s² = 0.125, standard error 0.125·√(8/8)... with n = 8: √(0.125/8) = 0.125; t(0.975, 7) = 2.364624252.
        double[] values = [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1];
        var spread = Math.Sqrt(values.Sum(value => (value - 0.5) * (value - 0.5)) / 7 / 8);
        var estimate = new ClusteredMean(values.Select((_, i) => $"p{i}")).Share(values);
        Assert.Equal(0.5, estimate.Value, 1e-12);
        Assert.Equal(0.5 - (2.364624252 * spread), estimate.Low, 1e-9);
        Assert.Equal(0.5 + (2.364624252 * spread), estimate.High, 1e-9);
    }

    [Fact]
    public void Copies_of_a_problem_in_its_cluster_do_not_narrow_the_interval()
    {
        double[] values = [0, 0.2, 0.9, 0.4, 1, 0.3];
        var once = new ClusteredMean(values.Select((_, i) => $"c{i}")).Share(values);
        var tenfold = new ClusteredMean(Enumerable.Range(0, 60).Select(i => $"c{i % 6}")).Share([.. Enumerable.Range(0, 60).Select(i => values[i % 6])]);
        Assert.Equal(once.Low, tenfold.Low, 1e-12);
        Assert.Equal(once.High, tenfold.High, 1e-12);
    }

    [Fact]
    public void Nothing_solved_is_not_certainly_nothing()
    {
        var clusters = Enumerable.Range(0, 30).Select(i => $"p{i}").ToList();
        var none = new ClusteredMean(clusters).Share(new double[30]);
        Assert.Equal(0, none.Value);
        Assert.Equal(0, none.Low);
        Assert.Equal(1 - Math.Pow(0.05, 1 / 30.0), none.High, 1e-12); // About 3 / 30, the rule of three.

        var all = new ClusteredMean(clusters).Share([.. Enumerable.Repeat(1.0, 30)]);
        Assert.Equal(1, all.High);
        Assert.Equal(1 - none.High, all.Low, 1e-12);

        var same = new ClusteredMean(clusters).Difference(new double[30]);
        Assert.Equal(-same.Low, same.High, 1e-12);
        Assert.InRange(same.High, 0.05, 0.15);
    }

    [Fact]
    public void One_cluster_says_nothing_about_other_problems()
    {
        Assert.Equal(new Estimate(0.5, 0, 1), new ClusteredMean(["a", "a"]).Share([0, 1]));
        Assert.Equal(new Estimate(0.5, -1, 1), new ClusteredMean(["a"]).Difference([0.5]));
    }

    [Fact]
    public void Intervals_cover_the_population_mean_about_as_often_as_they_say()
    {
        // Pass rates u³ with u uniform: many hard problems and few easy ones, mean 1/4, 16 samples of each of 30 problems. Student-t is
        // known to fall a little short on so skewed a population (about 94 %).
        var stream = RandomStream.For(11, "coverage");
        var means = new ClusteredMean(Enumerable.Range(0, 30).Select(i => $"p{i}"));
        const int repeats = 4000;
        var covered = 0;
        var values = new double[30];
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            for (var i = 0; i < values.Length; i++)
            {
                var rate = Math.Pow(stream.NextDouble(), 3);
                var correct = 0;
                for (var s = 0; s < 16; s++)
                {
                    correct += stream.NextDouble() < rate ? 1 : 0;
                }

                values[i] = correct / 16.0;
            }

            var estimate = means.Share(values);
            covered += estimate.Low <= 0.25 && 0.25 <= estimate.High ? 1 : 0;
        }

        Assert.InRange(covered / (double)repeats, 0.925, 0.965);
    }

    [Fact]
    public void The_split_depends_on_seed_and_cluster_name_alone()
    {
        string[] clusters = [.. Enumerable.Range(0, 200).Select(i => $"c{i}")];
        var split = SelectSplit.Of(clusters, 0.4, 5);
        string[] reversed = [.. clusters.Reverse()];
        Assert.Equal(split, SelectSplit.Of(reversed, 0.4, 5).Reverse());
        Assert.Equal(split, SelectSplit.Of([.. clusters, "one more"], 0.4, 5)[..200]);
        Assert.NotEqual(split, SelectSplit.Of(clusters, 0.4, 6));
        Assert.InRange(split.Count(inSelect => inSelect), 60, 100);
        Assert.Equal("c143 c144 c147", string.Join(' ', clusters.Where((_, i) => split[i]).Order(StringComparer.Ordinal).Skip(20).Take(3)));
    }

    [Fact]
    public void A_cluster_is_never_split_and_both_sides_hold_one()
    {
        var split = SelectSplit.Of(["a", "b", "a", "b", "a"], 0.01, 1);
        Assert.Equal(split[0], split[2]);
        Assert.Equal(split[0], split[4]);
        Assert.Equal(split[1], split[3]);
        Assert.NotEqual(split[0], split[1]);
    }
}
