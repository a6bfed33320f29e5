using System.Text.Json.Serialization;

namespace Hindsight.Scoring;

/// <summary>Which member of a population is the answer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FinalChoice>))]
public enum FinalChoice
{
    /// <summary>The extracted answer with the most weight; tied answers share the win evenly, and no answer is one class that is wrong.</summary>
    WeightedMajority,

    /// <summary>The member with the highest score; tied members share the win evenly.</summary>
    HighestScore,

    /// <summary>A member drawn by weight: the exact filter's own answer, an approximate draw from its target.</summary>
    DrawnByWeight,
}

/// <summary>The graded answers of one particle method or search, in one allocation of its budget.</summary>
/// <param name="Name">The method with its allocation, for example <c>particle filter, 4 × 8</c>.</param>
/// <param name="Family">The method: its allocations have the same family, and one of them is chosen on the select split.</param>
/// <param name="Problems">By problem, in the order of <see cref="EvaluationAnswers.ProblemIds"/>; null where the population is missing.</param>
public sealed record PopulationMethodAnswers(string Name, string Family, IReadOnlyList<PopulationProblem?> Problems)
{
    /// <summary>Which member is the answer, declared before scores are seen.</summary>
    public FinalChoice Choice { get; init; } = FinalChoice.WeightedMajority;
}

/// <summary>The population that a method ended with on one problem.</summary>
/// <param name="Members">Its members: chain by chain, and in a chain slot by slot.</param>
/// <param name="DrawnTokens">Tokens drawn on the way, those of members that died out included.</param>
/// <param name="RewardTokens">Tokens that the reward model read on the way, the problem's not counted.</param>
/// <param name="Genealogy">How the members came to be; null where it was not kept.</param>
public sealed record PopulationProblem(IReadOnlyList<PopulationMember> Members, long DrawnTokens, long RewardTokens, PopulationGenealogy? Genealogy);

/// <summary>One member of a final population.</summary>
/// <param name="Answer">Its answer.</param>
/// <param name="Weight">
/// Its share of the final weight, at least 0; a search gives all members the same. A member of weight 0 is never chosen, and where all weights
/// are 0 there is no answer.
/// </param>
/// <param name="Score">What the reward model gave it; not NaN.</param>
public sealed record PopulationMember(GradedAnswer Answer, double Weight, double Score);

/// <summary>How a population came to be: its chains, each a filter of its own.</summary>
public sealed record PopulationGenealogy(IReadOnlyList<GenealogyChain> Chains);

/// <summary>One filter, round by round.</summary>
public sealed record GenealogyChain(IReadOnlyList<GenealogyRound> Rounds);

/// <summary>One round of a filter, by slot.</summary>
/// <param name="Weights">The normalised weights after the round's step, before any resampling.</param>
/// <param name="EffectiveSampleSize">1 / ΣW².</param>
/// <param name="IsResampled">Whether slots were replaced after it.</param>
/// <param name="Ancestors">For each slot of the next round, the slot of this round that it went on from.</param>
/// <param name="Lineages">How many of the first round's members have descendants still.</param>
/// <param name="LogEvidence">The logarithm of the estimated evidence so far; −∞ where every weight is 0.</param>
public sealed record GenealogyRound(
    IReadOnlyList<double> Weights, double EffectiveSampleSize, bool IsResampled, IReadOnlyList<int> Ancestors, int Lineages, double LogEvidence);
