using System.Text.Json.Serialization;

namespace Hindsight.Scoring;

/// <summary>
/// What else the tokens of plain samples buy: every method's accuracy and cost, and its paired difference to self-consistency at equal budget.
/// All numbers are of the report split; the allocation of each method was chosen on the select split.
/// </summary>
/// <param name="SelectProblems">Problems in the select split.</param>
/// <param name="ReportProblems">Problems in the report split.</param>
/// <param name="ReportSplit">Its id, for the <see cref="LookCounter"/>.</param>
/// <param name="LeftOut">Ids of problems that are scored elsewhere and left out here, because a method lacks them.</param>
/// <param name="Methods">Self-consistency first, then the others, each with all its allocations.</param>
/// <param name="Curves">Methods that can stop at any number of samples.</param>
/// <param name="Comparisons">The chosen ones against self-consistency, declared together, on both axes.</param>
/// <param name="Choices">The choice of an allocation, for each method that has several.</param>
/// <param name="MostDifferent">Ids of problems on which the methods differ most and a genealogy was kept, the clearest first.</param>
public sealed record BudgetScores(
    int SelectProblems, int ReportProblems, string ReportSplit, IReadOnlyList<string> LeftOut,
    IReadOnlyList<BudgetMethod> Methods, IReadOnlyList<BudgetCurve> Curves, ComparisonFamily Comparisons, IReadOnlyList<Selection> Choices,
    IReadOnlyList<string> MostDifferent)
{
    /// <summary>Methods that lack so many problems that they are left out.</summary>
    public IReadOnlyList<LeftOutMethod> LeftOutMethods { get; init; } = [];

    /// <summary>The plain samples that there are for each problem: the most that the baseline can have.</summary>
    public int MostPlain { get; init; }
}

/// <summary>One method in one allocation of its budget.</summary>
/// <param name="Name">The method with its allocation.</param>
/// <param name="Family">The method.</param>
/// <param name="IsChosen">Whether this is the allocation that the select split chose; true for the only one.</param>
/// <param name="Accuracy">Of its declared final choice.</param>
/// <param name="DrawnTokens">Tokens drawn for a problem, the mean.</param>
/// <param name="RewardTokens">Tokens that the reward model read for a problem, the mean; null where that is not known.</param>
public sealed record BudgetMethod(string Name, string Family, bool IsChosen, Estimate Accuracy, double DrawnTokens, double? RewardTokens)
{
    /// <summary>Where its answers come from.</summary>
    public BudgetSource Source { get; init; }

    /// <summary>Which member of its population is its answer; null for methods without a population.</summary>
    public FinalChoice? Choice { get; init; }

    /// <summary>The chance that an answer drawn by weight is correct; null for methods without a population.</summary>
    public Estimate? DrawnByWeight { get; init; }

    /// <summary>Problems on which every weight was 0: no answer, counted as wrong.</summary>
    public int WithoutAnswer { get; init; }

    /// <summary>Problems on which no answer of its population had a second step, so that nothing was chosen on the way.</summary>
    public int SingleSteps { get; init; }

    /// <summary>The share of its populations' answers that were cut off at a limit; 0 for methods without a population.</summary>
    public double CutOff { get; init; }

    /// <summary>Against self-consistency with the tokens that it draws; null for the baseline and for allocations that were not chosen.</summary>
    public EqualBudget? ByDrawnTokens { get; init; }

    /// <summary>Against self-consistency with the tokens that it draws and its reward model reads; null as well where the latter are not known.</summary>
    public EqualBudget? ByAllTokens { get; init; }
}

/// <summary>What a method chooses its answer among.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BudgetSource>))]
public enum BudgetSource
{
    /// <summary>Plain answers of checkpoints.</summary>
    Checkpoints,

    /// <summary>Plain answers of a mixture of two checkpoints' weights.</summary>
    Interpolations,

    /// <summary>Answers that grew together.</summary>
    Populations,
}

/// <summary>The plain samples that a method is compared with.</summary>
/// <param name="K">How many its tokens buy by the mean tokens of the trajectory's samples, rounded up.</param>
/// <param name="Comparison">
/// Index into the members of <see cref="BudgetScores.Comparisons"/>, both axes sharing one where K is the same; null where not so many
/// samples were drawn, so that there is nothing equal to compare with.
/// </param>
public sealed record EqualBudget(int K, int? Comparison);

/// <summary>A method that is not compared.</summary>
/// <param name="Name">The method with its allocation.</param>
/// <param name="Problems">How many problems it has answers to.</param>
/// <param name="Of">How many there are.</param>
public sealed record LeftOutMethod(string Name, int Problems, int Of);

/// <summary>A method's accuracy against its number of samples.</summary>
/// <param name="Name">The method.</param>
/// <param name="Points">By increasing k.</param>
public sealed record BudgetCurve(string Name, IReadOnlyList<BudgetPoint> Points);

/// <summary>One point: k samples, what they cost for a problem on the average, and what they reach.</summary>
public sealed record BudgetPoint(int K, Estimate Accuracy, double DrawnTokens, double? RewardTokens);
