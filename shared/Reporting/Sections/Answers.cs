namespace Hindsight.Reporting.Sections;

/// <summary>Every answer, to be filtered and read beside another.</summary>
internal static class Answers
{
    public static Section? Write(ReportData data)
    {
        if (data.Answers.Count == 0)
        {
            return null;
        }
        var most = PackedAnswers.Longest(data.Answers);
        Prose cut = data.Answers.All(answer => answer.Text.Length <= most) ? (Prose)$"" : $" Texts longer than {most} characters are cut in the middle here; they stand in full in answers.jsonl.";
        return new("answers", "Every answer",
        [
            new Paragraph($"{Number.Count(data.Answers.Count, "graded answer", "graded answers")}, by problem. Choose a second checkpoint to read two answers to the same problem side by side.{cut}"),
            new AnswerBrowser(data),
        ]);
    }
}
