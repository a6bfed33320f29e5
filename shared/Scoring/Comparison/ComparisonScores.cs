using System.Text.Json.Serialization;

namespace Hindsight.Scoring;

/// <summary>What can be said of a difference.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Outcome>))]
public enum Outcome
{
    /// <summary>Nothing: neither a difference nor its absence is shown.</summary>
    Inconclusive,

    /// <summary>Better: the interval, corrected for the family, lies above zero.</summary>
    Gain,

    /// <summary>Worse: the interval, corrected for the family, lies below zero.</summary>
    Loss,

    /// <summary>
    /// Smaller than the declared margin, by two one-sided tests at 5 % (the 90 % interval, corrected for the family, lies inside ± margin).
    /// This goes before gain and loss: a difference that is real and does not matter is none.
    /// </summary>
    NoDifference,
}

/// <summary>Comparisons that were declared together, and are corrected for their number.</summary>
/// <param name="Name">What is compared, for example <c>Pass@1 of each checkpoint against the final one</c>.</param>
/// <param name="Margin">Differences smaller than this do not matter; declared before the scores were seen.</param>
/// <param name="Members">The comparisons.</param>
public sealed record ComparisonFamily(string Name, double Margin, IReadOnlyList<Comparison> Members)
{
    /// <summary>Which of the declared families it is.</summary>
    public FamilyKind Kind { get; init; }
}

/// <summary>The families that every evaluation declares, as far as it has the answers for them.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FamilyKind>))]
public enum FamilyKind
{
    /// <summary>None of them: what a choice is worth, or one evaluation against another.</summary>
    Other,

    /// <summary>Each checkpoint against the final one.</summary>
    EachAgainstFinal,

    /// <summary>The final checkpoint against the model before training.</summary>
    FinalAgainstBase,

    /// <summary>Pass@k spread over t checkpoints against the final one alone, at equal budget.</summary>
    PassSpread,

    /// <summary>The same of Maj@k.</summary>
    MajSpread,

    /// <summary>The same of BoN@k.</summary>
    BestOfNSpread,

    /// <summary>Each method against self-consistency with as many tokens.</summary>
    EqualBudget,
}

/// <summary>One score against another, paired by problem.</summary>
/// <param name="Of">What is compared.</param>
/// <param name="Against">With what.</param>
/// <param name="Problems">Problems that both have.</param>
/// <param name="Clusters">Clusters of those: the unit of the interval and the test.</param>
/// <param name="Difference">The mean difference, <paramref name="Of"/> minus <paramref name="Against"/>; 95 % for new problems, for this comparison alone.</param>
/// <param name="Together">The interval that holds with 95 % for all comparisons of the family at once (max-t).</param>
/// <param name="PValue">Two-sided, by flipping the signs of clusters: exact for few clusters, else by 9,999 seeded flips. For single answers it is McNemar's exact test.</param>
/// <param name="AdjustedPValue">Corrected for the family (max-t over the same flips).</param>
/// <param name="Detectable">The smallest true difference that would be found four times in five; null where no spread was seen.</param>
/// <param name="Outcome">What can be said.</param>
/// <param name="Higher">Problems on which <paramref name="Of"/> scores higher, by any amount.</param>
/// <param name="Lower">Problems on which it scores lower, by any amount.</param>
public sealed record Comparison(
    string Of, string Against, int Problems, int Clusters, Estimate Difference, Estimate Together,
    double PValue, double AdjustedPValue, double? Detectable, Outcome Outcome, int Higher, int Lower);
