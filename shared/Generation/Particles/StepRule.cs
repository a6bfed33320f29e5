using System.Globalization;
using System.Text.RegularExpressions;

namespace Hindsight.Generation;

/// <summary>
/// Where a step of an answer ends: behind a delimiter, or after so many tokens; and which steps end the answer itself. Such an answer keeps
/// the whole of its last step, unlike one that <see cref="Decoding.Stop"/> cuts.
/// </summary>
public sealed partial record StepRule
{
    private const int MostStops = 16;
    private const int LongestText = 256;
    private const int LongestPattern = 1024;

    /// <summary>Of a pattern with its counts written out. What its matching costs at each character grows faster than that.</summary>
    private const int MostStates = 2048;

    /// <summary>
    /// Steps with fewer letters may come again in a sound answer: formulas that differ in their digits only, and phrases such as "This gives us:".
    /// </summary>
    private const int FewestLetters = 20;

    private const string Unbounded = "must do without lookaround, backreferences, atomic groups and large counts, so that it is matched quickly whatever the text";
    // Without a time limit: with one, matching in pieces was seen to overlook matches of patterns with many states. Their number is the bound.
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    /// <summary>The texts of which any ends a step; none where only tokens count.</summary>
    public IReadOnlyList<string> Delimiters { get; init; } = ["\n\n"];

    /// <summary>Most tokens of a step.</summary>
    public int MostTokens { get; init; } = 1024;

    /// <summary>Texts, such as <c>\boxed</c>: an answer ends with the step in which one is completed.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>A regular expression, used instead of <see cref="Stop"/>: an answer ends with the first step in which it matches.</summary>
    public string? StopPattern { get; init; }

    /// <summary>
    /// Whether an answer ends when it repeats itself: when its new step is one of its earlier ones but for capitals, white space and digits.
    /// Steps with fewer than 20 letters do not count.
    /// </summary>
    public bool StopOnRepeat { get; init; }

    /// <summary>What is wrong with a stop pattern, to be read behind its name; null for nothing.</summary>
    public static string? MistakeOf(string pattern)
    {
        if (pattern.Length is 0 or > LongestPattern)
        {
            return $"must be a regular expression of 1 to {LongestPattern} characters";
        }

        try
        {
            _ = new Regex(pattern, Linear);
            var counts = Counts().Matches(pattern).Select(match => Math.Max(1, double.Parse(match.Groups["most"].Value, CultureInfo.InvariantCulture)));
            return counts.Aggregate((double)pattern.Length, (states, count) => states * count) > MostStates ? Unbounded : null;
        }
        catch (RegexParseException fault)
        {
            return $"is not a regular expression ({fault.Error} at character {fault.Offset})";
        }
        catch (NotSupportedException)
        {
            return Unbounded;
        }
    }

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    public void Validate()
    {
        if (Delimiters.Any(text => text is not { Length: > 0 and <= LongestText }))
        {
            throw new InvalidDataException($"A step delimiter must be a text of 1 to {LongestText} characters, or left out.");
        }

        if (MostTokens < 1)
        {
            throw new InvalidDataException($"A step has at most {MostTokens} tokens; that must be a positive number.");
        }

        if (Stop.Count > MostStops || Stop.Any(text => text is not { Length: > 0 and <= LongestText }))
        {
            throw new InvalidDataException($"The texts that stop an answer must be at most {MostStops}, of 1 to {LongestText} characters each.");
        }

        if (StopPattern is not null && MistakeOf(StopPattern) is { } mistake)
        {
            throw new InvalidDataException($"The stop pattern {mistake}.");
        }
    }

    /// <summary>Whether an answer ends with the newest of its steps. It follows from the steps alone, so that an answer read back ends again.</summary>
    internal bool EndsAnswer(IReadOnlyList<string> steps) =>
        (StopPattern is not null ? Regex.IsMatch(steps[^1], StopPattern, Linear) : Stop.Count > 0 && CompletesStop(steps)) || (StopOnRepeat && Repeats(steps));

    private bool CompletesStop(IReadOnlyList<string> steps)
    {
        var text = string.Concat(steps);
        var start = text.Length - steps[^1].Length;
        // A step that ends with its last token may end within the text that is looked for.
        return Stop.Any(stop => text.IndexOf(stop, Math.Max(0, start - stop.Length + 1), StringComparison.Ordinal) >= 0);
    }

    private static bool Repeats(IReadOnlyList<string> steps) =>
        steps[^1].Count(char.IsLetter) >= FewestLetters && Gist(steps[^1]) is var newest && steps.SkipLast(1).Any(step => Gist(step) == newest);

    [GeneratedRegex(@"\{([0-9]+,)?(?<most>[0-9]+),?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Counts();

    /// <summary>A step without what tells repetitions apart.</summary>
    private static string Gist(string step) => string.Join(
        ' ', string.Concat(step.Where(character => !char.IsDigit(character))).ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
