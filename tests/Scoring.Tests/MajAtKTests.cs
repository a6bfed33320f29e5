namespace Hindsight.Scoring.Tests;

public class MajAtKTests
{
    [Fact]
    public void The_exact_value_equals_brute_force_over_all_subsets()
    {
        var random = new Random(7);
        for (var trial = 0; trial < 150; trial++)
        {
            var t = random.Next(1, 4);
            var classes = random.Next(1, 5);
            var ballot = new MajAtK.Ballot(
                [.. Enumerable.Range(0, classes).Select(_ => Enumerable.Range(0, t).Select(_ => random.Next(0, 3)).ToArray())],
                [.. Enumerable.Range(0, classes).Select(c => c == 0 || random.Next(4) == 0)]);
            var least = Enumerable.Range(0, t).Min(j => ballot.Counts.Sum(counts => counts[j]));
            if (least == 0)
            {
                continue;
            }

            var k = random.Next(1, (t * least) + 1);
            var quotas = Quota.RoundRobin(k, t);
            var drawn = Enumerable.Range(0, t).Select(j => ballot.Counts.Sum(counts => counts[j])).ToArray();
            Assert.Equal(
                BruteForce(ballot, quotas),
                t == 1
                    ? OneCheckpointMajority.Exact([.. ballot.Counts.Select(counts => counts[0])], ballot.Correct, drawn[0], k)
                    : JointMajority.Exact(ballot, quotas, drawn),
                1e-12);
        }
    }

    [Fact]
    public void Simulation_agrees_with_the_exact_value_within_its_standard_error()
    {
        var ballot = new MajAtK.Ballot([[5, 2, 1], [4, 4, 4], [3, 6, 2], [0, 0, 5]], [true, false, false, true]);
        int[] quotas = [4, 4, 4];
        var exact = JointMajority.Exact(ballot, quotas, [12, 12, 12]);
        var simulated = MajAtK.Simulate(ballot, quotas, 20_000, RandomStream.For(3, "p"));
        Assert.InRange(Math.Abs(simulated.Value - exact), 0, 4 * Math.Sqrt(simulated.Variance));
        Assert.InRange(Math.Sqrt(simulated.Variance), 0.0005, 0.004);
    }

    [Fact]
    public void Large_budgets_over_several_checkpoints_are_simulated_and_say_so()
    {
        var ballot = new MajAtK.Ballot([.. Enumerable.Range(0, 12).Select(_ => Enumerable.Repeat(2, 8).ToArray())], [true, .. new bool[11]]);
        var result = MajAtK.Estimate(ballot, 96, 500, RandomStream.For(1, "p"));
        Assert.True(result.Variance > 0);
        Assert.InRange(result.Value, 0.02, 0.2);
    }

    [Fact]
    public void One_checkpoint_with_64_samples_is_exact_for_every_budget()
    {
        var ballot = new MajAtK.Ballot([.. Enumerable.Range(0, 42).Select(c => new[] { c == 0 ? 23 : 1 })], [true, .. new bool[41]]);
        foreach (var k in new[] { 1, 2, 4, 8, 16, 32, 64 })
        {
            Assert.Equal(0, MajAtK.Estimate(ballot, k, 1, default).Variance);
        }

        Assert.Equal(23 / 64.0, MajAtK.Estimate(ballot, 1, 1, default).Value, 1e-12);
        Assert.Equal(23 / 64.0, MajAtK.Estimate(ballot, 2, 1, default).Value, 1e-12);
        Assert.Equal(1, MajAtK.Estimate(ballot, 64, 1, default).Value, 1e-12);
    }

