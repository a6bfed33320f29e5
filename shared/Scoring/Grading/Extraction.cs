namespace Hindsight.Scoring;

/// <summary>A way to find the answer in a model's text.</summary>
public enum ExtractionRule
{
    /// <summary>The last \boxed{…}, or several joined by "and", "or" or a comma.</summary>
    Boxed,

    /// <summary>What follows the last "####" on its line, as in GSM8K.</summary>
    Hash,

    /// <summary>What follows the last "answer is" or "answer:".</summary>
    Announced,

    /// <summary>A choice's letter by its place: alone, leading, in parentheses, or at the end.</summary>
    Letter,

    /// <summary>The last formula between dollar signs or TeX brackets.</summary>
    LastFormula,

    /// <summary>The last number.</summary>
    LastNumber,

    /// <summary>The whole text.</summary>
    Whole,
}

/// <summary>What one rule finds.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Answer">The answer as it is written in the text.</param>
public sealed record ExtractedAnswer(ExtractionRule Rule, string Answer);

/// <summary>What every rule finds in one text.</summary>
/// <param name="Answer">The answer that is graded; null when there is none, also when a last box is never closed.</param>
/// <param name="Rule">The rule that found it.</param>
/// <param name="Found">What each rule finds, whether or not it is used, in the order of <see cref="ExtractionRule"/>.</param>
/// <param name="Agree">
/// Whether the rules that rest on a mark of the writer (<see cref="ExtractionRule.Boxed"/>, <see cref="ExtractionRule.Hash"/>,
/// <see cref="ExtractionRule.Announced"/>) find equal answers; null when fewer than two of them find one. The other rules guess, and a guess
/// that differs from a mark says nothing.
/// </param>
public sealed record Extraction(string? Answer, ExtractionRule? Rule, IReadOnlyList<ExtractedAnswer> Found, bool? Agree)
{
    /// <summary>Whether the answer was not marked by the writer but guessed from its place in the text.</summary>
    public bool IsGuess => Rule is ExtractionRule.Letter or ExtractionRule.LastFormula or ExtractionRule.LastNumber;
}
