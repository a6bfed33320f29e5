using System.Text.Json.Serialization;

namespace Hindsight.Generation;

/// <summary>One round of a particle filter.</summary>
/// <param name="LogPotentials">ln G of each slot in this step; 0 for those that had finished before, −∞ for a weight of zero.</param>
/// <param name="LogWeights">The logarithms of the normalised weights after it, before any resampling.</param>
/// <param name="EffectiveSampleSize">1 / ∑W², from 1 to N.</param>
/// <param name="LogEvidence">The logarithm of the estimate of Z so far, before any resampling.</param>
/// <param name="Temperature">That of resampling: above 1 where it was flattened.</param>
/// <param name="IsResampled">Whether slots were replaced.</param>
/// <param name="Ancestors">For each slot, the slot that it went on from.</param>
/// <param name="Lineages">How many of the first round's particles have descendants still.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
public sealed record FilterStep(
    IReadOnlyList<double> LogPotentials,
    IReadOnlyList<double> LogWeights,
    double EffectiveSampleSize,
    double LogEvidence,
    double Temperature,
    bool IsResampled,
    IReadOnlyList<int> Ancestors,
    int Lineages);

/// <summary>One particle and its path.</summary>
/// <param name="LogWeight">The logarithm of its normalised weight; −∞ for zero.</param>
/// <param name="Score">The score of its last prefix, from 0 to 1; 0 for one that failed.</param>
/// <param name="Root">The slot of the first round that it descends from.</param>
/// <param name="Path">The outcome of each of its steps.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
public sealed record WeightedParticle(double LogWeight, double Score, int Root, IReadOnlyList<StepOutcome> Path);

/// <summary>A step that could not be drawn or scored; both count from 0.</summary>
public readonly record struct FailedStep(int Round, int Slot);

/// <summary>What a particle filter gives.</summary>
/// <param name="Particles">
/// One for each slot. ∑ W f is consistent for the target's mean of f, with a bias that falls as 1 / N; what is unbiased for every N is
/// the evidence times that sum, whose mean is Z times the target's mean of f.
/// </param>
/// <param name="LogEvidence">
/// The logarithm of the estimate of Z, the chance that every step is right where potentials are step probabilities. The estimate is
/// unbiased, its logarithm too low on average. −∞ where every particle had the weight zero: the filter ended there, and its particles are no
/// sample of anything.
/// </param>
/// <param name="IsConditional">It ran around a reference; then its evidence is not unbiased.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
public sealed record FilterResult(
    IReadOnlyList<WeightedParticle> Particles,
    double LogEvidence,
    bool IsConditional,
    IReadOnlyList<FilterStep> Steps,
    IReadOnlyList<FailedStep> Failures)
{
    /// <summary>
    /// The weights of the particles of independent filters of one target taken together, each filter weighing as much as its evidence. An even
    /// mean over filters keeps the bias of small populations; this loses it as filters are added.
    /// </summary>
    /// <returns>For each filter the logarithms of its particles' weights; all together sum to 1.</returns>
    /// <exception cref="ArgumentException">A filter ran around a reference, so that its evidence is no weight.</exception>
    public static IReadOnlyList<IReadOnlyList<double>> Pool(IReadOnlyList<FilterResult> filters)
    {
        if (filters.Any(filter => filter.IsConditional))
        {
            throw new ArgumentException("Only filters without a reference are pooled by their evidence.", nameof(filters));
        }

        double[] all = [.. filters.SelectMany(filter => filter.Particles.Select(particle => filter.LogEvidence + particle.LogWeight))];
        var next = 0;
        all = LogSpace.Normalised(all);
        return [.. filters.Select(filter => all[next..(next += filter.Particles.Count)])];
    }
}
