using System.Text.Json.Serialization;

namespace Hindsight.Generation;

/// <summary>Answers to one prompt that are wanted of a population.</summary>
/// <param name="PromptIds">The rendered prompt as token ids.</param>
/// <param name="Population">A new one, or one that was resumed; it is used up.</param>
/// <param name="Decoding">How tokens are drawn. With equal seeds a population that is never resampled draws what plain sampling draws.</param>
/// <param name="Steps">Where steps end.</param>
public sealed record PopulationRequest(IReadOnlyList<int> PromptIds, IPopulation Population, Decoding Decoding, StepRule Steps)
{
    /// <summary>The prompt as the reward model reads it; null where steps are scored by the model's own certainty.</summary>
    public RewardPrompt? Conversation { get; init; }

    /// <summary>Whether a process reward model is given the whole answer so far as one step (<see cref="Aggregation.Model"/>).</summary>
    public bool ScoresWhole { get; init; }

    /// <summary>
    /// Whether each step is followed by a greedy one, which is scored and forgotten: its reward steers resampling
    /// (<see cref="StepOutcome.LookAhead"/>). Needs a reward model.
    /// </summary>
    public bool LooksAhead { get; init; }

    /// <summary>The sample index of slot 0; chains that run side by side have samples of their own.</summary>
    public int FirstSample { get; init; }

    /// <summary>The answer that slot 0 follows, step by step; null where the population has no reference.</summary>
    public ParticleText? Reference { get; init; }

    /// <summary>
    /// The round at which the population was resumed, whose texts are read again token by token, so that what follows has the same bits;
    /// null for a new one.
    /// </summary>
    public PopulationRound? Resumed { get; init; }

    /// <summary>The place of an adapter in the engine's stack; null for the weights alone.</summary>
    public int? Adapter { get; init; }

    /// <summary>Whatever the caller knows the request by.</summary>
    public object? Tag { get; init; }
}

/// <summary>What a particle holds between two rounds: all that is needed, with the population's state, to go on in another process.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="LogProbabilities">Theirs, under the model itself.</param>
/// <param name="LogProbability">Their sum, as it was added up.</param>
/// <param name="StepEnds">How many tokens there are up to the end of each step.</param>
/// <param name="Rewards">What each step was given; fewer where one could not be scored.</param>
/// <param name="End">Why the answer ended; null while it goes on.</param>
/// <param name="Failure">Why it failed, if it did.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
public sealed record ParticleText(
    IReadOnlyList<int> Ids, IReadOnlyList<float> LogProbabilities, double LogProbability, IReadOnlyList<int> StepEnds, IReadOnlyList<Reward> Rewards,
    FinishReason? End, string? Failure);

/// <summary>A population's answers.</summary>
/// <param name="Request">The request they belong to, with the population, which has their weights.</param>
/// <param name="Answers">By slot.</param>
/// <param name="Particles">The same, with their steps.</param>
/// <param name="Ended">Every answer that ended, by the round (from 0) and the slot in which it did: a search may have given its slot to others.</param>
/// <param name="DrawnTokens">Tokens drawn, also of particles that were dropped.</param>
/// <param name="RewardTokens">Tokens the reward model read of answers; the conversation's are not counted, as a prompt's are not.</param>
public sealed record PopulationAnswers(
    PopulationRequest Request, IReadOnlyList<Completion> Answers, IReadOnlyList<ParticleText> Particles,
    IReadOnlyDictionary<(int Round, int Slot), Completion> Ended, long DrawnTokens, long RewardTokens);

/// <summary>A population between two rounds.</summary>
/// <param name="State">Its state.</param>
/// <param name="Particles">Its texts, by slot.</param>
/// <param name="DrawnTokens">Tokens drawn so far.</param>
/// <param name="RewardTokens">Tokens the reward model has read so far.</param>
public sealed record PopulationRound(PopulationState State, IReadOnlyList<ParticleText> Particles, long DrawnTokens, long RewardTokens);
