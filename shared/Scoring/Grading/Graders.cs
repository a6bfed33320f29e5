namespace Hindsight.Scoring;

/// <summary>Judges answers. Safe on any text: time and memory are linear in its length, and what is parsed is bounded.</summary>
public static class Graders
{
    /// <summary>Changes whenever a verdict or a voting class can change.</summary>
    public const string Version = "3";

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
    /// <param name="tolerance">How far a <see cref="GraderKind.Number"/> may be from gold; <see cref="NumberTolerance.Digits"/> where none is declared.</param>
    public static GradedAnswer Grade(
        GraderKind kind, IReadOnlyList<string> gold, string text, bool truncated, int sample, int tokens, NumberTolerance? tolerance = null)
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(text);
        var extracted = Used(kind, text)?.Answer;
        var correct = extracted is not null && gold.Any(accepted => AreEqual(kind, accepted, extracted, tolerance ?? NumberTolerance.Digits));
        var verdict = correct ? Verdict.Correct
            : truncated ? Verdict.Truncated
            : extracted is null ? Verdict.NoAnswer
            : Verdict.Wrong;
        return new(sample, extracted is null ? null : VotingClass(kind, extracted), verdict, tokens);
    }

    /// <summary>Which rule finds the answer that is graded, what every other rule finds, and whether the marks of the writer agree.</summary>
    /// <param name="kind">The problem's grader.</param>
    /// <param name="text">The model's text.</param>
    public static Extraction Extract(GraderKind kind, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var used = Used(kind, text);
        IReadOnlyList<ExtractedAnswer> found = kind switch
        {
            GraderKind.Exact => used is null ? [] : [used],
            GraderKind.Choice => [.. ChoiceAnswer.All(text)],
            _ => [.. MathAnswer.All(text)],
        };
        var marked = found.Where(one => one.Rule is ExtractionRule.Boxed or ExtractionRule.Hash or ExtractionRule.Announced).ToList();
        return new(used?.Answer, used?.Rule, found, marked.Count < 2 ? null : marked.Skip(1).All(other => AreEqual(kind, marked[0].Answer, other.Answer, NumberTolerance.Digits)));
    }

    private static ExtractedAnswer? Used(GraderKind kind, string text) => kind switch
    {
        GraderKind.Exact => ExactAnswer.Extract(text) is { } whole ? new(ExtractionRule.Whole, whole) : null,
        GraderKind.Number => MathAnswer.Hash(Tail(text)) is { } line && NumberAnswer.Extract(line) is { } hash ? new(ExtractionRule.Hash, hash)
            : NumberAnswer.Extract(text) is { } number ? new(ExtractionRule.LastNumber, number) : null,
        GraderKind.Choice => ChoiceAnswer.Extract(text),
        GraderKind.Math => MathAnswer.Extract(text),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static bool AreEqual(GraderKind kind, string gold, string answer, NumberTolerance tolerance) => kind switch
    {
        GraderKind.Exact => ExactAnswer.Extract(gold) == answer,
        GraderKind.Number => NumberAnswer.AreEqual(gold, answer, tolerance),
        GraderKind.Choice => ChoiceAnswer.Extract(gold)?.Answer == answer,
        _ => MathAnswer.AreEqual(gold, answer),
    };

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
