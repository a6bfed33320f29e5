using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// Samples of one problem that have the same text. Some are chance, where answers are short or the model is sure. A sampler whose replicas
/// share a seed is not: then every text comes in multiples of the number of replicas, on every problem, and n is that much smaller than it looks.
/// </summary>
/// <param name="Share">Share of samples whose text an earlier sample of the problem has already.</param>
/// <param name="Distinct">Mean number of different texts for a problem.</param>
/// <param name="Factor">The largest number that divides how often every text occurs, on every problem: 1 when the samples were not replicated.</param>
/// <param name="EffectiveSamples">Mean samples for a problem, divided by the factor: the n that estimators should use.</param>
public sealed record DuplicateSamples(double Share, double Distinct, int Factor, double EffectiveSamples)
{
    /// <summary>From the hashes of the texts; null when any is unknown.</summary>
    internal static DuplicateSamples? Of(IReadOnlyList<IReadOnlyList<GradedAnswer>> problems)
    {
        if (problems.Count == 0 || problems.Any(samples => samples.Any(sample => sample.TextHash is null)))
        {
            return null;
        }

        long samples = 0, distinct = 0;
        var factor = 0;
        foreach (var problem in problems)
        {
            foreach (var (_, times) in problem.CountBy(sample => sample.TextHash!.Value))
            {
                samples += times;
                distinct++;
                factor = (int)BigInteger.GreatestCommonDivisor(factor, times);
            }
        }

        factor = Math.Max(1, factor);
        return samples == 0 ? null : new(1 - (distinct / (double)samples), distinct / (double)problems.Count, factor, samples / (double)problems.Count / factor);
    }

    /// <summary>
    /// The same suspicion where only counts are left: the largest d that divides the samples drawn and the correct ones everywhere. By chance
    /// d would divide a count that is neither 0 nor all with probability about 1/d each.
    /// </summary>
    /// <returns>The factor, 1 where there is none, and how many counts speak for it.</returns>
    internal static (int Factor, int Evidence) FactorOfCounts(IEnumerable<(int Drawn, int Correct)> counts)
    {
        int factor = 0, evidence = 0;
        foreach (var (drawn, correct) in counts)
        {
            factor = (int)BigInteger.GreatestCommonDivisor(BigInteger.GreatestCommonDivisor(factor, drawn), correct);
            evidence += correct > 0 && correct < drawn ? 1 : 0;
        }

        return (Math.Max(1, factor), evidence);
    }
}
