namespace Hindsight.Reporting.Sections;

/// <summary>Problems solved on the way and lost at the end, both answers side by side.</summary>
internal static class LostAnswers
{
    public static Section? Write(ReportData data)
    {
        if (data.LostExamples.Count == 0)
        {
            return data.Scores.Trajectory.Count < 2 ? null : new("lost", "Solved on the way, lost at the end",
                [new Paragraph($"No problem stands out as solved at a checkpoint and lost at the end.")]);
        }
        var blocks = new List<Block>
        {
            new Paragraph($"{Number.Count(data.LostExamples.Count, "problem", "problems")} solved on the way and wrong at the end, the largest fall in pass rate first. Words that both answers share from the start are paler."),
        };
        foreach (var example in data.LostExamples)
        {
            var text = data.Problems.FirstOrDefault(problem => problem.Id == example.ProblemId);
            var rates = data.Scores.LostProblems.FirstOrDefault(problem => problem.ProblemId == example.ProblemId);
            var sampled = data.Scores.SamplesPerProblem > 0 && rates is not null;
            blocks.Add(new AnswerPair(
                $"{example.ProblemId}", text?.Question, text?.Gold,
                new(
                    sampled ? (Prose)$"{example.SolvedAt}, right in {Number.Percent(rates!.SolvedRate)} of samples ({example.SolvedDrawn})" : $"{example.SolvedAt} ({example.SolvedDrawn})",
                    IsRight: true, example.SolvedText),
                new(
                    sampled ? (Prose)$"The final checkpoint, right in {Number.Percent(rates!.FinalRate)} of samples ({example.FinalDrawn})" : $"The final checkpoint ({example.FinalDrawn})",
                    IsRight: false, example.FinalText)));
        }
        return new("lost", "Solved on the way, lost at the end", blocks);
    }
}
