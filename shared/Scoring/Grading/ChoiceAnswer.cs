using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>The letter chosen in a multiple-choice question, A to Z.</summary>
internal static partial class ChoiceAnswer
{
    /// <summary>
    /// Looks, in this order, for: the last box; the last "answer is C" or "answer: (C)"; a text or last line that is a letter alone; a
    /// letter that leads the text ("D. Because …"); one after the word for "answer" in another language; the last "option C" or "(C)"; a letter that ends the text. Lower case counts only where
    /// it cannot be the article "a": boxed, in parentheses, or alone.
    /// </summary>
    public static ExtractedAnswer? Extract(string text)
    {
        if (BoxedAnswer.Find(text, out var box))
        {
            return Boxed(box) is { } boxed ? new(ExtractionRule.Boxed, boxed) : null;
        }

        text = Graders.Tail(text.Trim());
        return Last(Announced().Matches(text)) is { } announced ? new(ExtractionRule.Announced, announced)
            : Placed(text) is { } placed ? new(ExtractionRule.Letter, placed)
            : null;
    }

    /// <summary>What each rule finds, whatever the others do.</summary>
    public static IEnumerable<ExtractedAnswer> All(string text)
    {
        var tail = Graders.Tail(text.Trim());
        (ExtractionRule Rule, string? Answer)[] found =
        [
            (ExtractionRule.Boxed, BoxedAnswer.Find(text, out var box) ? Boxed(box) : null),
            (ExtractionRule.Announced, Last(Announced().Matches(tail))),
            (ExtractionRule.Letter, Placed(tail)),
        ];
        return found.Where(one => one.Answer is not null).Select(one => new ExtractedAnswer(one.Rule, one.Answer!));
    }

    private static string? Boxed(string? box) => box is { Length: < 100 } && Alone().Match(Unwrap(box)) is { Success: true } boxed ? Letter(boxed) : null;

    private static string? Placed(string text)
    {
        var lastLine = text[(text.LastIndexOf('\n') + 1)..];
        return First(Alone().Match(text))
            ?? First(Alone().Match(lastLine))
            ?? First(Leading().Match(text))
            ?? Last(Native().Matches(text))
            ?? Last(Marked().Matches(text))
            ?? First(Ending().Match(lastLine));
    }

    private static string Unwrap(string box) => Wrapper().Replace(box, "$1");

    private static string? Last(MatchCollection matches) => matches.Count == 0 ? null : Letter(matches[^1]);

    private static string? First(Match match) => match.Success ? Letter(match) : null;

    private static string Letter(Match match) => match.Groups.Cast<Group>().Skip(1).First(group => group.Success).Value.ToUpperInvariant();

    [GeneratedRegex(@"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Wrapper();

    [GeneratedRegex(@"(?i:answer)(?:\s+(?i:is|would be|should be))?\s*:?[\s*$""']*(?:\\boxed\{)?(?:\(([A-Za-z])\)|([A-Z])(?![A-Za-z'’]))", RegexOptions.CultureInvariant)]
    private static partial Regex Announced();

    // The word for "answer" in other languages, then the letter after at most a few words. Where blanks part no words, other letters may follow.
    [GeneratedRegex(
        @"(?:[Rr]éponse|[Aa]ntwort|[Rr]espuesta|[Rr]isposta|[Rr]esposta|[Оо]твет|[Cc]evap|[Oo]dpowiedź|答案|故选|答え|正解|정답|답은|उत्तर|জবাব|উত্তর|الإجابة|الجواب|คำตอบ)[^A-Z\n]{0,30}?(?:\(([A-Z])\)|(?<![A-Za-z])([A-Z])(?![A-Za-z'’]))",
        RegexOptions.CultureInvariant)]
    private static partial Regex Native();

    [GeneratedRegex(@"^[\s*$(""'\[]*([A-Za-z])[\s*$).:""'\]]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Alone();

    [GeneratedRegex(@"^[\s*]*(?:\(([A-Za-z])\)|([A-Z])[.):,]|([B-HJ-Z])(?=[^A-Za-z'’]))", RegexOptions.CultureInvariant)]
    private static partial Regex Leading();

    [GeneratedRegex(@"(?:(?i:option|choice)\s+\(?([A-Z])(?![A-Za-z'’])|\(([A-Z])\))", RegexOptions.CultureInvariant)]
    private static partial Regex Marked();

    [GeneratedRegex(@"(?<![A-Za-z'’])([A-Z])[\s*).""']*$", RegexOptions.CultureInvariant)]
    private static partial Regex Ending();
}
