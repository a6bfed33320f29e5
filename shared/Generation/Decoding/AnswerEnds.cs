namespace Hindsight.Generation;

/// <summary>Says whether an answer has ended, and gives it its text.</summary>
internal sealed class AnswerEnds(Func<IReadOnlyList<int>, string> decode, IReadOnlySet<int> eosIds, int maxLength)
{
    /// <summary>The answer if its newest token ended it.</summary>
    public Completion? Of(Row row)
    {
        var decoding = row.Request.Decoding;
        if (!decoding.IgnoreEos && eosIds.Contains(row.Ids[^1]))
        {
            return Complete(row, row.Ids[..^1], FinishReason.Stop);
        }

        if (SpellsStop(row))
        {
            return Complete(row, row.Ids, FinishReason.Stop);
        }

        return row.Ids.Count == decoding.MaxTokens || row.Length == maxLength ? Complete(row, row.Ids, FinishReason.Length) : null;
    }

    /// <summary>The answer as it stands, which a step ended.</summary>
    public Completion Stopped(Row row) => Complete(row, row.Ids, FinishReason.Stop);

    /// <summary>The answer as it stands, of which no more is drawn.</summary>
    public Completion CutOff(Row row) => Complete(row, row.Ids, FinishReason.Length);

    // Only the newest tokens are decoded at each step. A window of as many tokens as the longest stop text has bytes, and some more, can
    // miss one only where tokens of no text stand within it; it is found then when the answer ends, because the text is always cut.
    private bool SpellsStop(Row row)
    {
        const int Slack = 8;
        var stop = row.Request.Decoding.Stop;
        if (stop.Count == 0)
        {
            return false;
        }

        var window = (4 * stop.Max(text => text.Length)) + Slack;
        var newest = decode(window < row.Ids.Count ? row.Ids[^window..] : row.Ids);
        return stop.Any(text => newest.Contains(text, StringComparison.Ordinal));
    }

    private Completion Complete(Row row, IReadOnlyList<int> spoken, FinishReason reason)
    {
        var text = decode(spoken);
        var cut = row.Request.Decoding.Stop.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(place => place >= 0).DefaultIfEmpty(-1).Min();
        return new(
            row.Request, row.Sample, row.Ids, cut < 0 ? text : text[..cut],
            row.LogProbability, row.TokenLogProbabilities, cut < 0 ? reason : FinishReason.Stop);
    }
}
