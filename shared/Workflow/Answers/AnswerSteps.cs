namespace Hindsight.Workflow;

/// <summary>Cuts a finished answer into the steps that a process reward model scores.</summary>
internal static class AnswerSteps
{
    /// <summary>The steps, delimiters left in; blank ones belong to the step before.</summary>
    public static IReadOnlyList<string> Of(string text, string delimiter)
    {
        var steps = new List<string>();
        var start = 0;
        while (start < text.Length)
        {
            var place = text.IndexOf(delimiter, start, StringComparison.Ordinal);
            var end = place < 0 ? text.Length : place + delimiter.Length;
            var step = text[start..end];
            if (steps.Count > 0 && string.IsNullOrWhiteSpace(step))
            {
                steps[^1] += step;
            }
            else
            {
                steps.Add(step);
            }

            start = end;
        }

        return steps.Count == 0 ? [""] : steps;
    }
}
