using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>Pass@1 and Pass@k along the line between two checkpoints (WiSE-FT, arXiv 2504.10478), chosen and reported on different problems.</summary>
internal static class EarlyWeightCurve
{
    /// <param name="answers">The evaluation.</param>
    /// <param name="complete">Indices of the problems that are complete along the trajectory.</param>
    /// <returns>
    /// Null when none were wanted, when an endpoint (early weight 0 or 1) was not drawn, or when there are not two clusters of complete
    /// problems to split.
    /// </returns>
    public static EarlyWeightScores? Score(EvaluationAnswers answers, IReadOnlyList<int> complete)
    {
        if (answers.Interpolations is not { } set || answers.SamplesPerProblem == 0)
        {
            return null;
        }

        var points = set.Points.OrderBy(point => point.EarlyWeight).ToList();
        // Without both parents among the candidates a mixture could look good for want of rivals.
        if (points is not [{ EarlyWeight: 0 }, .., { EarlyWeight: 1 }])
        {
            return null;
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

        var selection = Selection.Of(
            ("early weight", "Pass@1"),
            points.ConvertAll(point => (point.EarlyWeight.ToString(CultureInfo.InvariantCulture), Values(point, problems, 1))),
            [0, points.Count - 1], set.Tried ?? points.Count, clusters, inSelect, answers.Margin, answers.Seed);
        var gain = selection.Chosen == 0
            ? new Estimate(0, 0, 0) // The late parent gains nothing over itself, by definition.
            : selection.Gains.Members[0].Difference;
        return new(set.Early, set.Late, select.Count, report.Count, k, scores, points[selection.Chosen].EarlyWeight, gain)
        {
            Selection = selection,
            ReportSplit = SelectSplit.ReportId(problems.ConvertAll(i => answers.ProblemIds[i]), inSelect),
        };
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
