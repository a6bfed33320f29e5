namespace Hindsight.Scoring;

/// <summary>The content of the last \boxed or \fbox.</summary>
internal static class BoxedAnswer
{
    /// <param name="text">Any text.</param>
    /// <param name="content">What the last box holds; null when its brace is never closed: an earlier box is not the answer then.</param>
    /// <returns>Whether there is a box at all.</returns>
    public static bool Find(string text, out string? content)
    {
        content = null;
        var boxed = text.LastIndexOf(@"\boxed", StringComparison.Ordinal);
        var framed = text.LastIndexOf(@"\fbox", StringComparison.Ordinal);
        if (boxed < 0 && framed < 0)
        {
            return false;
        }

        var start = boxed > framed ? boxed + @"\boxed".Length : framed + @"\fbox".Length;
        while (start < text.Length && text[start] == ' ')
        {
            start++;
        }

        if (start == text.Length || text[start] != '{')
        {
            // "\boxed 5$": up to the end of the formula or line.
            var end = text.AsSpan(start).IndexOfAny('$', '\n');
            var bare = text[start..(end < 0 ? text.Length : start + end)].Trim();
            content = bare.Length == 0 ? null : bare;
            return true;
        }

        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++; // \{ and \} are printed braces.
            }
            else if (text[i] == '{')
            {
                depth++;
            }
            else if (text[i] == '}' && --depth == 0)
            {
                content = text[(start + 1)..i];
                return true;
            }
        }

        return true;
    }
}
