using System.Text;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

public class SuiteTests
{
    [Fact]
    public void A_line_gives_a_problem()
    {
        var problem = Assert.Single(Parse("""{"id": "p", "question": "2 + 2?", "answer": "4", "grader": "number", "cluster": "sums"}""").Problems);

        Assert.Equal(("p", "2 + 2?", "4", GraderKind.Number, "sums"), (problem.Id, problem.Question, problem.Gold.Single(), problem.Grader, problem.Cluster));
    }

    [Fact]
    public void The_published_problem_sets_can_be_read_as_they_are()
    {
        var suite = Parse(
            """{"index": 76, "question": "How many?", "answer": "5", "solution": "…"}""",
            """{"unique_id": "test/precalculus/807.json", "problem": "Convert.", "answer": "\\left( 3, \\frac{\\pi}{2} \\right)", "level": 2}""",
            """{"id": 60, "problem": "Every morning", "answer": 204}""");

        Assert.Equal(["76", "test/precalculus/807.json", "60"], suite.Problems.Select(problem => problem.Id));
        Assert.Equal("204", suite.Problems[2].Gold.Single());
        Assert.All(suite.Problems, problem => Assert.Equal(GraderKind.Math, problem.Grader));
    }

    [Fact]
    public void A_number_may_have_a_tolerance_and_a_choice_its_options()
    {
        var suite = Parse(
            """{"question": "q", "answer": "3.14", "grader": "number", "absoluteTolerance": 0.005}""",
            """{"question": "q", "answer": "B", "grader": "choice", "options": {"A": "one", "B": "two", "C": "three"}}""",
            """{"question": "q", "answer": "B", "grader": "choice", "options": 4}""",
            """{"question": "q", "answer": "B", "grader": "choice", "options": "A) one B) two"}""");

        Assert.Equal(NumberTolerance.Of(0.005m, 0), suite.Problems[0].Tolerance);
        Assert.Equal([null, 3, 4, null], suite.Problems.Select(problem => problem.Options));
    }

    [Fact]
    public void A_conversation_takes_its_question_from_the_last_user_message()
    {
        var problem = Parse("""{"messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "2 + 2?"}], "answer": [4, "four"]}""").Problems[0];

        Assert.Equal(("1", "2 + 2?"), (problem.Id, problem.Question));
        Assert.Equal(["4", "four"], problem.Gold);
        Assert.Equal("system", problem.Messages![0].Role);
    }

    [Theory]
    [InlineData("", "has no problems")]
    [InlineData("\n \n", "has no problems")]
    [InlineData("not json", "line 1, is not JSON")]
    [InlineData("[1]", "line 1, is not a JSON object")]
    [InlineData("""{"id": "a", "answer": "1"}""", "line 1, has no question")]
    [InlineData("""{"id": "a", "question": "q"}""", "line 1, has no answer")]
    [InlineData("""{"id": "a", "question": {}, "answer": "1"}""", "'question' that is neither")]
    [InlineData("""{"id": "a", "question": "q", "answer": "1", "grader": "vibes"}""", "unknown grader")]
    [InlineData("{\"id\": \"a\", \"question\": \"q\", \"answer\": \"1\"}\n\n{\"id\": \"a\", \"question\": \"q\", \"answer\": \"1\"}", "line 3, has the id 'a' a second time")]
    [InlineData("""{"question": "\ud800", "answer": "1"}""", "broken Unicode escape")]
    [InlineData("""{"messages": [], "answer": "1"}""", "'messages' that are not a list")]
    [InlineData("""{"question": "q", "answer": "1", "grader": "number", "relativeTolerance": 2}""", "tolerance is")]
    [InlineData("""{"question": "q", "answer": "1", "grader": "number", "absoluteTolerance": "0.1"}""", "'absoluteTolerance' that is not a number")]
    [InlineData("""{"question": "q", "answer": "A", "grader": "choice", "options": ["yes"]}""", "'options' that are neither")]
    [InlineData("""{"messages": [{"role": "user"}], "answer": "1"}""", "message without role or content")]
    public void A_bad_suite_is_refused_with_its_name_and_line(string content, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => Parse(content));

        Assert.StartsWith("The suite s.jsonl", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_refused() =>
        Assert.Contains("not UTF-8", Assert.Throws<InvalidDataException>(() => Suite.Parse("s", new byte[] { 0xC3, 0x28 })).Message, StringComparison.Ordinal);

    [Fact]
    public void A_sample_is_fixed_and_keeps_the_ids_of_its_problems()
    {
        string[] lines = [.. Enumerable.Range(0, 40).Select(i => $$"""{"question": "{{i}}", "answer": "{{i}}"}""")];
        var suite = Parse(["\uFEFF", .. lines]);
        var sample = suite.Sample(10);

        Assert.Equal(10, sample.Problems.Count);
        Assert.All(sample.Problems, problem => Assert.Equal(suite.Problems.Single(whole => whole.Id == problem.Id).Question, problem.Question));
        Assert.Equal(sample.Digest, Parse(["\uFEFF", .. lines]).Sample(10).Digest);
        Assert.Equal(suite.Problems.Select(problem => problem.Id), suite.Sample(1000).Problems.Select(problem => problem.Id));
        // One more problem takes at most one place.
        Assert.InRange(Parse(["\uFEFF", .. lines, """{"question": "x", "answer": "y"}"""]).Sample(10).Problems.Select(problem => problem.Id)
            .Intersect(sample.Problems.Select(problem => problem.Id)).Count(), 9, 10);
    }

    private static Suite Parse(params string[] lines) => Suite.Parse("s", Encoding.UTF8.GetBytes(string.Join('\n', lines)));
}
