using System.Buffers;
using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>Answers in words: Monday, no solution, twelve, (C).</summary>
internal static partial class MathWords
{
    private static readonly SearchValues<char> WordCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ' -");

    private static readonly string[] Articles = ["an", "a", "the"];

    private static readonly FrozenDictionary<string, MathNode> Meanings = Named().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Blanks and braces around exponents and subscripts of one character removed, lower case and without an article where it is words.</summary>
    public static string Folded(string simple)
    {
        var words = simple.AsSpan().Trim();
        foreach (var article in Articles)
        {
            if (words.Length > article.Length + 1 && words.StartsWith(article, StringComparison.OrdinalIgnoreCase) && words[article.Length] == ' ' && IsWords(words))
            {
                words = words[(article.Length + 1)..];
                break;
            }
        }

        var folded = ShortScript().Replace(string.Concat(words.ToString().Where(c => !char.IsWhiteSpace(c))), "$1");
        return folded.Length > 1 && IsWords(folded) ? folded.ToLowerInvariant() : folded.Trim('(', ')') is { Length: 1 } one ? one : folded;
    }

    /// <summary>The number or set that folded words stand for: "twelve", "no solution".</summary>
    public static MathNode? Meaning(string folded) => Meanings.GetValueOrDefault(folded);

    /// <summary>Whether an answer was written as text: \text{odd}.</summary>
    public static bool IsText(string written) => Text().IsMatch(written);

    /// <summary>Whether one is an option's letter and the other that letter with the option's text: B against "(B) 5".</summary>
    public static bool AreSameOption(string a, string b) => Letter(a, Alone()) is { } one && Letter(b, Option()) == one || Letter(b, Alone()) is { } other && Letter(a, Option()) == other;

    /// <summary>Whether words are "a.m." or "p.m.".</summary>
    public static bool IsHalfOfDay(string words) => HalfOfDay().IsMatch(words);

    /// <summary>Whether both are the same time of day; one may leave a.m. and p.m. out.</summary>
    public static bool AreSameTime(string a, string b)
    {
        var (x, y) = (Time().Match(a), Time().Match(b));
        var (p, q) = (x.Groups[2].Value, y.Groups[2].Value);
        return x.Success && y.Success && x.Groups[1].Value == y.Groups[1].Value && (p.Length == 0 || q.Length == 0 || char.ToLowerInvariant(p[0]) == char.ToLowerInvariant(q[0]));
    }

    private static string? Letter(string text, Regex form) => form.Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    private static bool IsWords(ReadOnlySpan<char> text) => text.IndexOfAnyExcept(WordCharacters) < 0 && !text.StartsWith("-");

    private static IEnumerable<KeyValuePair<string, MathNode>> Named()
    {
        string[] few = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
        string[] tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
        var numbers = few.Select((word, value) => (word, value)).ToList();
        foreach (var (ten, i) in tens.Select((word, i) => (word, i)))
        {
            numbers.Add((ten, 10 * (i + 2)));
            numbers.AddRange(Enumerable.Range(1, 9).SelectMany(one => new[] { (ten + "-" + few[one], (10 * (i + 2)) + one), (ten + few[one], (10 * (i + 2)) + one) }));
        }

        numbers.AddRange([("hundred", 100), ("onehundred", 100), ("thousand", 1000), ("onethousand", 1000)]);
        return
        [
            .. numbers.Select(number => KeyValuePair.Create(number.Item1, (MathNode)new MathNode.Number(Rational.Of(number.Item2)))),
            .. new[] { "nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset" }.Select(words => KeyValuePair.Create(words, (MathNode)MathNode.Nothing)),
            .. new[] { "allrealnumbers", "allreals", "realnumbers", "allrealvalues" }.Select(words => KeyValuePair.Create(words, (MathNode)MathNode.Reals)),
        ];
    }

    [GeneratedRegex(@"(?<=[\^_])\{([0-9A-Za-z])\}", RegexOptions.CultureInvariant)]
    private static partial Regex ShortScript();

    [GeneratedRegex(@"^[aApP]\.?\s?[mM]\.?$", RegexOptions.CultureInvariant)]
    private static partial Regex HalfOfDay();

    [GeneratedRegex(@"^\s*([0-9]{1,2}:[0-9]{2})\s*([aApP]\.?\s?[mM]\.?)?\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Time();

    [GeneratedRegex(@"^\s*\$*\\text(?:bf|it|rm|normal)?\s*\{[A-Za-z' -]*\}\s*\$*\.?\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Text();

    [GeneratedRegex(@"^\s*\(?([A-J])\)?\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Alone();

    [GeneratedRegex(@"^\s*(?:\((?=[A-J]\))|(?=[A-J][.):]))([A-J])[.):]\s+[\w$\\]", RegexOptions.CultureInvariant)]
    private static partial Regex Option();
}
