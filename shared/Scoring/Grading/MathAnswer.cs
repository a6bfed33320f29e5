using System.Buffers;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>A mathematical answer: found in a text, compared by value, and named for voting.</summary>
internal static partial class MathAnswer
{
    /// <summary>In the order in which they count.</summary>
    private static readonly string[] Announcements =
        ["final answer is", "answer is", "answers are", "answer:", "answer：", "答案是", "答案为", "答案:", "答案：", "réponse est", "réponse:", "réponse :", "respuesta es", "respuesta:"];

    /// <summary>The formulas that are looked through for the last one: a text of dollar signs must not be searched for ever.</summary>
    private const int MostFormulas = 2_000;

    private const int MostJoined = 10, MostWordCharacters = 40;

    private static readonly SearchValues<char> WordLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>
    /// The last box (none, if it is never closed); else what follows the last "####"; else what follows the last "answer is"; else the last
    /// formula, unless a number comes after it; else the whole text, if it is nothing but a formula; else the last number.
    /// </summary>
    public static ExtractedAnswer? Extract(string text)
    {
        if (BoxedAnswer.Find(text, out var box))
        {
            return string.IsNullOrWhiteSpace(box) || box.Length > MathNotation.MostCharacters ? null : new(ExtractionRule.Boxed, box);
        }

        text = Graders.Tail(text);
        if (Hash(text) is { } hash)
        {
            return new(ExtractionRule.Hash, hash);
        }

        if (Announced(text) is { } announced)
        {
            return new(ExtractionRule.Announced, announced);
        }

        if (LastFormula(text, out var end) is { } formula && NumberAnswer.Extract(text[end..]) is null)
        {
            // What cannot be read between two dollar signs is rather a sentence about prices.
            return IsReadable(formula) || NumberAnswer.Extract(text) is not { } price ? new(ExtractionRule.LastFormula, formula) : new(ExtractionRule.LastNumber, price);
        }

        return IsFormula(text) || IsWord(text) ? new(ExtractionRule.Whole, text.Trim()) : NumberAnswer.Extract(text) is { } number ? new(ExtractionRule.LastNumber, number) : null;
    }

    /// <summary>What each rule finds, whatever the others do.</summary>
    public static IEnumerable<ExtractedAnswer> All(string text)
    {
        var tail = Graders.Tail(text);
        (ExtractionRule Rule, string? Answer)[] found =
        [
            (ExtractionRule.Boxed, BoxedAnswer.Find(text, out var box) && box?.Length <= MathNotation.MostCharacters ? box : null),
            (ExtractionRule.Hash, Hash(tail)),
            (ExtractionRule.Announced, Announced(tail)),
            (ExtractionRule.LastFormula, LastFormula(tail, out _)),
            (ExtractionRule.LastNumber, NumberAnswer.Extract(tail)),
            (ExtractionRule.Whole, IsFormula(text) || IsWord(text) ? text.Trim() : null),
        ];
        return found.Where(one => !string.IsNullOrWhiteSpace(one.Answer)).Select(one => new ExtractedAnswer(one.Rule, one.Answer!));
    }

    /// <summary>Whether the extracted answer equals the gold answer, which may itself be boxed, announced or between dollar signs.</summary>
    public static bool AreEqual(string gold, string answer) =>
        MathEquality.AreEqual(BoxedAnswer.Find(gold, out var box) && box is not null ? box : Announced(gold) ?? gold, answer);

    /// <summary>The voting class: the exact value where it is a rational number or a list of them, else the simplified text without blanks.</summary>
    public static string Normalise(string answer)
    {
        var simple = MathNotation.Simplify(answer);
        var folded = MathWords.Folded(simple);
        return (MathWords.Meaning(folded) ?? MathParser.Parse(simple)) is { } node && MathEquality.Canonical(node) is { } canonical ? canonical : folded;
    }

