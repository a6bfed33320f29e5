using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>A mathematical answer: found in a text, compared by value, and named for voting.</summary>
internal static partial class MathAnswer
{
    private static readonly string[] Announcements = ["final answer is", "answer is", "answer:", "answer："];

    /// <summary>
    /// The last box (none, if it is never closed); else what follows the last "answer is"; else the last formula, unless a number comes
    /// after it; else the whole text, if it is nothing but a formula; else the last number.
    /// </summary>
    public static string? Extract(string text)
    {
        if (BoxedAnswer.Find(text, out var box))
        {
            return string.IsNullOrWhiteSpace(box) || box.Length > MathNotation.MostCharacters ? null : box;
        }

        text = Graders.Tail(text);
        foreach (var announcement in Announcements)
        {
            var at = text.LastIndexOf(announcement, StringComparison.OrdinalIgnoreCase);
            if (at >= 0 && Announced(text[(at + announcement.Length)..]) is { } announced)
            {
                return announced;
            }
        }

        if (LastFormula(text, out var end) is { } formula && NumberAnswer.Extract(text[end..]) is null)
        {
            // What cannot be read between two dollar signs is rather a sentence about prices.
            return IsReadable(formula) ? formula : NumberAnswer.Extract(text) ?? formula;
        }

        return IsFormula(text) ? text.Trim() : NumberAnswer.Extract(text);
    }

    /// <summary>Whether the extracted answer equals the gold answer, which may itself be boxed or between dollar signs.</summary>
    public static bool AreEqual(string gold, string answer)
    {
        var accepted = BoxedAnswer.Find(gold, out var box) && box is not null ? box : gold;
        return MathEquality.AreEqual(accepted, answer);
    }

    /// <summary>The voting class: the exact value where it is a rational number, else the simplified text without blanks.</summary>
    public static string Normalise(string answer)
    {
        var simple = MathNotation.Simplify(answer);
        var folded = MathWords.Folded(simple);
        return (MathWords.Meaning(folded) ?? MathParser.Parse(simple)) is { } node && MathEquality.Canonical(node) is { } canonical ? canonical : folded;
    }

    /// <summary>The formula that starts the rest of a sentence, or its words up to the full stop.</summary>
    private static string? Announced(string rest)
    {
        rest = rest.TrimStart(' ', '\n', '\r', '\t', ':', '*', '"');
        var line = rest.AsSpan().IndexOf('\n');
        if (FirstFormula(rest, out var end) is { } formula)
        {
            // "The largest $n$ is 34."
            return Is().Match(rest, end) is { Success: true } more ? Announced(rest[(end + more.Length)..]) : formula;
        }

        rest = line < 0 ? rest : rest[..line];
        var stop = SentenceEnd().Match(rest);
        rest = (stop.Success ? rest[..stop.Index] : rest).Trim().Trim('*', '"', ' ');
        return rest.Length == 0 ? null
            : IsFormula(rest) || !rest.Any(char.IsAsciiDigit) ? rest
            : NumberAnswer.Extract(rest);
    }

    /// <summary>A formula at the very start of the text, after at most a few words.</summary>
    private static string? FirstFormula(string text, out int end)
    {
        var match = Formula().Match(text);
        end = match.Index + match.Length;
        return match.Success && match.Index <= 40 && !text.AsSpan(0, match.Index).ContainsAny('.', '\n') && !text.AsSpan(0, match.Index).ContainsAnyInRange('0', '9')
            ? Content(match)
            : null;
    }

    private static string? LastFormula(string text, out int end)
    {
        end = 0;
        Match? last = null;
        for (var match = Formula().Match(text); match.Success; match = match.NextMatch())
        {
            last = match;
        }

        end = last is null ? 0 : last.Index + last.Length;
        return last is null ? null : Content(last);
    }

    private static string? Content(Match match) =>
        match.Groups.Cast<Group>().Skip(1).First(group => group.Success).Value is var content && string.IsNullOrWhiteSpace(content) ? null : content;

    /// <summary>A short text without words: "4a-2", "\frac{5}{8}", "x = 3".</summary>
    private static bool IsFormula(string text) => text.Length <= 200 && !Word().IsMatch(Command().Replace(text, " ")) && IsReadable(text);

    private static bool IsReadable(string text) => MathParser.Parse(MathNotation.Simplify(text)) is not null;

    [GeneratedRegex(@"\$\$([^$]{1,500})\$\$|(?<!\\)\$((?:[^$\\]|\\.){1,500})\$|\\\(([\s\S]{1,500}?)\\\)|\\\[([\s\S]{1,500}?)\\\]", RegexOptions.CultureInvariant)]
    private static partial Regex Formula();

    [GeneratedRegex(@"\.(?:\s|$)", RegexOptions.CultureInvariant)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"\G\s+is\s", RegexOptions.CultureInvariant)]
    private static partial Regex Is();

    [GeneratedRegex(@"[A-Za-z]{3,}", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex(@"\\[A-Za-z]+(?:\{[A-Za-z ]*\})?|sqrt|sin|cos|tan|log|and", RegexOptions.CultureInvariant)]
    private static partial Regex Command();
}
