namespace Hindsight.Generation;

/// <summary>How sure a language model was of the tokens of one step: scores that need no reward model. Both are 0 at most.</summary>
public static class SelfCertainty
{
    /// <summary>The mean log-probability of the tokens drawn; 0 where there are none.</summary>
    public static double MeanLogProbability(IReadOnlyList<double> tokenLogProbabilities) =>
        tokenLogProbabilities.Count == 0 ? 0 : tokenLogProbabilities.Average();

    /// <summary>
    /// Minus the mean over the tokens of −∑ p ln p in nats, summed over the likeliest tokens that are given and not brought back to a sum of 1; 0
    /// where there are none.
    /// </summary>
    public static double NegativeEntropy(IReadOnlyList<IReadOnlyList<double>> topLogProbabilities) =>
        topLogProbabilities.Count == 0 ? 0 : topLogProbabilities.Average(top => top.Sum(p => double.IsNegativeInfinity(p) ? 0 : Math.Exp(p) * p));
}
