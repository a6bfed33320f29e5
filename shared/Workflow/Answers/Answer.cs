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
    IReadOnlyList<int> Ids, string Text, double LogProbability, FinishReason FinishReason, string Device);
