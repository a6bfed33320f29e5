namespace Hindsight.Scoring;

/// <summary>
/// From one checkpoint to the next, with one sampled answer from each: the shares of problems lost, gained and kept, which sum to 1, beside
/// what chance alone gives.
/// </summary>
/// <param name="From">The checkpoint before.</param>
/// <param name="To">The checkpoint after.</param>
/// <param name="Forget">Right, then wrong.</param>
/// <param name="Improve">Wrong, then right.</param>
/// <param name="KeptCorrect">Right both times.</param>
/// <param name="KeptWrong">Wrong both times.</param>
/// <param name="ByChance">Right, then wrong, had both checkpoints the problem's pooled pass rate; wrong, then right, is as likely.</param>
/// <param name="ForgetExcess">Forget minus chance, paired by problem.</param>
/// <param name="ImproveExcess">Improve minus chance, paired by problem.</param>
public sealed record SampledStep(
    string From, string To, double Forget, double Improve, double KeptCorrect, double KeptWrong,
    double ByChance, Estimate ForgetExcess, Estimate ImproveExcess)
{
    internal static SampledStep Of(IReadOnlyList<ScoredProblem> problems, int from, string fromName, string toName, ClusteredMean means)
    {
        var rates = problems.Select(problem => (Before: Rate(problem, from), After: Rate(problem, from + 1))).ToList();
        var chance = problems.Select(problem =>
        {
            var (n, c) = (problem.Drawn[from] + problem.Drawn[from + 1], problem.Correct[from] + problem.Correct[from + 1]);
            return c / (double)n * (n - c) / (n - 1);
        }).ToArray();
        double[] forget = [.. rates.Select(rate => rate.Before * (1 - rate.After))], improve = [.. rates.Select(rate => (1 - rate.Before) * rate.After)];
        return new(
            fromName, toName, forget.Average(), improve.Average(),
            rates.Average(rate => rate.Before * rate.After), rates.Average(rate => (1 - rate.Before) * (1 - rate.After)), chance.Average(),
            means.Difference([.. forget.Zip(chance, (f, c) => f - c)]), means.Difference([.. improve.Zip(chance, (i, c) => i - c)]));

        static double Rate(ScoredProblem problem, int j) => problem.Correct[j] / (double)problem.Drawn[j];
    }
}
