namespace Hindsight.Generation;

/// <summary>
/// Which of the final particles is the answer. With particles that were never resampled these are the usual choices among independent
/// answers: the best score is best-of-N, the majority self-consistency, the majority by score weighted best-of-N.
/// </summary>
public static class FinalSelection
{
    /// <summary>The index of the highest score, the first of equals.</summary>
    public static int Best(IReadOnlyList<double> scores)
    {
        var best = 0;
        for (var i = 1; i < scores.Count; i++)
        {
            best = scores[i] > scores[best] ? i : best;
        }

        return best;
    }

    /// <summary>An index drawn by weight.</summary>
    /// <param name="logWeights">Need not be normalised.</param>
    /// <param name="uniform">A number of [0, 1).</param>
    /// <returns>Null where all weights are zero.</returns>
    public static int? Sample(IReadOnlyList<double> logWeights, double uniform)
    {
        double[] weights = [.. LogSpace.Normalised([.. logWeights]).Select(Math.Exp)];
        return weights.All(weight => weight == 0) ? null : Resampling.Categorical(weights, uniform);
    }

    /// <summary>
    /// The answer with the most weight, told by its index of the highest score; the first answer of equals. Answers that are null are not answers
    /// and are counted only where there is no other.
    /// </summary>
    /// <param name="answers">Equal answers are equal texts.</param>
    /// <param name="weights">Linear: particle weights, scores (weighted best-of-N), or all 1 (self-consistency).</param>
    /// <param name="scores">Choose the index within an answer, the first of equals.</param>
    /// <returns>Null where all weights are zero.</returns>
    public static int? Majority(IReadOnlyList<string?> answers, IReadOnlyList<double> weights, IReadOnlyList<double> scores)
    {
        var voters = Enumerable.Range(0, answers.Count).Where(i => weights[i] > 0).ToList();
        var candidates = voters.Exists(i => answers[i] is not null) ? voters.Where(i => answers[i] is not null) : voters;
        return candidates
            .GroupBy(i => answers[i])
            .MaxBy(group => group.Sum(i => weights[i]))?
            .MaxBy(i => scores[i]);
    }

    /// <summary>The chance that an answer drawn by weight is correct; 0 where all weights are zero.</summary>
    public static double ExpectedPassAt1(IReadOnlyList<double> logWeights, IReadOnlyList<bool> correct) =>
        LogSpace.Normalised([.. logWeights]).Zip(correct).Sum(particle => particle.Second ? Math.Exp(particle.First) : 0);
}
