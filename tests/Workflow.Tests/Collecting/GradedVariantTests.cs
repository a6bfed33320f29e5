using System.Text;
using Hindsight.Generation;
using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

public class GradedVariantTests
{
    [Fact]
    public void A_variant_counts_which_answers_were_guessed_and_where_marks_disagree()
    {
        var suite = Suite.Parse("s", Encoding.UTF8.GetBytes("""{"question": "1 + 1 =", "answer": "2", "grader": "math"}"""));
        string[] texts =
        [
            "The answer is 2. \\boxed{2}",
            "The answer is 3. \\boxed{2}",
            "\\boxed{\\frac{4}{2}}\n#### 2",
            "\\boxed{2}",
            "It might be 2 apples",
            "I do not know.",
        ];
        var completions = texts.Select((text, i) => new GradedCompletion(
            0, AnswerKind.Sampled, new Answer("w", "d", "p", i, 0, [1], text, 0, FinishReason.Stop, "CPU"),
            Graders.Grade(GraderKind.Math, ["2"], text, truncated: false, i, 1))).ToList();
        var variant = new GradedVariant(new Variant(new CheckpointVersion("checkpoint-1", 1, [])), completions, new Dictionary<int, (int, string?)>(), null);

        Assert.Equal(new ExtractionCounts("checkpoint-1", Read: 5, Guessed: 1, Marked: 3, Disagreeing: 1), variant.CountExtractions(suite));
    }
}
