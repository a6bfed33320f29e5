using Hindsight.Reporting.Sections;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class SectionsTests
{
    private static readonly EvaluationScores Scores = ScoredSample.Scores;
    private static readonly string Markdown = ReportMarkdown.Write(ScoredSample.Report);

    [Fact]
    public void The_trajectory_tells_interval_band_and_rerun_noise_apart()
    {
        var figure = Figures(Trajectory.Write(Scores)!).First();
        Assert.Equal(["Checkpoint", "Pass@1", "Band, all at once", "Re-run noise", "Greedy"], figure.Numbers.Header.Select(Text));
        var (last, row) = (Scores.Trajectory[^1], figure.Numbers.Rows[^1].Select(Text).ToList());
        Assert.Equal([Share(last.PassAt1!), Ends(last.PassAt1Band!.Low, last.PassAt1Band.High), Ends(last.PassAt1Rerun!.Low, last.PassAt1Rerun.High)], row[1..4]);
        Assert.Contains("the shaded band holds with 95\u00a0% for all checkpoints at once", Text(figure.Caption), StringComparison.Ordinal);
        Assert.Contains("bandLow", figure.Plot, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_declared_comparison_stands_in_a_table_with_its_outcome()
    {
        var tables = Document.Sections(ScoredSample.Report).SelectMany(section => section.Blocks).OfType<Table>()
            .Where(table => table.Header.Any(cell => Text(cell) == "Outcome")).SelectMany(table => table.Rows).Select(row => string.Join('|', row.Select(Text))).ToList();
        Assert.NotEmpty(Scores.Comparisons);
        foreach (var member in Scores.Comparisons.SelectMany(family => family.Members))
        {
            var words = member.Outcome switch { Outcome.NoDifference => "NO DIFFERENCE", var other => other.ToString().ToUpperInvariant() };
            Assert.Contains(tables, row => row.StartsWith($"{member.Of}|{member.Against}|{words}|{Text(Number.Points(member.Difference))}|{Text(Number.Points(member.Together))}|", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Forgetting_stands_beside_its_null()
    {
        var table = Forgetting.Write(Scores)!.Blocks.OfType<Table>().First();
        var chance = Scores.ForgettingNull!;
        Assert.Equal(["Answers", "Observed", "Expected if nothing changed", "Excess", "p by permutation"], table.Header.Select(Text));
        Assert.Equal(["sampled", Share(chance.Observed), Text(Number.Percent(chance.Expected)), Text(Number.Points(chance.Excess)), "0.001"], table.Rows[0].Select(Text));
        Assert.Equal("greedy", Text(table.Rows[1][0]));
    }

    [Fact]
    public void Forgetting_shows_steps_beside_chance_and_what_is_retained()
    {
        var figures = Figures(Forgetting.Write(Scores)!).ToList();
        Assert.Equal(3, figures.Count);
        Assert.Equal(Scores.SampledSteps.Select(step => Text(Number.Percent(step.ByChance))), figures[1].Numbers.Rows.Select(row => Text(row[4])));
        Assert.Equal(Scores.Retention.Select(point => Share(point.Score)), figures[2].Numbers.Rows.Select(row => Text(row[1])));
        Assert.Contains("0 stands a second sample", Text(figures[2].Caption), StringComparison.Ordinal);
    }

    [Fact]
    public void Recovered_problems_are_named() => Assert.Contains(
        "Forgotten on the way and right again at the end, by greedy answers: 2\u00a0problems, `p-001`, `p-002`.",
        ReportMarkdown.Write(ScoredSample.Report with { Scores = Scores with { RecoveredProblems = ["p-001", "p-002"] } }), StringComparison.Ordinal);

    [Fact]
    public void Curves_show_their_bands_and_the_Monte_Carlo_error()
    {
        var curve = Scores.MajAtK[0] with { Points = [Scores.MajAtK[0].Points[0] with { MonteCarloError = 0.0123 }] };
        var figure = Figures(SampleBudget.Write(Scores with { MajAtK = [curve] })!).Last();
        Assert.Equal(["t", "k", "Maj@k|t", "Band, whole line", "Re-run noise", "Monte Carlo error"], figure.Numbers.Header.Select(Text));
        Assert.Equal("1.2\u00a0points", Text(figure.Numbers.Rows[0][^1]));
        var band = curve.Points[0].Band!;
        Assert.Equal(Ends(band.Low, band.High), Text(figure.Numbers.Rows[0][3]));
    }

    [Fact]
    public void Tokens_spent_follow_the_shares_of_k()
    {
        EvaluationScores scores = Scores with
        {
            Trajectory = [.. Scores.Trajectory.Select((checkpoint, c) => checkpoint with { Health = checkpoint.Health with { MeanTokens = 10 * (c + 1) } })],
            PassAtK = [new(1, [new(3, new(0.5, 0.4, 0.6), null)]), new(2, [new(3, new(0.6, 0.5, 0.7), null)])],
        };
        var spent = Figures(SampleBudget.Write(scores)!).ElementAt(1);
        // Three answers over the two newest: two of the newest at 40 tokens, one of the one before at 30.
        Assert.Equal(["1 3 120.0", "2 3 110.0"], spent.Numbers.Rows.Select(row => string.Join(' ', row.Take(3).Select(Text))));
    }

    [Fact]
    public void A_choice_tells_what_was_tried_and_how_much_may_be_luck()
    {
        var selection = Scores.EarlyWeights!.Selection!;
        var row = EarlyWeights.Write(Scores)!.Blocks.OfType<Table>().First().Rows[0].Select(Text).ToList();
        var chosen = selection.Candidates[selection.Chosen];
        Assert.Equal(
            ["early weight", "Pass@1", chosen.Name, "5", Text(Number.Percent(chosen.Select)), Text(Comparisons.Points(selection.WinnersCurse)), Share(chosen.Report), $"{selection.SelectProblems} : {selection.ReportProblems}"], row);
        Assert.Equal(2, selection.Gains.Members.Count);
        Assert.Contains("The report split has the id `" + Scores.EarlyWeights.ReportSplit, Markdown, StringComparison.Ordinal);
        Assert.Contains("\n## What was chosen\n", Markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void Replicated_samples_are_warned_of()
    {
        var trajectory = Scores.Trajectory.Select(c => c with { Diversity = c.Diversity! with { Duplicates = new(0.75, 2, 4, 2) } });
        var markdown = ReportMarkdown.Write(ScoredSample.Report with { Scores = Scores with { Trajectory = [.. trajectory] } });
        Assert.Contains("Warning: at `checkpoint-100` every text comes in multiples of 4", markdown, StringComparison.Ordinal);
        Assert.DoesNotContain("Warning", Markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_variant_tells_how_its_answers_were_read()
    {
        var data = ScoredSample.Report with { Extractions = [new("checkpoint-100", 40, 10, 20, 3), new("0.5 × a + 0.5 × b", 0, 0, 0, 0)] };
        var rows = Health.Write(data).Blocks.OfType<Table>().Single(table => Text(table.Header[1]) == "Marks disagree").Rows;
        Assert.Equal(["checkpoint-100|15.0\u00a0%|20|25.0\u00a0%|40", "0.5 × a + 0.5 × b|–|0|–|0"], rows.Select(row => string.Join('|', row.Select(Text))));
        Assert.Contains("Reading answers. A mark of the writer goes before a guess", ReportMarkdown.Write(data), StringComparison.Ordinal);
        Assert.DoesNotContain("Reading answers", ReportMarkdown.Write(data with { Extractions = [] }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, 0.25)]
    [InlineData(0, 0)]
    public void Accuracy_in_multiple_choice_is_told_above_guessing(int samples, double guessing)
    {
        // Half of the problems offer four options, half of them say nothing of it.
        int?[] options = [.. Enumerable.Range(0, 20).Select(p => p % 2 == 0 ? 4 : (int?)null)];
        var scores = ScoredSample.Of(checkpoints: 3, problems: 20, samples: samples, options: options);
        var last = scores.Problems.Where(problem => options[int.Parse(problem.Id.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture)] is 4)
            .Average(problem => samples > 0 ? problem.PassRates[^1] : problem.Greedy[^1] ? 1 : 0);
        Assert.Equal((last - 0.25) / 0.75, scores.Trajectory[^1].ChanceCorrected!.Value, 12);
        Assert.True(guessing == 0 || scores.Base!.ChanceCorrected!.Value < 0, "The base model does worse than guessing.");
        var health = ReportMarkdown.Write(ScoredSample.Report with { Scores = scores });
        Assert.Contains($"| `checkpoint-300` | {Share(scores.Trajectory[^1].ChanceCorrected!)} |", health, StringComparison.Ordinal);
        Assert.DoesNotContain("above guessing", Markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void Cost_counts_the_tokens_of_every_checkpoint()
    {
        var health = new AnswerCounts(10, 20, 6, 4, 3, 50.5);
        var scores = Scores with { Base = null, Trajectory = [Scores.Trajectory[0] with { Health = health }] };
        Assert.Equal(["checkpoint-100", "40", "2,020", "50.5", "202"], ((Table)Cost.Write(scores)!.Blocks[0]).Rows[0].Select(Text));
    }

    [Fact]
    public void What_was_gained_for_a_device_second_rests_on_the_time_that_was_measured()
    {
        var gained = Comparisons.FinalAgainstBase(Scores)!.Members[0].Difference;
        var blocks = Cost.Measured(Scores, Measured);
        Assert.Equal(
            ["Stage|Device seconds|Points gained per device second", "trajectory|60.0|–", "interpolation|40.0|–", $"all|100.0|{Number.Plain(gained.Value)}"],
            Lines(blocks.OfType<Table>().Single()));
        Assert.Contains(Text(Number.Points(gained)), Text(blocks.OfType<Paragraph>().Single().Text), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(36, "0.60", "0.40", "1.00")]
    [InlineData(0.5, "0.0083", "0.0056", "0.0139")]
    [InlineData(360000, "6,000.00", "4,000.00", "10,000.00")]
    [InlineData(0, "0.00", "0.00", "0.00")]
    public void An_hour_with_a_price_gives_every_stage_its_cost_in_the_measured_block_alone(double hour, string first, string second, string all)
    {
        var greedy = ScoredSample.Of(checkpoints: 2, problems: 8, samples: 0);
        var table = Cost.Measured(greedy, Measured with { PricePerDeviceHour = hour }).OfType<Table>().Single();
        Assert.Equal(["Stage|Device seconds|Price", $"trajectory|60.0|{first}", $"interpolation|40.0|{second}", $"all|100.0|{all}"], Lines(table));

        var (without, with) = (ReportPage.Html(ScoredSample.Report, Measured), ReportPage.Html(ScoredSample.Report, Measured with { PricePerDeviceHour = hour }));
        Assert.Equal(without.Split(ReportPage.MeasuredStart)[0], with.Split(ReportPage.MeasuredStart)[0]);
        Assert.Equal(without.Split(ReportPage.MeasuredEnd)[1], with.Split(ReportPage.MeasuredEnd)[1]);
        Assert.NotEqual(without, with);
    }

    [Fact]
    public void Points_are_not_divided_by_the_time_of_some_of_the_answers()
    {
        string Page(int unmeasured) => ReportPage.Html(ScoredSample.Report, Measured with { Unmeasured = unmeasured }).Split(ReportPage.MeasuredStart)[1];
        Assert.Contains("Points gained per device second", Page(0), StringComparison.Ordinal);
        Assert.DoesNotContain("Points gained per device second", Page(12), StringComparison.Ordinal);
        Assert.Matches("Not in it is the time of 12.{1,10}answers drawn for an earlier evaluation, or by a worker that stopped", Page(12));
    }

    private static Timings Measured { get; } = new(default, [new("trajectory", 60), new("interpolation", 40)], 1, 1);

    private static IEnumerable<string> Lines(Table table) => table.Rows.Prepend(table.Header).Select(row => string.Join('|', row.Select(Text)));

    [Fact]
    public void Every_score_is_listed_with_estimator_and_interval()
    {
        var rows = Methods.Write(ScoredSample.Report).Blocks.OfType<Table>().Single().Rows;
        Assert.Equal(Scores.Methods.Select(method => method.Score), rows.Select(row => Text(row[0])));
        Assert.All(rows, row => Assert.All(row, cell => Assert.NotEmpty(Text(cell))));
        Assert.DoesNotContain("…", Markdown.Split("## How the numbers were made")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_of_greedy_answers_alone_is_told_without_samples()
    {
        var scores = ScoredSample.Of(checkpoints: 3, problems: 20, samples: 0);
        var markdown = ReportMarkdown.Write(ScoredSample.Report with { Scores = scores });
        Assert.Contains("The final checkpoint against the model before training: ", markdown, StringComparison.Ordinal);
        Assert.DoesNotContain("Pass@", markdown.Split("## Where the numbers come from")[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_checkpoint_is_compared_with_no_other()
    {
        var scores = ScoredSample.Of(checkpoints: 1, problems: 20, samples: 4);
        var markdown = ReportMarkdown.Write(ScoredSample.Report with { Scores = scores });
        Assert.Contains("The only checkpoint, `checkpoint-100`, solves", markdown, StringComparison.Ordinal);
        Assert.DoesNotContain("Each checkpoint against the final one", markdown, StringComparison.Ordinal);
        Assert.DoesNotContain("forgetting", markdown.Split("## ")[0], StringComparison.Ordinal);
    }

    private static IEnumerable<Figure> Figures(Section section) =>
        section.Blocks.SelectMany(block => block switch { Figure figure => [figure], Figures figures => figures.Panels, _ => Array.Empty<Figure>() });

    private static string Share(Estimate share) => Text($"{share}");

    private static string Ends(double low, double high) => Text(Plot.Range(low, high));

    private static string Text(Prose prose) => string.Concat(prose.Pieces.Select(piece => piece.Text));
}
