namespace Hindsight.Scoring;

/// <summary>
/// One point of the retention curve: of answers that are right at some checkpoint, the share that is right so many checkpoints later too
/// (mean over all pairs so far apart). For sampled answers lag 0 is a second sample of the same checkpoint: what chance alone keeps.
/// </summary>
/// <param name="Lag">Checkpoints between the two.</param>
/// <param name="Score">The share, with its interval for new problems.</param>
public sealed record RetentionPoint(int Lag, Estimate Score);

internal static class Retention
{
    /// <param name="problems">By problem: answers and correct ones by checkpoint, in training order.</param>
    /// <param name="means">Their clusters.</param>
    /// <returns>By lag; a lag at which nothing was right before has no point, nor has lag 0 where a problem has a single answer.</returns>
    public static List<RetentionPoint> Of(IReadOnlyList<(int[] Drawn, int[] Correct)> problems, ClusteredMean means)
    {
        var points = new List<RetentionPoint>();
        var checkpoints = problems.Count == 0 ? 0 : problems[0].Drawn.Length;
        var again = problems.All(problem => Array.TrueForAll(problem.Drawn, n => n > 1));
        for (var lag = again ? 0 : 1; lag < checkpoints; lag++)
        {
            var (kept, right) = (new double[problems.Count], new double[problems.Count]);
            for (var i = 0; i < problems.Count; i++)
            {
                var (n, c) = problems[i];
                for (var j = 0; j + lag < checkpoints; j++)
                {
                    var rate = c[j] / (double)n[j];
                    right[i] += rate;
                    kept[i] += rate * (lag == 0 ? (c[j] - 1.0) / (n[j] - 1.0) : c[j + lag] / (double)n[j + lag]);
                }
            }

            if (means.Ratio(kept, right) is { } score)
            {
                points.Add(new(lag, score));
            }
        }

        return points;
    }
}
