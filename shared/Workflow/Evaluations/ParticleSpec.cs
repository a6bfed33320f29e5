using System.Text.Json.Serialization;
using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>What a particle is weighed by.</summary>
public enum PotentialKind
{
    /// <summary>The reward model's score of each new step.</summary>
    StepProbability,

    /// <summary>The odds of that.</summary>
    StepOdds,

    /// <summary>The odds of the whole prefix's score, afresh at every step.</summary>
    PrefixOdds,

    /// <summary>The score of the whole prefix, each step counting what it added: the target weighs an answer once.</summary>
    Telescoping,

    /// <summary>How sure the model itself is of its tokens; needs no reward model.</summary>
    SelfCertainty,
}

/// <summary>How the answers of a budget are spread: <c>particles × iterations × chains</c> of them.</summary>
/// <param name="Particles">That grow together.</param>
/// <param name="Iterations">Of particle Gibbs; 1 is a particle filter.</param>
/// <param name="Chains">That run side by side: islands, weighed by their evidence.</param>
public sealed record Allocation(int Particles, int Iterations = 1, int Chains = 1);

/// <summary>
/// What <c>evaluation.json</c> asks of particle methods (<c>particles</c>): for each problem, answers of the final checkpoint that grow
/// together under a reward model.
/// </summary>
public sealed record ParticleSpec
{
    private const int MostAnswers = 1024;
    private const int MostPlainSamples = 16 * MostAnswers;

    /// <summary>Answers per problem that each method may draw. Default 16.</summary>
    public int Budget { get; init; } = 16;

    /// <summary>
    /// Plain samples of the final checkpoint for each problem, for self-consistency with as many tokens as any method takes. Default three
    /// times the larger of budget and samplesPerProblem with a reward model, which reads about as many tokens as are drawn (four times where
    /// looking ahead adds to both), and that larger one without.
    /// </summary>
    public int? PlainSamples { get; init; }

    /// <summary>
    /// The divisions of the budget that are tried; the one that is reported was chosen on the select split. Default: all in one filter, in
    /// two iterations, in two islands.
    /// </summary>
    public IReadOnlyList<Allocation>? Allocations { get; init; }

    /// <summary>Other methods at the same budget: published dialects, searches, annealing, parallel tempering. Default none.</summary>
    public IReadOnlyList<PopulationKind> Methods { get; init; } = [];

    /// <summary>Whether the budget is also spread over all checkpoints of the trajectory, whose islands are weighed by their evidence. Default true.</summary>
    public bool Mixture { get; init; } = true;

    /// <summary>What particles are weighed by. Default: stepProbability under a process reward model, telescoping under any other, selfCertainty without.</summary>
    public PotentialKind? Potential { get; init; }

    /// <summary>Divides the logarithm of potentials: above 1 gentler, below 1 greedier. Default 1.</summary>
    public double PotentialTemperature { get; init; } = 1;

    /// <summary>How step scores become a prefix's, for prefixOdds and telescoping. Default minimum; a model that scores whole texts has its own.</summary>
    public Aggregation Aggregation { get; init; } = Aggregation.Minimum;

    /// <summary>Resample where the effective sample size is below this share of the particles, in [0, 1]. Default 0.5.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>Whether resampling is steered by the reward of a greedy next step, which costs about as many tokens again. Default false.</summary>
    public bool LookAhead { get; init; }

    /// <summary>
    /// Which member of a final population is the answer: <c>weightedMajority</c>, <c>highestScore</c> or <c>drawnByWeight</c>. Default the former, of searches
    /// and published dialects the latter. What an answer drawn by weight is worth is reported beside it.
    /// </summary>
    public FinalChoice? Choice { get; init; }

    /// <summary>Most steps of an answer, and of a search before its answers go on to their ends. Default 40.</summary>
    public int MaxSteps { get; init; } = 40;

    /// <summary>Most tokens of a step. Default 1024.</summary>
    public int StepTokens { get; init; } = 1024;

    /// <summary>The text that ends a step, or several of which any does. Default: the reward model's delimiter, else an empty line.</summary>
    [JsonConverter(typeof(TextOrTexts))]
    public IReadOnlyList<string>? Delimiter { get; init; }

    /// <summary>
    /// Texts such as <c>\boxed</c>: an answer ends with the step in which one occurs, which it keeps. Null for none: a spec without
    /// the field keeps its id.
    /// </summary>
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>A regular expression instead of <see cref="Stop"/>: an answer ends with the first step in which it matches.</summary>
    public string? StopPattern { get; init; }

    /// <summary>Whether an answer ends when a step of 20 letters or more is an earlier one but for capitals, white space and digits. Default false.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StopOnRepeat { get; init; }

