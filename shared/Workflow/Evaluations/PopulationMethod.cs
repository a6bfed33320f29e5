using System.Globalization;
using System.Text.Json.Serialization;
using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>How answers that grow together choose who goes on.</summary>
public enum PopulationKind
{
    /// <summary>The exact particle filter, particle Gibbs and islands.</summary>
    ParticleFilter,

    /// <summary>A particle filter whose early resampling is flattened.</summary>
    EntropicFilter,

    /// <summary>Particle Gibbs at several temperatures that swap paths.</summary>
    ParallelTempering,

    /// <summary>The particle filter as the text of arXiv 2502.01618 has it.</summary>
    PaperText,

    /// <summary>The same as its authors' research program has it.</summary>
    ResearchCode,

    /// <summary>The same as its_hub has it.</summary>
    HubCompat,

    /// <summary>Beam search over steps.</summary>
    BeamSearch,

    /// <summary>Diverse verifier tree search.</summary>
    DiverseTreeSearch,
}

/// <summary>A way of drawing a problem's answers together.</summary>
/// <param name="Kind">The method.</param>
/// <param name="Particles">Answers that grow together.</param>
/// <param name="Iterations">How many times, each around a path of the one before.</param>
/// <param name="Chains">How many side by side.</param>
public sealed record PopulationMethod(PopulationKind Kind, int Particles, int Iterations = 1, int Chains = 1)
{
    /// <summary>Continuations of a prefix in searches, as in arXiv 2408.03314.</summary>
    internal const int SearchWidth = 4;

    /// <summary>Whether the budget is one checkpoint's share of the whole trajectory's.</summary>
    public bool IsMixture { get; init; }

    /// <summary>
    /// Set for searches, which write their answers to the end: part of an answer's identity, so that none that an earlier version cut off after
    /// the most steps is taken for one of these.
    /// </summary>
    public bool? WritesToEnd => Kind is PopulationKind.BeamSearch or PopulationKind.DiverseTreeSearch ? true : null;

    /// <summary>Answers of the last iteration: those that are stored.</summary>
    [JsonIgnore]
    public int Answers => Particles * Chains;

    /// <summary>What a person reads.</summary>
    [JsonIgnore]
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{KindName}{(Chains > 1 && Kind != PopulationKind.ParallelTempering ? $", {Chains} islands" : "")}{(Iterations > 1 ? $", {Iterations} iterations" : "")} of {Particles}{(Kind == PopulationKind.ParallelTempering ? $" at {Chains} temperatures" : "")}");

    private string KindName => Kind switch
    {
        PopulationKind.ParticleFilter => Iterations > 1 ? "particle Gibbs" : "particle filter",
        PopulationKind.EntropicFilter => "entropic particle filter",
        PopulationKind.ParallelTempering => "parallel tempering",
        PopulationKind.PaperText => "particle filter (paper's text)",
        PopulationKind.ResearchCode => "particle filter (research code)",
        PopulationKind.HubCompat => "particle filter (its_hub)",
        PopulationKind.BeamSearch => "beam search",
        _ => "diverse tree search",
    };

    /// <summary>How the filters work.</summary>
    /// <param name="spec">What was asked for.</param>
    /// <param name="scoresSteps">Whether the reward model scores single steps; null where there is none.</param>
    internal ParticleOptions Options(ParticleSpec spec, bool? scoresSteps)
    {
        var options = Kind switch
        {
            PopulationKind.PaperText => ParticleOptions.Of(Dialect.PaperText, Particles),
            PopulationKind.ResearchCode => ParticleOptions.Of(Dialect.ResearchCode, Particles),
            PopulationKind.HubCompat => ParticleOptions.Of(Dialect.HubCompat, Particles),
            _ => new ParticleOptions
            {
                Particles = Particles,
                ResamplingThreshold = spec.Threshold,
                Potential = PotentialOf(spec, scoresSteps),
                Annealing = Kind == PopulationKind.EntropicFilter ? new EntropicAnnealing() : null,
            },
        };
        return options with { MaxSteps = spec.MaxSteps };
    }

    /// <summary>Whether a process reward model is to score the whole answer so far as one step.</summary>
    internal bool ScoresWhole(ParticleSpec spec, bool? scoresSteps) => Options(spec, scoresSteps).Potential.Score.Aggregation == Aggregation.Model;

    private static Potential PotentialOf(ParticleSpec spec, bool? scoresSteps)
    {
        var aggregation = scoresSteps == false ? Aggregation.Model : spec.Aggregation;
        var potential = (spec.Potential ?? (scoresSteps switch { true => PotentialKind.StepProbability, false => PotentialKind.Telescoping, _ => PotentialKind.SelfCertainty })) switch
        {
            PotentialKind.StepProbability => Potential.StepProbability,
            PotentialKind.StepOdds => Potential.StepOdds(),
            PotentialKind.PrefixOdds => Potential.PrefixOdds(aggregation),
            PotentialKind.Telescoping => Potential.Telescoping(aggregation),
            _ => Potential.SelfCertainty(),
        };
        return potential with { Temperature = spec.PotentialTemperature };
    }
}