    /// <summary>What follows the last "####" on its line.</summary>
    public static string? Hash(string text)
    {
        var at = text.LastIndexOf("####", StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var rest = text.AsSpan(at).TrimStart('#');
        var stop = rest.IndexOf('\n');
        var line = (stop < 0 ? rest : rest[..stop]).Trim().ToString();
        return line.Length == 0 ? null : IsFormula(line) ? line : NumberAnswer.Extract(line);
    }

    private static string? Announced(string text)
    {
        foreach (var announcement in Announcements)
        {
            var at = text.LastIndexOf(announcement, StringComparison.OrdinalIgnoreCase);
            if (at >= 0 && Stated(text[(at + announcement.Length)..]) is { } stated)
            {
                return stated;
            }
        }

        return null;
    }

    /// <summary>The formula that starts the rest of a sentence, or its words up to the full stop.</summary>
    private static string? Stated(string rest)
    {
        rest = rest.TrimStart(' ', '\n', '\r', '\t', ':', '：', '*', '"');
        var line = rest.AsSpan().IndexOf('\n');
        if (FirstFormula(rest, out var end) is { } formula)
        {
            // "$x = 2$ and $y = 3$".
            while (And().Match(rest, end) is { Success: true } joint && Formula().Match(rest, end + joint.Length) is { Success: true } next
                && next.Index == end + joint.Length && Content(next) is { } other)
            {
                formula += ", " + other;
                end = next.Index + next.Length;
            }

            // "The largest $n$ is 34."
            return Is().Match(rest, end) is { Success: true } more ? Stated(rest[(end + more.Length)..]) : formula;
        }

        rest = line < 0 ? rest : rest[..line];
        var stop = SentenceEnd().Match(rest);
        rest = (stop.Success ? rest[..stop.Index] : rest).Trim().Trim('*', '"', ' ');
        if (rest.Length == 0 || IsFormula(rest) || !rest.Any(char.IsAsciiDigit))
        {
            return rest.Length == 0 ? null : rest;
        }

        // "35 + 70 = 105 in all", "12 of the 50": the number after the last equals sign, else what stands before the first word, else the first number.
        var equals = rest.LastIndexOf('=');
        if (equals >= 0 && NumberAnswer.First(rest[(equals + 1)..]) is { } result)
        {
            return result;
        }

        var words = SecondWord().Match(rest);
        return words is { Success: true, Index: > 0 } && rest[..words.Index].Trim() is { Length: > 0 } before && IsFormula(before) ? before : NumberAnswer.First(rest);
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

    /// <summary>The last formula, with those before it that "and" or "or" joins to it.</summary>
    private static string? LastFormula(string text, out int end)
    {
        end = 0;
        var joined = new List<string?>();
        var count = 0;
        for (var match = Formula().Match(text); match.Success && count++ < MostFormulas; match = match.NextMatch())
        {
            if (joined.Count == MostJoined || And().Match(text, end) is not { Success: true } joint || end + joint.Length != match.Index)
            {
                joined.Clear();
            }

            joined.Add(Content(match));
            end = match.Index + match.Length;
        }

        return joined.Count == 0 || joined.Contains(null) ? null : string.Join(", ", joined);
    }

    private static string? Content(Match match) =>
        match.Groups.Cast<Group>().Skip(1).First(group => group.Success).Value is var content && string.IsNullOrWhiteSpace(content) ? null : content;

    /// <summary>A short text without words: "4a-2", "\frac{5}{8}", "x = 3".</summary>
    private static bool IsFormula(string text) => text.Length <= 200 && !Word().IsMatch(Command().Replace(text, " ")) && IsReadable(text);

    /// <summary>A text that is a single word, or words that stand for a number or a set: "Yes", "no solution".</summary>
    private static bool IsWord(string text) => text.Length <= MostWordCharacters
        && text.AsSpan().Trim(" .*\n\r\t") is { Length: > 0 } bare && (bare.IndexOfAnyExcept(WordLetters) < 0 || MathWords.Meaning(MathWords.Folded(bare.ToString())) is not null);

    private static bool IsReadable(string text) => MathParser.Parse(MathNotation.Simplify(text)) is not null;

    [GeneratedRegex(@"\$\$([^$]{1,500})\$\$|(?<!\\)\$((?:[^$\\]|\\.){1,500})\$|\\\(([\s\S]{1,500}?)\\\)|\\\[([\s\S]{1,500}?)\\\]", RegexOptions.CultureInvariant)]
    private static partial Regex Formula();

    [GeneratedRegex(@"\.(?:\s|$)", RegexOptions.CultureInvariant)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"\G\s*,?\s*(?:and|or)\s+", RegexOptions.CultureInvariant)]
    private static partial Regex And();

    [GeneratedRegex(@"\G\s+is\s", RegexOptions.CultureInvariant)]
    private static partial Regex Is();

    [GeneratedRegex(@"(?<=[^A-Za-z\\])[A-Za-z]{2,}", RegexOptions.CultureInvariant)]
    private static partial Regex SecondWord();

    [GeneratedRegex(@"[A-Za-z]{3,}", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex(@"\\[A-Za-z]+(?:\{[A-Za-z ]*\})?|sqrt|sin|cos|tan|log|and", RegexOptions.CultureInvariant)]
    private static partial Regex Command();
}
