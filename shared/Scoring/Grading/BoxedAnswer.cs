using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>The content of the last \boxed or \fbox, or of the last few where they are one answer: \boxed{1} and \boxed{2}.</summary>
internal static partial class BoxedAnswer
{
    private const int MostBoxes = 10;

    /// <param name="text">Any text.</param>
    /// <param name="content">What the last box holds; null when its brace is never closed: an earlier box is not the answer then.</param>
    /// <returns>Whether there is a box at all.</returns>
    public static bool Find(string text, out string? content)
    {
        var boxes = new List<string>();
        var start = Last(text, text.Length);
        content = start < 0 ? null : Content(text, start, out _);
        if (content is null)
        {
            return start >= 0;
        }

        boxes.Add(content);
        while (boxes.Count < MostBoxes && start > 0 && Last(text, start) is >= 0 and var earlier
            && Content(text, earlier, out var end) is { } joined && end <= start && Joint().IsMatch(text[end..start]))
        {
            boxes.Insert(0, joined);
            start = earlier;
        }

        content = string.Join(", ", boxes);
        return true;
    }

    /// <summary>Where the last box before a place starts; negative when there is none.</summary>
    private static int Last(string text, int before) =>
        Math.Max(text.AsSpan(0, before).LastIndexOf(@"\boxed", StringComparison.Ordinal), text.AsSpan(0, before).LastIndexOf(@"\fbox", StringComparison.Ordinal));

    private static string? Content(string text, int start, out int end)
    {
        start += text.AsSpan(start).StartsWith(@"\boxed", StringComparison.Ordinal) ? @"\boxed".Length : @"\fbox".Length;
        while (start < text.Length && text[start] == ' ')
        {
            start++;
        }

        if (start == text.Length || text[start] != '{')
        {
            // "\boxed 5$": up to the end of the formula or line.
            var stop = text.AsSpan(start).IndexOfAny('$', '\n');
            end = stop < 0 ? text.Length : start + stop;
            var bare = text[start..end].Trim();
            return bare.Length == 0 ? null : bare;
        }

        var depth = 0;
        for (end = start; end < text.Length; end++)
        {
            if (text[end] == '\\')
            {
                end++; // \{ and \} are printed braces.
            }
            else if (text[end] == '{')
            {
                depth++;
            }
            else if (text[end] == '}' && --depth == 0)
            {
                end++;
                return text[(start + 1)..(end - 1)];
            }
        }

        return null;
    }

    [GeneratedRegex(@"^\s*\$?\s*(?:[A-Za-z]{1,20}\s+){0,2}(?:,|,?\s*(?:\\text\{)?\s*(?:and|or)\s*\}?)\s*\$?\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Joint();
}