    [Fact]
    public void A_tie_goes_to_the_class_drawn_first_where_that_is_the_rule()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 40; trial++)
        {
            int[][] pools = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Enumerable.Range(0, 4).Select(_ => random.Next(3)).ToArray())];
            var ballot = new MajAtK.Ballot(
                [.. Enumerable.Range(0, 3).Where(c => pools.Any(pool => pool.Contains(c))).Select(c => pools.Select(pool => pool.Count(vote => vote == c)).ToArray())],
                [.. Enumerable.Range(0, 3).Where(c => pools.Any(pool => pool.Contains(c))).Select(c => c == 0)]);
            for (var k = 1; k <= 4; k++)
            {
                var result = MajAtK.Estimate(ballot, k, 4_000, RandomStream.For(trial < 20 ? 1UL : 2UL, $"{trial}"), TieRule.First);
                var expected = FirstDrawnWins(pools, Quota.RoundRobin(k, pools.Length));
                Assert.InRange(Math.Abs(result.Value - expected), 0, (4.5 * Math.Sqrt(result.Variance)) + 1e-12);
            }
        }
    }

    [Fact]
    public void Over_one_checkpoint_the_tie_rules_have_the_same_expectation_and_over_two_they_differ()
    {
        var one = new MajAtK.Ballot([[3], [2], [2]], [true, false, false]);
        var two = new MajAtK.Ballot([[4, 0], [0, 4]], [true, false]);
        for (var k = 1; k <= 7; k++)
        {
            Assert.Equal(MajAtK.Estimate(one, k, 1, default), MajAtK.Estimate(one, k, 1, default, TieRule.First));
        }

        Assert.Equal(0.5, MajAtK.Estimate(two, 4, 100, default).Value, 1e-12);
        Assert.Equal(1, MajAtK.Estimate(two, 4, 100, default, TieRule.First).Value, 1e-12);
    }

    [Fact]
    public void No_answer_is_one_class_and_can_win_but_is_wrong()
    {
        var problem = new ScoredProblem("p", "p", [Answers.Problem(null, "right", "", "cut")], null);
        Assert.Equal(0, MajAtK.Estimate(problem.Classes.Newest(1), 3, 1, default).Value);
    }

    [Fact]
    public void Tied_classes_share_the_win_evenly()
    {
        var problem = new ScoredProblem("p", "p", [Answers.Problem(null, "right", "a", "b")], null);
        Assert.Equal(1 / 3.0, MajAtK.Estimate(problem.Classes.Newest(1), 3, 1, default).Value, 1e-12);
    }

    [Fact]
    public void A_budget_beyond_the_samples_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MajAtK.Estimate(new([[2], [1]], [true, false]), 4, 1, default));

    /// <summary>The share of all orders of all pools in which the class drawn first among the most frequent is class 0.</summary>
    private static double FirstDrawnWins(int[][] pools, int[] quotas)
    {
        double won = 0, all = 0;
        Draw(0, []);
        return won / all;

        void Draw(int j, int[] votes)
        {
            if (j < pools.Length)
            {
                foreach (var order in Orders(pools[j], quotas[j]))
                {
                    Draw(j + 1, [.. votes, .. order]);
                }

                return;
            }

            var most = votes.Max(vote => votes.Count(other => other == vote));
            won += votes.First(vote => votes.Count(other => other == vote) == most) == 0 ? 1 : 0;
            all++;
        }

        static IEnumerable<int[]> Orders(int[] pool, int length) => length == 0
            ? [[]]
            : pool.SelectMany((vote, i) => Orders([.. pool[..i], .. pool[(i + 1)..]], length - 1).Select(rest => (int[])[vote, .. rest]));
    }

    private static double BruteForce(MajAtK.Ballot ballot, int[] quotas)
    {
        var pools = Enumerable.Range(0, quotas.Length)
            .Select(j => Enumerable.Range(0, ballot.Counts.Length).SelectMany(c => Enumerable.Repeat(c, ballot.Counts[c][j])).ToArray())
            .ToArray();
        double won = 0, all = 0;
        Draw(0, []);
        return won / all;

        void Draw(int j, List<int> votes)
        {
            if (j == pools.Length)
            {
                var byClass = votes.CountBy(vote => vote).ToList();
                var winners = byClass.Where(entry => entry.Value == byClass.Max(other => other.Value)).ToList();
                won += winners.Count(winner => ballot.Correct[winner.Key]) / (double)winners.Count;
                all++;
                return;
            }

            for (var subset = 0; subset < 1 << pools[j].Length; subset++)
            {
                if (int.PopCount(subset) == quotas[j])
                {
                    Draw(j + 1, [.. votes, .. Enumerable.Range(0, pools[j].Length).Where(i => (subset >> i & 1) == 1).Select(i => pools[j][i])]);
                }
            }
        }
    }
}
