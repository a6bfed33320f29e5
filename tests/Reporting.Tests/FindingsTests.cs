using System.Net;
using System.Text.RegularExpressions;
using Hindsight.Reporting.Sections;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class FindingsTests
{
    private static readonly EvaluationScores Sample = ScoredSample.Scores;

    [Fact]
    public void The_opening_is_one_sentence_of_what_was_found_and_the_surest_remedy()
    {
        var headline = Headline(Sample);
        var gains = Sample.Comparisons.Where(family => !family.Name.EndsWith("the model before training", StringComparison.Ordinal) && (family.Name.StartsWith("Pass@", StringComparison.Ordinal)))
            .SelectMany(family => family.Members).Append(Sample.EarlyWeights!.Selection!.Gains.Members[0]).Where(member => member.Outcome == Outcome.Gain).ToList();

        Assert.True(gains.Count > 1, "There is nothing to rank.");
        Assert.Matches(@"^The final checkpoint, checkpoint-400, solves \d[^;:]* at the first try and has forgotten \+[^;:]* more than chance gives; the surest remedy is [^;:]*: \+[^;:]*\.$", headline);
        Assert.Contains(Text(Number.Points(gains.MaxBy(member => member.Together.Low)!.Together)), headline, StringComparison.Ordinal);
    }

    [Fact]
    public void The_remedy_is_the_gain_of_which_most_is_certain()
    {
        var comparisons = new[]
        {
            Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Gain, low: 0.02, high: 0.30), Member("b", Outcome.Inconclusive, low: -0.01, high: 0.60)),
            Family(FamilyKind.PassSpread, "Pass@8|t against t = 1, at equal budget", Member("t = 2", Outcome.Gain, low: 0.03, high: 0.05), Member("t = 4", Outcome.NoDifference, low: 0.04, high: 0.06)),
        };
        Assert.EndsWith("; the surest remedy is spreading answers over checkpoints, t = 2: +4.0\u00a0points (+3.0 to +5.0) of Pass@8.", Headline(Sample with { Comparisons = comparisons, EarlyWeights = null }), StringComparison.Ordinal);
        Assert.EndsWith("; the surest remedy is going back to a: +16.0\u00a0points (+2.0 to +30.0) of Pass@1.", Headline(Sample with { Comparisons = comparisons[..1], EarlyWeights = null }), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_gain_no_remedy_is_certain_and_with_all_settled_none_does_better()
    {
        var settled = new[] { Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Loss), Member("b", Outcome.NoDifference)) };
        var open = settled.Append(Family(FamilyKind.PassSpread, "Pass@8|t against t = 1, at equal budget", Member("t = 2", Outcome.Inconclusive, low: -0.01, high: 0.05))).ToArray();
        Assert.EndsWith("; no remedy is certain, the most promising is spreading answers over checkpoints, t = 2: +2.0\u00a0points (−1.0 to +5.0) of Pass@8.", Headline(Sample with { Comparisons = open, EarlyWeights = null }), StringComparison.Ordinal);
        Assert.EndsWith("; no remedy that was tried does better.", Headline(Sample with { Comparisons = settled, EarlyWeights = null }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.01, 0.11)]
    [InlineData(-0.11, -0.01)]
    public void Forgetting_that_chance_could_explain_is_not_in_the_opening(double low, double high)
    {
        var chance = new ForgettingNull(new(0.2, 0.1, 0.3), 0.15, new((low + high) / 2, low, high), 0.4, 999);
        Assert.DoesNotContain("forgotten", Headline(Sample with { ForgettingNull = chance }), StringComparison.Ordinal);
    }

    [Fact]
    public void Curves_whose_intervals_lie_apart_claim_nothing_by_themselves()
    {
        var scores = Sample with
        {
            Comparisons = [],
            EarlyWeights = null,
            PassAtK = [new(1, [new(4, new(0.3, 0.2, 0.4), null)]), new(4, [new(4, new(0.8, 0.7, 0.9), null)])],
        };
        Assert.DoesNotContain("remedy", Headline(scores), StringComparison.Ordinal);
        Assert.DoesNotContain("spread", Said(scores), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_Markdown_and_summary_open_with_the_same_sentence_and_show_the_same_key_numbers()
    {
        var (page, markdown) = (ReportPage.Html(ScoredSample.Report, null), ReportMarkdown.Write(ScoredSample.Report));
        var headline = Findings.Headline(Sample);
        Assert.Equal(Text(headline), ReportSummary.Of(ScoredSample.Report).Verdict);
        Assert.Equal(Text(headline), Plain(page.Split("<p class=\"headline\">")[1].Split("</p>")[0]));
        Assert.Contains($"\n{Text(headline)}\n", markdown.Replace("`", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.All(Findings.KeyNumbers(Sample), number =>
        {
            Assert.Contains(Text(number.Value), page.Split("<dd class=\"value\">").Skip(1).Select(value => Plain(value.Split("</dd>")[0])));
            Assert.Contains($"| {Text(number.Value)} | ", markdown, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(Outcome.Gain, "GAIN, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.Loss, "LOSS, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.NoDifference, "NO DIFFERENCE of 2.0\u00a0points or more, +4.0\u00a0points (+1.0 to +7.0)")]
    [InlineData(Outcome.Inconclusive, "INCONCLUSIVE, +4.0\u00a0points (+1.0 to +7.0), detectable 5.0\u00a0points")]
    public void The_outcome_is_the_one_that_the_comparison_decided(Outcome outcome, string said) => Assert.Contains(
        $"8 answers spread over checkpoints, t = 4 against t = 1: {said}",
        Said(Sample with { Comparisons = [Family(FamilyKind.PassSpread, "Pass@8|t against t = 1, at equal budget", Member("t = 2", Outcome.Loss), Member("t = 4", outcome))] }), StringComparison.Ordinal);

    [Fact]
    public void A_better_checkpoint_on_the_way_is_named_with_the_correction_for_all() => Assert.Contains(
        "1 of 2 earlier checkpoints does better than the final one, the most a: GAIN, +4.0\u00a0points (+1.0 to +7.0), corrected for 2 comparisons by max-t.",
        Said(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Gain), Member("b", Outcome.Inconclusive))] }), StringComparison.Ordinal);

    [Fact]
    public void A_checkpoint_that_is_not_shown_to_be_better_is_not_settled() => Assert.Contains(
        "Whether an earlier checkpoint does better than the final one is not settled, the most promising being b: INCONCLUSIVE",
        Said(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "greedy of each checkpoint against the final one", Member("a", Outcome.Loss), Member("b", Outcome.Inconclusive))] }), StringComparison.Ordinal);

    [Fact]
    public void Where_all_are_settled_no_checkpoint_does_better() => Assert.Contains(
        "No earlier checkpoint does better than the final one: NO DIFFERENCE for 1, LOSS for 1, corrected for 2 comparisons by max-t.",
        Said(Sample with { Comparisons = [Family(FamilyKind.EachAgainstFinal, "Pass@1 of each checkpoint against the final one", Member("a", Outcome.Loss), Member("b", Outcome.NoDifference))] }), StringComparison.Ordinal);

    [Theory]
    [InlineData(-0.01, 0.11, "and whether sampled forgetting exceeds chance is INCONCLUSIVE, +5.0\u00a0points (−1.0 to +11.0)")]
    [InlineData(0.01, 0.09, "and sampled forgetting exceeds chance by +5.0\u00a0points (+1.0 to +9.0)")]
    public void Forgetting_is_said_beside_its_null(double low, double high, string said)
    {
        var chance = new ForgettingNull(new(0.2, 0.1, 0.3), 0.15, new(0.05, low, high), 0.04, 999);
        Assert.Contains(said, Said(Sample with { ForgettingNull = chance }), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_forgotten_is_said_so()
    {
        var none = Sample.Forgetting! with { Final = new(0.5, 0.4, 0.6), EverCorrect = new(0.5, 0.4, 0.6), TemporalForgetting = new(0, 0, 0), RecoverableErrorShare = 0 };
        Assert.Contains("None of the 30 problems that the final checkpoint gets wrong greedily was solved on the way.", Said(Sample with { Forgetting = none }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_large_true_change_is_found_from_answers_alone()
    {
        var said = Said(Sample);
        Assert.Contains("against the model before training: GAIN", said, StringComparison.Ordinal);
        Assert.Contains("sampled forgetting exceeds chance by +", said, StringComparison.Ordinal);
        Assert.Equal(5, Findings.KeyNumbers(Sample).Count);
    }

    [Fact]
    public void An_early_weight_is_judged_on_the_problems_that_did_not_choose_it()
    {
        var weights = Sample.EarlyWeights!;
        var gain = weights.Selection!.Gains.Members[0];
        var (value, note) = Findings.KeyNumbers(Sample).Select(number => (Text(number.Value), Text(number.Note))).Last();
        Assert.Equal(Text($"+{Number.Fixed(100 * gain.Difference.Value)}"), value);
        Assert.Contains(Text(Number.Points(gain.Together)), note, StringComparison.Ordinal);
        Assert.Contains("that did not choose it; 5 weights tried", note, StringComparison.Ordinal);
    }

    [Fact]
    public void An_early_weight_of_zero_means_that_no_mixture_was_better()
    {
        var selection = Sample.EarlyWeights!.Selection!;
        var weights = Sample.EarlyWeights with { Chosen = 0, Selection = selection with { Chosen = 0, Gains = selection.Gains with { Members = [] } } };
        Assert.Contains("No early weight beats checkpoint-400 on the problems for choosing.", Said(Sample with { EarlyWeights = weights }), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_scored_problem_nothing_is_said() =>
        Assert.Equal("No problem has all its answers, so nothing can be said yet.", Headline(Sample with { IncompleteProblems = [.. Sample.Problems.Select(p => p.Id)] }));

    [Theory]
    [InlineData(0.412, "41.2\u00a0%")]
    [InlineData(1, "100.0\u00a0%")]
    [InlineData(-0.0001, "0.0\u00a0%")]
    [InlineData(-0.021, "−2.1\u00a0%")]
    public void Shares_are_printed_in_percent_with_one_decimal(double share, string printed) => Assert.Equal(printed, Text(Number.Percent(share)));

    private static ComparisonFamily Family(FamilyKind kind, string name, params Scoring.Comparison[] members) => new(name, 0.02, members) { Kind = kind };

    private static Scoring.Comparison Member(string of, Outcome outcome, double low = 0.01, double high = 0.07) =>
        new(of, "t = 1", 60, 30, new(0.04, 0.02, 0.06), new((low + high) / 2, low, high), 0.01, 0.02, 0.05, outcome, 9, 4);

    private static string Headline(EvaluationScores scores) => Text(Findings.Headline(scores));

    private static string Said(EvaluationScores scores) => string.Join('\n', Verdicts.Write(scores)?.Blocks.OfType<Paragraph>().Select(paragraph => Text(paragraph.Text)) ?? []);

    private static string Plain(string html) => WebUtility.HtmlDecode(Regex.Replace(html, "<[^>]*>", ""));

    private static string Text(Prose prose) => string.Concat(prose.Pieces.Select(piece => piece.Text));
}
