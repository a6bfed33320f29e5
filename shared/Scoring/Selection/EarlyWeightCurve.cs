namespace Hindsight.Scoring;

/// <summary>Pass@1 and Pass@k along the line between two checkpoints (WiSE-FT, arXiv 2504.10478), chosen and reported on different problems.</summary>
internal static class EarlyWeightCurve
{
    /// <summary>Means this close are tied: they differ by rounding alone.</summary>
    private const double Tie = 1e-12;

    /// <param name="answers">The evaluation.</param>
    /// <param name="complete">Indices of the problems that are complete along the trajectory.</param>
    /// <returns>Null when none were wanted, or when there are not two clusters of complete problems to split.</returns>
    /// <exception cref="ArgumentException">There is no point with early weight 0 to compare with.</exception>
    public static EarlyWeightScores? Score(EvaluationAnswers answers, IReadOnlyList<int> complete)
    {
        if (answers.Interpolations is not { } set || answers.SamplesPerProblem == 0)
        {
            return null;
        }

        var points = set.Points.OrderBy(point => point.EarlyWeight).ToList();
        if (points.Count == 0 || points[0].EarlyWeight != 0)
        {
            throw new ArgumentException("The interpolations lack the late parent, early weight 0.", nameof(answers));
        }

        var problems = complete
            .Where(i => points.TrueForAll(point => point.Answers.Problems[i].Sampled.Count >= answers.SamplesPerProblem))
            .ToList();
        var clusters = problems.ConvertAll(i => answers.Clusters[i]);
        if (clusters.Distinct(StringComparer.Ordinal).Count() < 2)
        {
            return null;
        }

        var inSelect = SelectSplit.Of(clusters, answers.SelectShare, answers.Seed);
        var select = problems.Where((_, p) => inSelect[p]).ToList();
        var report = problems.Where((_, p) => !inSelect[p]).ToList();
        var means = new ClusteredMean(report.Select(i => answers.Clusters[i]));
        var k = LargerK(answers.SamplesPerProblem);
        var scores = points.ConvertAll(point => new EarlyWeightPoint(
            point.EarlyWeight,
            Values(point, select, 1).Average(),
            Values(point, select, k).Average(),
            means.Share(Values(point, report, 1)),
            means.Share(Values(point, report, k))));

        var best = scores.Max(point => point.SelectPassAt1);
        var chosen = scores.FindIndex(point => point.SelectPassAt1 >= best - Tie);
        var gain = chosen == 0
            ? new Estimate(0, 0, 0) // The late parent gains nothing over itself, by definition.
            : means.Difference([.. Values(points[chosen], report, 1).Zip(Values(points[0], report, 1), (with, without) => with - without)]);
        return new(set.Early, set.Late, select.Count, report.Count, k, scores, points[chosen].EarlyWeight, gain);
    }

    /// <summary>The largest power of two up to half the samples: large enough to show lost diversity, small enough to be estimated well.</summary>
    private static int LargerK(int samples)
    {
        var k = 1;
        while (k <= samples / 4)
        {
            k *= 2;
        }

        return k;
    }

    private static double[] Values(InterpolationAnswers point, List<int> problems, int k) =>
    [
        .. problems.Select(i => point.Answers.Problems[i])
            .Select(answers => PassAtK.Estimate(answers.Sampled.Count, answers.CorrectSamples(), k)),
    ];
}
