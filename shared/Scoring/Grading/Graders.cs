namespace Hindsight.Scoring;

/// <summary>Judges answers. Safe on any text: time and memory are linear in its length, and what is parsed is bounded.</summary>
public static class Graders
{
    /// <summary>Changes whenever a verdict or a voting class can change.</summary>
    public const string Version = "2";

    /// <summary>The kind that a suite names: exact, number, choice or math.</summary>
    /// <exception cref="InvalidDataException">There is no such grader.</exception>
    public static GraderKind Parse(string name) => name switch
    {
        "exact" => GraderKind.Exact,
        "number" => GraderKind.Number,
        "choice" => GraderKind.Choice,
        "math" => GraderKind.Math,
        _ => throw new InvalidDataException($"There is no grader \"{name}\": use exact, number, choice or math."),
    };

    /// <summary>
    /// Grades one answer. It is correct if the extracted answer equals a gold answer, even when the text was cut off afterwards; else
    /// truncated if it was cut off; else there is no answer if none could be extracted; else it is wrong.
    /// </summary>
    /// <param name="kind">The problem's grader.</param>
    /// <param name="gold">The accepted answers; one is enough.</param>
    /// <param name="text">The model's text.</param>
    /// <param name="truncated">Whether the text was cut off at the token limit.</param>
    /// <param name="sample">The sample's index, carried over.</param>
    /// <param name="tokens">Tokens drawn, carried over.</param>
    public static GradedAnswer Grade(GraderKind kind, IReadOnlyList<string> gold, string text, bool truncated, int sample, int tokens)
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(text);
        var extracted = kind switch
        {
            GraderKind.Exact => ExactAnswer.Extract(text),
            GraderKind.Number => NumberAnswer.Extract(text),
            GraderKind.Choice => ChoiceAnswer.Extract(text),
            GraderKind.Math => MathAnswer.Extract(text),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        var correct = extracted is not null && gold.Any(accepted => kind switch
        {
            GraderKind.Exact => ExactAnswer.Extract(accepted) == extracted,
            GraderKind.Number => NumberAnswer.AreEqual(accepted, extracted),
            GraderKind.Choice => ChoiceAnswer.Extract(accepted) == extracted,
            _ => MathAnswer.AreEqual(accepted, extracted),
        });
        var verdict = correct ? Verdict.Correct
            : truncated ? Verdict.Truncated
            : extracted is null ? Verdict.NoAnswer
            : Verdict.Wrong;
        return new(sample, extracted is null ? null : VotingClass(kind, extracted), verdict, tokens);
    }

    /// <summary>
    /// The end of a text, where an answer that is not boxed stands. It bounds the work of the search, whose patterns are not all linear.
    /// </summary>
    internal static string Tail(string text) => text.Length <= TailLength ? text : text[^TailLength..];

    private const int TailLength = 10_000;

    private static string VotingClass(GraderKind kind, string extracted) => kind switch
    {
        GraderKind.Number => NumberAnswer.Normalise(extracted),
        GraderKind.Math => MathAnswer.Normalise(extracted),
        _ => extracted,
    };
}
