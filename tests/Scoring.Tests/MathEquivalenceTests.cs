using System.Text.Json;

namespace Hindsight.Scoring.Tests;

/// <summary>Our own table of answers that are equal or not, by classes of notation; mathematics decides.</summary>
public class MathEquivalenceTests
{
    private sealed record Row(bool Equal, string Gold, string Answer);

    private static readonly List<Row> Rows =
    [
        .. File.ReadLines(TestData.PathTo("grading", "equivalences.tsv"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t'))
            .Select(fields => new Row(fields[0] == "1", fields[1], fields[2])),
    ];

    private static bool AreEqual(string gold, string answer) =>
        Graders.Grade(GraderKind.Math, [gold], $@"So \boxed{{{answer}}}.", truncated: false, 0, 0).Verdict == Verdict.Correct;

    private static void AssertNone<T>(IEnumerable<T> wrong) => Assert.True(!wrong.Any(), string.Join('\n', wrong));

    [Fact]
    public void Answers_are_equal_where_mathematics_says_so()
    {
        Assert.True(Rows.Count > 600);
        AssertNone(Rows.Where(row => AreEqual(row.Gold, row.Answer) != row.Equal));
    }

    [Fact]
    public void Texts_answer_a_problem_where_mathematics_says_so()
    {
        var rows = File.ReadLines(TestData.PathTo("grading", "texts.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.True(rows.Count > 500);
        AssertNone(rows.Where(row =>
        {
            var verdict = Graders.Grade(
                Graders.Parse(row.GetProperty("grader").GetString()!), [row.GetProperty("gold").GetString()!], row.GetProperty("text").GetString()!, truncated: false, 0, 0).Verdict;
            return (verdict == Verdict.Correct) != row.GetProperty("equal").GetBoolean();
        }));
    }

    [Fact]
    public void Equality_is_symmetric() => AssertNone(Rows.Where(row => AreEqual(row.Gold, row.Answer) != AreEqual(row.Answer, row.Gold)));

    [Fact]
    public void Every_answer_equals_itself() =>
        AssertNone(Rows.SelectMany(row => new[] { row.Gold, row.Answer }).Where(text => !string.IsNullOrWhiteSpace(text) && !AreEqual(text, text)));
}
