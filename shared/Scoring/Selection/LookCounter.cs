namespace Hindsight.Scoring;

/// <summary>
/// How often each report split has been looked at. A report split that is used again and again to choose the next experiment turns into a
/// select split: after a few looks it should be drawn anew.
/// </summary>
/// <param name="Looks">By the id of the split (<see cref="EvaluationScores.ReportSplit"/>).</param>
public sealed record LookCounter(IReadOnlyDictionary<string, int> Looks)
{
    /// <summary>No split has been looked at.</summary>
    public static LookCounter None { get; } = new(new Dictionary<string, int>());

    /// <summary>Looks at a split so far.</summary>
    public int Of(string split) => Looks.GetValueOrDefault(split);

    /// <summary>The counts after one more look.</summary>
    public LookCounter After(string split) => new(new SortedDictionary<string, int>(Looks.ToDictionary(), StringComparer.Ordinal) { [split] = Of(split) + 1 });
}