    /// <summary>What changes the answers of a method, the method apart.</summary>
    internal object OfOneMethod => new
    {
        Potential, PotentialTemperature, Aggregation, Threshold, MaxSteps, StepTokens,
        Delimiter = Delimiter is [var one] ? one : (object?)Delimiter,
        lookAhead = LookAhead ? true : (bool?)null,
        Stop,
        StopPattern,
        stopOnRepeat = StopOnRepeat ? true : (bool?)null,
    };

    /// <summary>Where steps end, and which end an answer.</summary>
    /// <param name="rewardModel">Whose delimiter counts where none is asked for.</param>
    internal StepRule Steps(RewardModelSpec? rewardModel)
    {
        var rule = new StepRule { MostTokens = StepTokens, Stop = Stop ?? [], StopPattern = StopPattern, StopOnRepeat = StopOnRepeat };
        return Delimiter is not null ? rule with { Delimiters = Delimiter }
            : rewardModel is not null ? rule with { Delimiters = [rewardModel.Delimiter] }
            : rule;
    }

    /// <summary>The methods, each with its share of the budget.</summary>
    internal IReadOnlyList<PopulationMethod> ToMethods() =>
    [
        .. (Allocations ?? DefaultAllocations).Select(allocation =>
            new PopulationMethod(PopulationKind.ParticleFilter, allocation.Particles, allocation.Iterations, allocation.Chains)),
        .. Methods.Where(kind => kind != PopulationKind.ParticleFilter).Distinct().Select(kind => kind == PopulationKind.ParallelTempering
            ? new PopulationMethod(kind, Budget / 4, Iterations: 2, Chains: 2)
            : new PopulationMethod(kind, Budget)),
    ];

    private IReadOnlyList<Allocation> DefaultAllocations =>
        // Two particles are never resampled below half of them, and three hardly.
        Budget >= 8 && Budget % 2 == 0 ? [new(Budget), new(Budget / 2, Iterations: 2), new(Budget / 2, Chains: 2)] : [new(Budget)];

    /// <summary>The first field that has an impossible value, and its rule; null when all are possible.</summary>
    internal (string Field, string Rule)? Mistake =>
        Budget is < 2 or > MostAnswers ? ("particles.budget", $"must be between 2 and {MostAnswers}")
        : PlainSamples is < 1 or > MostPlainSamples ? ("particles.plainSamples", $"must be between 1 and {MostPlainSamples}")
        : Allocations?.Any(item => item is null || item.Particles < 1 || item.Iterations < 1 || item.Chains < 1
            || (long)item.Particles * item.Iterations * item.Chains != Budget || (item.Iterations > 1 && item.Particles < 2)) == true
            ? ("particles.allocations", $"must multiply to the budget of {Budget} each, with 2 particles or more where there are iterations")
        : Allocations is { Count: 0 or > 64 } ? ("particles.allocations", "must be 1 to 64, or left out")
        : Methods is null || Methods.Any(kind => kind is PopulationKind.BeamSearch or PopulationKind.DiverseTreeSearch) && Budget % PopulationMethod.SearchWidth != 0
            ? ("particles.methods", $"has a search, whose budget must be a multiple of {PopulationMethod.SearchWidth}")
        : Methods.Contains(PopulationKind.ParallelTempering) && (Budget % 4 != 0 || Budget < 8) ? ("particles.methods", "has parallel tempering, whose budget must be a multiple of 4 and at least 8")
        : PotentialTemperature is not (>= 0.01 and <= 100) ? ("particles.potentialTemperature", "must be between 0.01 and 100")
        : Threshold is not (>= 0 and <= 1) ? ("particles.threshold", "must be between 0 and 1")
        : MaxSteps is < 1 or > 4096 ? ("particles.maxSteps", "must be between 1 and 4096")
        : StepTokens is < 1 or > 1 << 20 ? ("particles.stepTokens", "must be between 1 and 1048576")
        : Delimiter is not null && !AreTexts(Delimiter) ? ("particles.delimiter", "must be 1 to 16 texts of 1 to 256 characters, or left out")
        : Stop is not null && !AreTexts(Stop) ? ("particles.stop", "must be 1 to 16 texts of 1 to 256 characters, or left out")
        : Stop is not null && StopPattern is not null ? ("particles.stop", "cannot stand beside particles.stopPattern: write the texts into the pattern")
        : StopPattern is not null && StepRule.MistakeOf(StopPattern) is { } mistake ? ("particles.stopPattern", mistake)
        : null;

    private static bool AreTexts(IReadOnlyList<string> texts) => texts.Count is > 0 and <= 16 && texts.All(text => text is { Length: > 0 and <= 256 });
}
