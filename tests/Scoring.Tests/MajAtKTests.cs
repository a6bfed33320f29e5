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
    public void With_all_samples_the_four_AIME24_problems_with_a_clear_majority_are_solved()
    {
        // Published: Maj@64|1 = 13.333 %, which is determined although the wrong answers are not known: 60, 60 and 52 of 64 are a
        // majority whatever the others say. 28 of 64 wins over wrong answers that scatter, and 8 or fewer lose to one wrong answer.
        int[] correct = [60, 60, 52, 28, 8, 8, 4, .. new int[23]];
        var solved = correct.Average(c => MajAtK.Estimate(new([[c], [(64 - c) / 2], [64 - c - ((64 - c) / 2)]], [true, false, false]), 64, 1, default).Value);
        Assert.Equal(13.333333333333334, 100 * solved, 1e-9);
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
