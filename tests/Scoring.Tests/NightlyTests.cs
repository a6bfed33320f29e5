using Xunit.Abstractions;

namespace Hindsight.Scoring.Tests;

public class NightlyTests(ITestOutputHelper output)
{
    private const int Problems = 60, Samples = 8;

    private static readonly double[] Rates = MakeRates();

    [Theory]
    [InlineData(0.05, 0, 0.025, 0.08)] // Without a margin the rate is the declared one.
    [InlineData(0.05, 0.02, 0, 0.05)] // With one it is lower.
    public void Over_1000_quiet_nights_false_alerts_are_as_rare_as_declared(double declared, double margin, double least, double most)
    {
        // Fifty baselines, twenty nights each: with one baseline its luck would repeat every night.
        var rule = new NightlyRule { FalseAlertRate = declared, Margin = margin };
        var stream = RandomStream.For(79, $"quiet {margin}");
        int alerts = 0, breaches = 0;
        for (var start = 0; start < 50; start++)
        {
            var baseline = Night(0, ref stream);
            var nights = new List<IReadOnlyList<ProblemCounts>>();
            for (var night = 0; night < 20; night++)
            {
                nights.Add(Night(0, ref stream));
                var decision = rule.Decide(baseline, nights, Samples, null, 1);
                if (decision.Action == NightlyAction.Remeasure)
                {
                    breaches++;
                    var fresh = (Night(0, ref stream), Night(0, ref stream));
                    alerts += rule.Decide(baseline, nights, Samples, fresh, 1).Action == NightlyAction.Alert ? 1 : 0;
                }
            }
        }

        output.WriteLine($"1000 quiet nights, margin {margin:P0}: declared {declared:P1}, measured {alerts / 1000.0:P1} ({breaches} re-measurements).");
        Assert.InRange(alerts / 1000.0, least, most);
    }

    [Fact]
    public void A_true_loss_is_found_and_a_gain_is_no_alert()
    {
        var stream = RandomStream.For(83, "loss");
        Assert.Equal(NightlyAction.Alert, Decide(new(), -0.15, ref stream).Action);
        Assert.Equal(NightlyAction.None, Decide(new(), 0.15, ref stream).Action);
    }

    [Fact]
    public void A_loss_that_is_real_and_too_small_to_matter_is_no_alert()
    {
        ProblemCounts[] Solved(int correct) => [.. Enumerable.Range(0, 400).Select(i => new ProblemCounts($"p{i}", $"p{i}", 100, correct - (i % 2)))];
        var rule = new NightlyRule { Margin = 0.02 };
        var decision = rule.Decide(Solved(50), [Solved(49)], 100, null, 1);
        Assert.Equal(NightlyAction.None, decision.Action);
        Assert.True(decision.Window!.Difference.High < 0);
        Assert.Equal(NightlyAction.Remeasure, (rule with { Margin = 0.005 }).Decide(Solved(50), [Solved(49)], 100, null, 1).Action);
    }

    [Fact]
    public void A_breach_that_fresh_answers_do_not_confirm_is_no_alert()
    {
        var stream = RandomStream.For(89, "unconfirmed");
        IReadOnlyList<ProblemCounts> baseline = Night(0, ref stream), worse = Night(-0.2, ref stream);
        Assert.Equal(NightlyAction.Remeasure, new NightlyRule().Decide(baseline, [worse], Samples, null, 1).Action);
        Assert.Equal(NightlyAction.None, new NightlyRule().Decide(baseline, [worse], Samples, (baseline, Night(0.02, ref stream)), 1).Action);
    }

    [Fact]
    public void Only_the_window_counts()
    {
        var stream = RandomStream.For(97, "window");
        var baseline = Night(0, ref stream);
        IReadOnlyList<ProblemCounts>[] nights = [Night(-0.3, ref stream), Night(-0.3, ref stream), baseline, baseline];
        Assert.Equal(NightlyAction.None, new NightlyRule { Window = 2 }.Decide(baseline, nights, Samples, null, 1).Action);
        Assert.Equal(NightlyAction.Remeasure, new NightlyRule { Window = 4 }.Decide(baseline, nights, Samples, null, 1).Action);
    }

    [Fact]
    public void Missing_answers_give_no_verdict_and_missing_problems_are_named()
    {
        var stream = RandomStream.For(101, "missing");
        var baseline = Night(0, ref stream);
        var decision = new NightlyRule().Decide(baseline, [[.. baseline.Skip(1)]], Samples, null, 1);
        Assert.Equal(NightlyAction.None, decision.Action);
        Assert.Equal(1 / 60.0, decision.MissingShare, 1e-12);
        Assert.Equal(["p0"], decision.MissingProblems);
        Assert.Equal(NightlyAction.NoVerdict, new NightlyRule().Decide(baseline, [[.. baseline.Skip(6)]], Samples, null, 1).Action);
        Assert.Equal(NightlyAction.NoVerdict, new NightlyRule().Decide(baseline, [[]], Samples, null, 1).Action);
    }

    private static NightlyDecision Decide(NightlyRule rule, double change, ref RandomStream stream) => rule.Decide(
        Night(0, ref stream), [Night(change, ref stream), Night(change, ref stream), Night(change, ref stream)], Samples,
        (Night(0, ref stream), Night(change, ref stream)), 1);

    private static List<ProblemCounts> Night(double change, ref RandomStream stream)
    {
        var night = new List<ProblemCounts>();
        for (var i = 0; i < Problems; i++)
        {
            night.Add(new($"p{i}", $"p{i}", Samples, Population.Correct(Samples, Math.Clamp(Rates[i] + change, 0, 1), ref stream)));
        }

        return night;
    }

    private static double[] MakeRates()
    {
        var stream = RandomStream.For(103, "rates");
        var rates = new double[Problems];
        for (var i = 0; i < Problems; i++)
        {
            rates[i] = 0.2 + (0.6 * stream.NextDouble());
        }

        return rates;
    }
}
