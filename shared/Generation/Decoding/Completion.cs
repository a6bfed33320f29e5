namespace Hindsight.Generation;

/// <summary>Answers wanted for one prompt.</summary>
/// <param name="PromptIds">The rendered prompt as token ids.</param>
/// <param name="Samples">The indices of the wanted samples; an index fixes the sample's random numbers.</param>
/// <param name="Decoding">How they are drawn.</param>
/// <param name="Tag">Whatever the caller knows the request by.</param>
/// <param name="Adapter">The place of an adapter in the engine's stack; null for the weights alone.</param>
public sealed record GenerationRequest(
    IReadOnlyList<int> PromptIds, IReadOnlyList<int> Samples, Decoding Decoding, object? Tag = null, int? Adapter = null);

/// <summary>One answer.</summary>
/// <param name="Request">The request it belongs to.</param>
/// <param name="Sample">Its sample index.</param>
/// <param name="Ids">Every token that was drawn, also an end-of-text token and those that spell a stop text.</param>
/// <param name="Text">The decoded ids without the end-of-text token, cut before the first stop text.</param>
/// <param name="LogProbability">
/// The natural logarithm of the probability of <paramref name="Ids"/> given the prompt, under the model itself: temperature 1, nothing
/// left out.
/// </param>
/// <param name="TokenLogProbabilities">Its parts, one for each id.</param>
/// <param name="FinishReason">Why it ended.</param>
public sealed record Completion(
    GenerationRequest Request,
    int Sample,
    IReadOnlyList<int> Ids,
    string Text,
    double LogProbability,
    IReadOnlyList<float> TokenLogProbabilities,
    FinishReason FinishReason);

public enum FinishReason
{
    /// <summary>An end-of-text token or a stop text.</summary>
    Stop,

    /// <summary>The most tokens asked for, or that the engine or the model has room for.</summary>
    Length,
}
