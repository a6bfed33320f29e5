using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>What all answers drawn in one way from one set of weights have in common.</summary>
/// <param name="Weights">Digest of the weights.</param>
/// <param name="Decoding">Digest of all else that can change a token.</param>
public sealed record AnswerSource(string Weights, string Decoding);

/// <summary>One stored completion.</summary>
/// <param name="Weights">Digest of the weights that made it.</param>
/// <param name="Decoding">Digest of how it was drawn.</param>
/// <param name="Prompt">Digest of the prompt's token ids.</param>
/// <param name="Sample">Its index among the samples of that prompt.</param>
/// <param name="Seed">Seed of its random stream.</param>
/// <param name="Ids">The token ids drawn, a final end-of-text id included.</param>
/// <param name="Text">Their text, without end-of-text and stop string.</param>
/// <param name="LogProbability">Sum of the natural log-probabilities of <paramref name="Ids"/> under the weights (temperature 1).</param>
/// <param name="FinishReason">Whether it ended by itself or was cut off.</param>
/// <param name="Device">What computed it: bits are promised to be the same on one device and build only.</param>
public sealed record Answer(
    string Weights, string Decoding, string Prompt, int Sample, ulong Seed,
    IReadOnlyList<int> Ids, string Text, double LogProbability, FinishReason FinishReason, string Device)
{
    /// <summary>The probabilities that a reward model gave its steps, or the whole of it; null where none was asked.</summary>
    public IReadOnlyList<double>? Rewards { get; init; }

    /// <summary>Tokens that the reward model read of it; the problem's, which it reads once for all answers, are not counted.</summary>
    public int? RewardTokens { get; init; }

    /// <summary>Why a reward model could not score it; the answer then has the weight zero.</summary>
    public string? Failure { get; init; }

    /// <summary>What it was in a population; null for an answer that was drawn by itself.</summary>
    public StoredParticle? Particle { get; init; }

    /// <summary>The population it was in, told with sample 0.</summary>
    public Population? Population { get; init; }
}

/// <summary>An answer's part in a population.</summary>
/// <param name="Weight">Its share of the final weight, in [0, 1].</param>
/// <param name="Score">The score of the whole of it, in [0, 1].</param>
/// <param name="StepEnds">How many tokens there are up to the end of each step.</param>
public sealed record StoredParticle(double Weight, double Score, IReadOnlyList<int> StepEnds);

/// <summary>Answers that grew together.</summary>
/// <param name="DrawnTokens">Tokens drawn, also of answers that were dropped and of earlier iterations.</param>
/// <param name="RewardTokens">Tokens the reward model read of answers.</param>
/// <param name="Chains">The filters of the last iteration; none of a search.</param>
public sealed record Population(long DrawnTokens, long RewardTokens, IReadOnlyList<PopulationChain> Chains);

/// <summary>One filter.</summary>
/// <param name="LogEvidence">The logarithm of its estimate of the evidence; null for an evidence of zero.</param>
/// <param name="Steps">Its rounds.</param>
public sealed record PopulationChain(double? LogEvidence, IReadOnlyList<PopulationStep> Steps);

/// <summary>A round of a filter.</summary>
/// <param name="EffectiveSampleSize">1 / ∑ W².</param>
/// <param name="IsResampled">Whether slots were replaced after it.</param>
/// <param name="Lineages">How many of the first round's particles have descendants still.</param>
/// <param name="Ancestors">For each slot the slot it went on from.</param>
/// <param name="Weights">The normalised weights before any resampling.</param>
/// <param name="LogEvidence">The logarithm of the estimate of the evidence so far; null for an evidence of zero.</param>
public sealed record PopulationStep(
    double EffectiveSampleSize, bool IsResampled, int Lineages, IReadOnlyList<int> Ancestors, IReadOnlyList<double> Weights, double? LogEvidence);
