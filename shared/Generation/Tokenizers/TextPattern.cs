using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Hindsight.Generation;

/// <summary>
/// A pattern of a tokenizer.json, matched as the Rust library matches it: over Unicode scalars, with full case folding of the
/// Latin letters, and never for longer than a deadline.
/// </summary>
/// <remarks>
/// .NET matches UTF-16 units, for which no letter outside the basic plane is in <c>\p{L}</c>. So matching runs over a view of
/// the text that has one unit per scalar: a character outside the basic plane is shown as one of the same general category.
/// </remarks>
internal sealed class TextPattern
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private const int LongestText = 1 << 26;
    private readonly Regex regex;
    private readonly string source;
    private readonly string? literal;

    /// <exception cref="ArgumentException">The pattern is not one that both engines read in the same way.</exception>
    public TextPattern(string pattern)
    {
        source = pattern;
        if (pattern.Any(char.IsSurrogate))
            throw new ArgumentException("characters outside the basic plane are not supported");
        if (pattern.Contains("[[", StringComparison.Ordinal) || pattern.Contains("&&", StringComparison.Ordinal))
            throw new ArgumentException("nested character classes are not supported");
        var folded = FoldLongS(pattern);
        try
        {
            regex = new Regex(folded, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Deadline);
        }
        catch (NotSupportedException)
        {
            // Lookarounds (`\s+(?!\S)` in most real tokenizers) need the backtracking engine; the deadline bounds it.
            regex = new Regex(folded, RegexOptions.CultureInvariant, Deadline);
        }
    }

    private TextPattern(string pattern, string literal) : this(pattern) => this.literal = literal;

    public static TextPattern Literal(string text) =>
        text.Length > 0 ? new(Regex.Escape(text), text) : throw new ArgumentException("an empty text cannot be searched for");

    /// <summary>The matches in order, as ranges of the text.</summary>
    /// <exception cref="InvalidDataException">The pattern takes too long on this text.</exception>
    public List<(int Start, int End)> Matches(string text)
    {
        var (view, offsets) = ScalarView(text);
        var matches = new List<(int, int)>();
        var started = Stopwatch.GetTimestamp();
        try
        {
            foreach (var match in regex.EnumerateMatches(view))
            {
                matches.Add(offsets is null
                    ? (match.Index, match.Index + match.Length)
                    : (offsets[match.Index], offsets[match.Index + match.Length]));
                // Each match has a deadline of its own; a hostile pattern could use it up for each of a million matches.
                if ((matches.Count & 0xFF) == 0 && Stopwatch.GetElapsedTime(started) > Deadline)
                    throw TooSlow();
            }
        }
        catch (RegexMatchTimeoutException)
        {
            throw TooSlow();
        }
        return matches;
    }

    public string Replace(string text, string replacement)
    {
        if (literal is not null)
        {
            Limit(text, text.AsSpan().Count(literal), replacement);
            return text.Replace(literal, replacement, StringComparison.Ordinal);
        }
        var matches = Matches(text);
        Limit(text, matches.Count, replacement);
        if (matches.Count == 0)
            return text;
        var replaced = new StringBuilder(text.Length);
        var position = 0;
        foreach (var (start, end) in matches)
        {
            replaced.Append(text, position, start - position).Append(replacement);
            position = end;
        }
        return replaced.Append(text, position, text.Length - position).ToString();
    }

    private void Limit(string text, int matches, string replacement)
    {
        if (text.Length + (long)matches * replacement.Length > LongestText)
            throw new InvalidDataException($"The tokenizer's replacement of '{source}' makes a text longer than {LongestText} characters: use another tokenizer or shorten the text.");
    }

    private InvalidDataException TooSlow() =>
        new($"The tokenizer's pattern '{source}' takes longer than {Deadline.TotalSeconds} seconds on a text: use another tokenizer or shorten the text.");

    private static (string View, int[]? Offsets) ScalarView(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return (text, null);
        var view = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        var position = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            view.Append(rune.IsBmp ? (char)rune.Value : Representative(Rune.GetUnicodeCategory(rune)));
            offsets.Add(position);
            position += rune.Utf16SequenceLength;
        }
        offsets.Add(position);
        return (view.ToString(), [.. offsets]);
    }

    /// <summary>A rare character of the basic plane with the given general category.</summary>
    private static char Representative(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\uA680',
        UnicodeCategory.LowercaseLetter => '\uA681',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA67F',
        UnicodeCategory.OtherLetter => '\uA66E',
        UnicodeCategory.NonSpacingMark => '\uA67D',
        UnicodeCategory.SpacingCombiningMark => '\uA823',
        UnicodeCategory.EnclosingMark => '\uA670',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.DashPunctuation => '\uFE58',
        UnicodeCategory.OpenPunctuation => '\uFE35',
        UnicodeCategory.ClosePunctuation => '\uFE36',
        UnicodeCategory.OtherPunctuation => '\uA673',
        UnicodeCategory.MathSymbol => '\uFE62',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\u2061',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u0378',
    };

    /// <summary>
    /// Lets an s inside <c>(?i:…)</c> match the long s (U+017F), as Unicode case folding has it and .NET has not.
    /// </summary>
    private static string FoldLongS(string pattern)
    {
        if (!pattern.Contains("(?i:", StringComparison.Ordinal))
            return pattern;
        var folded = new StringBuilder();
        var groups = new Stack<bool>();
        var inClass = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var character = pattern[i];
            if (character == '\\' && i + 1 < pattern.Length)
            {
                folded.Append(character).Append(pattern[++i]);
                continue;
            }
            if (inClass)
                inClass = character != ']';
            else if (character == '[')
                inClass = true;
            else if (character == '(')
                groups.Push(pattern.AsSpan(i).StartsWith("(?i:") || (groups.TryPeek(out var outer) && outer));
            else if (character == ')')
                groups.TryPop(out _);

            var ignoresCase = groups.TryPeek(out var inner) && inner;
            folded.Append(ignoresCase && character is 's' or 'S' ? (inClass ? $"{character}\u017F" : $"[{character}\u017F]") : character.ToString());
        }
        return folded.ToString();
    }
}
