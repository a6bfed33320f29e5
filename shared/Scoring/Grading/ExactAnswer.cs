namespace Hindsight.Scoring;

/// <summary>The whole text as the answer.</summary>
internal static class ExactAnswer
{
    /// <returns>The text trimmed, every run of blanks as one space; null when nothing is left.</returns>
    public static string? Extract(string text)
    {
        var folded = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return folded.Length == 0 ? null : folded;
    }
}
