using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>What was chosen on one half of the problems, and what the choice is worth on the other.</summary>
internal static class Choices
{
    /// <summary>So many looks at a report split are not warned of.</summary>
    private const int FreeLooks = 2;

    public static Section? Write(ReportData data)
    {
        var scores = data.Scores;
        if (scores.Selections.Count == 0)
        {
            return null;
        }
        var blocks = new List<Block>
        {
            new Paragraph($"The best of several is flattered by luck. So each choice is made on the select split alone, and what is claimed for it comes from the report split, which had no say."),
            Table(scores.Selections),
        };
        blocks.AddRange(new[] { scores.ReportSplit, scores.EarlyWeights?.ReportSplit }.OfType<string>().Distinct().Select(split => Looked(split, data.Looks.Of(split))));
        foreach (var selection in scores.Selections)
        {
            blocks.AddRange(Gains(selection));
        }
        return new("choices", "What was chosen", blocks);
    }

    /// <summary>The report split's name, and how often it was looked at.</summary>
    public static Paragraph Looked(string split, int looks) => new(looks switch
    {
        0 => (Prose)$"The report split has the id {split}.",
        1 => $"The report split has the id {split}. No evaluation of this run was judged on it before.",
        <= FreeLooks => $"The report split has the id {split}. {Number.Count(looks, "evaluation", "evaluations")} of this run, this one included, were judged on it by now.",
        _ => $"Warning: {looks} evaluations of this run, this one included, were judged on the report split {split} by now. Where what they showed guided the next one, the split has had a say in it, and its numbers are flattered as well: draw it anew, by another seed or by new problems.",
    });

    /// <summary>Choices in one table: what was tried, what won, and how much of that may be luck.</summary>
    public static Table Table(IReadOnlyList<Selection> selections) => new(
        [$"Choice", $"By", $"Chosen", $"Tried", $"Score on select", $"Of which luck, about", $"Score on report", $"Problems select : report"],
        [.. selections.Select(selection => (IReadOnlyList<Prose>)[
            Kind(selection), $"{selection.Score}", $"{selection.Candidates[selection.Chosen].Name}", $"{selection.Tried}",
            Number.Percent(selection.Candidates[selection.Chosen].Select), Comparisons.Points(selection.WinnersCurse),
            $"{selection.Candidates[selection.Chosen].Report}", $"{selection.SelectProblems} : {selection.ReportProblems}"])],
        TextColumns: 3);

    /// <summary>On the report split, the chosen one against what could be had without choosing.</summary>
    public static IReadOnlyList<Block> Gains(Selection selection) => selection.Gains.Members.Count == 0
        ? [new Paragraph($"No {Kind(selection)} beat {selection.Candidates[selection.Chosen].Name} itself on the select split, so there is no gain to claim.")]
        : [new Paragraph($"The chosen {Kind(selection)}, {selection.Candidates[selection.Chosen].Name}, on the {selection.ReportProblems} problems that did not choose it:"), .. Comparisons.Blocks(selection.Gains)];

    private static Prose Kind(Selection selection) => selection.Choice switch
    {
        "checkpoint" => (Prose)$"checkpoint",
        "t" => $"t",
        "early weight" => $"early weight",
        var other => $"{other}",
    };
}
