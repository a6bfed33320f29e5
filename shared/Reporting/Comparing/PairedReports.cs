using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>Two reports, paired by problem.</summary>
/// <param name="First">The earlier, or the baseline.</param>
/// <param name="Second">The later.</param>
/// <param name="IsSampled">Whether sampled answers are compared (Pass@1) or greedy ones.</param>
/// <param name="Final">The final checkpoints compared: what is claimed.</param>
/// <param name="Best">The checkpoints with the highest score compared; null where these are the final ones.</param>
/// <param name="BestOfFirst">Index of the first's highest checkpoint.</param>
/// <param name="BestOfSecond">Index of the second's highest checkpoint.</param>
internal sealed record PairedReports(
    ComparedReport First, ComparedReport Second, bool IsSampled, EvaluationComparison Final, EvaluationComparison? Best, int BestOfFirst, int BestOfSecond)
{
    // Of the sign flips and the family's critical value: the same comparison must come out the same twice.
    private const ulong Seed = 0;

    /// <summary>What each side is called: its run, or, within one run, its evaluation.</summary>
    public (string First, string Second) Names => First.Run != Second.Run ? (First.Run, Second.Run) : ($"{First.Run}/{First.Evaluation}", $"{Second.Run}/{Second.Evaluation}");

    /// <summary>Pairs two reports.</summary>
    /// <exception cref="InvalidDataException">There is nothing to pair.</exception>
    public static PairedReports Of(ComparedReport first, ComparedReport second, double margin)
    {
        foreach (var report in new[] { first, second })
        {
            if (report.Scores.Trajectory.Count == 0 || (!report.IsSampled && !report.IsGreedy))
            {
                throw new InvalidDataException($"{Inert.Line(report.Run)} has no scored problem, so there is nothing to compare.");
            }
        }
        var sampled = first.IsSampled && second.IsSampled;
        if (!sampled && !(first.IsGreedy && second.IsGreedy))
        {
            throw new InvalidDataException("One report scores sampled answers only and the other greedy ones only; evaluate both in the same way to compare them.");
        }
        var (best, other) = (Highest(first.Scores, sampled), Highest(second.Scores, sampled));
        var (last, end) = (first.Scores.Trajectory.Count - 1, second.Scores.Trajectory.Count - 1);
        return new(first, second, sampled, Compare(last, end), (best, other) == (last, end) ? null : Compare(best, other), best, other);

        EvaluationComparison Compare(int one, int two) =>
            EvaluationComparison.Of(first.Counts(one, sampled), second.Counts(two, sampled), (first.Scores.Trajectory[one].Name, second.Scores.Trajectory[two].Name), margin, Seed)
            ?? throw new InvalidDataException($"{Inert.Line(first.Run)} and {Inert.Line(second.Run)} share no problem, so there is nothing to pair.");
    }

    /// <summary>A checkpoint's score.</summary>
    public Estimate? Score(CheckpointScores checkpoint) => IsSampled ? checkpoint.PassAt1 : checkpoint.Greedy;

    // The latest among equals.
    private static int Highest(EvaluationScores scores, bool sampled) => Enumerable.Range(0, scores.Trajectory.Count)
        .MaxBy(c => ((sampled ? scores.Trajectory[c].PassAt1 : scores.Trajectory[c].Greedy)?.Value ?? -1, c));
}
