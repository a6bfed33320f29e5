using System.Text.RegularExpressions;

namespace Hindsight.Models;

/// <summary>
/// A regular expression of Python's re from a file of unknown origin, matched against module names as re.fullmatch does. What would mean
/// something else in .NET is refused, and so is a pattern that takes long.
/// </summary>
internal sealed class PythonPattern
{
    private const int MostLength = 4096;

    // Letters and digits behind a backslash that mean the same in both languages.
    private const string SameEscapes = "AbBdDsSwWZafnrtv123456789";

    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    private readonly Regex regex;
    private readonly string place;

    /// <param name="pattern">The pattern.</param>
    /// <param name="place">File and field, for messages.</param>
    /// <param name="before">A pattern of ours that comes before it.</param>
    /// <param name="after">A pattern of ours that comes behind it.</param>
    /// <exception cref="InvalidDataException">It is no pattern, or one that the two languages read differently.</exception>
    public PythonPattern(string pattern, string place, string before = "", string after = "")
    {
        this.place = $"{place} has the pattern {StrictJson.Quoted(pattern)}";
        if (pattern.Length > MostLength)
        {
            throw new InvalidDataException($"{this.place}, which has {pattern.Length} characters; at most {MostLength} are supported.");
        }

        if (Difference(pattern) is { } difference)
        {
            throw new InvalidDataException($"{this.place}, which uses {StrictJson.Quoted(difference)}; this is not supported, list the modules by name instead.");
        }

        var whole = $@"\A(?:{before}(?:{pattern}){after})\z";
        try
        {
            try
            {
                // Linear in the text, whatever the pattern.
                regex = new Regex(whole, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Longest);
            }
            catch (NotSupportedException)
            {
                // Looking ahead and behind, and references back.
                regex = new Regex(whole, RegexOptions.CultureInvariant, Longest);
            }
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException($"{this.place}, which is not a regular expression.", fault);
        }
    }

    /// <exception cref="InvalidDataException">The pattern takes too long.</exception>
    public bool Matches(string module) => Match(module).Success;

    /// <summary>What the group "layer" took in a match; null without a match.</summary>
    /// <exception cref="InvalidDataException">The pattern takes too long.</exception>
    public string? Layer(string module) => Match(module) is { Success: true } match ? match.Groups["layer"].Value : null;

    private Match Match(string module)
    {
        try
        {
            return regex.Match(module);
        }
        catch (RegexMatchTimeoutException fault)
        {
            throw new InvalidDataException($"{place}, which takes more than {Longest.TotalMilliseconds} ms for one name; list the modules by name instead.", fault);
        }
    }

    /// <summary>The first construct that .NET would read differently, or null.</summary>
    private static string? Difference(string pattern)
    {
        var inClass = false;
        for (var index = 0; index < pattern.Length; index++)
        {
            var rest = pattern.AsSpan(index);
            switch (pattern[index])
            {
                case '\\':
                    if (rest.Length > 1 && char.IsAsciiLetterOrDigit(rest[1]) && !SameEscapes.Contains(rest[1], StringComparison.Ordinal))
                    {
                        return rest[..2].ToString();
                    }

                    index++;
                    break;
                case '[' when inClass && pattern[index - 1] == '-':
                    return "-[";
                case '[' when !inClass:
                    inClass = true;
                    // A bracket that comes first stands for itself.
                    index += rest.StartsWith("[^]") ? 2 : rest.StartsWith("[]") || rest.StartsWith("[^") ? 1 : 0;
                    break;
                case ']':
                    inClass = false;
                    break;
                case '{' when !inClass && rest.StartsWith("{,"):
                    return "{,";
                case '(' when !inClass && rest.StartsWith("(?") && !IsPlainGroup(rest[2..]):
                    return rest[..Math.Min(4, rest.Length)].ToString();
            }
        }

        return null;
    }

    private static bool IsPlainGroup(ReadOnlySpan<char> inside) =>
        inside is [':' or '=' or '!' or '>' or '#', ..] or ['<', '=' or '!', ..] or ['i', ')' or ':', ..];
}
