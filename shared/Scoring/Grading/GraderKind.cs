namespace Hindsight.Scoring;

/// <summary>How an answer is found in a text and compared with the gold answer.</summary>
public enum GraderKind
{
    /// <summary>The whole text, blanks folded, equals the gold answer.</summary>
    Exact,

    /// <summary>The number after the last "####", else the last number of the text, equals the gold number.</summary>
    Number,

    /// <summary>The chosen letter of a multiple-choice question.</summary>
    Choice,

    /// <summary>A mathematical answer: boxed, after "####", announced or last; compared by value.</summary>
    Math,
}
