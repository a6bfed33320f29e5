using System.Text;
using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

public class AnswerLinesTests
{
    private static readonly Suite Suite = Suite.Parse("s", Encoding.UTF8.GetBytes("""
        {"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}
        {"id": "b", "question": "1 + 2 =", "answer": "3", "grader": "number"}
        """));

    [Fact]
    public async Task Of_each_problem_the_greedy_answer_the_first_right_and_the_first_other_sample_are_read()
    {
        var written = AnswerLines.Write(Suite, [Variant("checkpoint-1", "9", "9"), Variant("checkpoint-2", "1", "7", "2", "2", "8")]);

        var read = await ReadAsync(written, "checkpoint-2");

        Assert.Equal(
            ["a  Wrong 1", "a 0 Wrong 7", "a 1 Correct 2", "b  Wrong 1", "b 0 Wrong 7"],
            read.Select(answer => $"{answer.ProblemId} {answer.Sample} {answer.Verdict} {answer.Text}"));
        Assert.All(read, answer => Assert.Equal(("checkpoint-2", "stop", 1), (answer.Variant, answer.FinishReason, answer.Tokens)));
        Assert.Empty(await ReadAsync(written, "checkpoint-3"));
    }

    [Theory]
    [InlineData("checkpoint-2")]
    [InlineData("""{"variant": "checkpoint-2"}""")]
    [InlineData("""{"variant": "checkpoint-2", "problem": null, "kind": "sampled", "sample": 0, "verdict": "wrong", "finishReason": "stop", "tokens": 1, "text": ""}""")]
    [InlineData("""{"variant": "checkpoint-2", "problem": "a", "kind": "sampled", "sample": 0, "verdict": "splendid", "finishReason": "stop", "tokens": 1, "text": ""}""")]
    public async Task A_line_that_is_no_answer_is_refused_by_its_number(string line)
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync("\n" + line, "checkpoint-2"));

        Assert.StartsWith("answers.jsonl, line 2, is no answer; make the report again to get a whole file.", error.Message, StringComparison.Ordinal);
    }

    private static Task<IReadOnlyList<Reporting.ShownAnswer>> ReadAsync(string text, string variant) =>
        AnswerLines.ReadExamplesAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), variant, "answers.jsonl", CancellationToken.None);

    /// <summary>Both problems have the same texts: the greedy one first.</summary>
    private static GradedVariant Variant(string name, params string[] texts) => new(
        new Variant(new CheckpointVersion(name, null, [])),
        [.. Enumerable.Range(0, 2).SelectMany(problem => texts.Select((text, i) => new GradedCompletion(
            problem, i == 0 ? AnswerKind.Greedy : AnswerKind.Sampled, new Answer("w", "d", "p", Math.Max(0, i - 1), 0, [1], text, 0, FinishReason.Stop, "CPU"),
            Graders.Grade(Suite.Problems[problem].Grader, Suite.Problems[problem].Gold, text, truncated: false, Math.Max(0, i - 1), 1))))],
        new Dictionary<int, (int, string?)>(), null);
}
