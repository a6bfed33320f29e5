using System.Text.Json.Serialization;

namespace Hindsight.Generation;

/// <summary>The particle filters that go by one name.</summary>
public enum Dialect
{
    /// <summary>
    /// Weights are carried, finished particles absorbed, resampling adaptive: the one whose target and evidence are what they are said to be.
    /// </summary>
    Exact,

    /// <summary>
    /// As the text of arXiv 2502.01618 reads: multinomial resampling at every step with the softmax of the products of step probabilities
    /// themselves, finished particles with their final one.
    /// </summary>
    PaperText,

    /// <summary>
    /// As its authors' research program works: odds of the model's score of the prefix, afresh at every step; not resampled after the last.
    /// </summary>
    ResearchCode,

    /// <summary>
    /// As their library its_hub works: as the research program, but resampled after the last step too, and with one step more than asked for.
    /// </summary>
    HubCompat,
}

/// <summary>What becomes of a particle's weight after it has finished.</summary>
public enum FinishedParticles
{
    /// <summary>Its later potentials are 1, so that an answer's length alone changes nothing.</summary>
    Absorbed,

    /// <summary>Its last potential counts again in every later step, which favours good answers that end early and drops bad ones.</summary>
    Reweighted,

    /// <summary>As absorbed, but only those that still grow are resampled, among themselves.</summary>
    Frozen,
}

/// <summary>The potential by which a reference is weighed at step t of conditional SMC.</summary>
public enum ReferenceWeighting
{
    /// <summary>That of its first t steps, as for everyone. The only one that leaves the target invariant.</summary>
    OwnPrefix,

    /// <summary>That of its first t + 1 steps, as in the research program.</summary>
    NextPrefix,

    /// <summary>That of the whole answer, as in its_hub.</summary>
    WholeAnswer,
}

/// <summary>How a particle filter works. The defaults are <see cref="Dialect.Exact"/>.</summary>
public sealed record ParticleOptions
{
    /// <summary>N, the number of answers that grow together.</summary>
    public int Particles { get; init; }

    /// <summary>The most steps an answer takes; one that has not ended by then is left as it is.</summary>
    public int MaxSteps { get; init; } = 40;

    public Potential Potential { get; init; } = Potential.StepProbability;

    public ResamplingScheme Scheme { get; init; }

    /// <summary>Resample where ESS / N is below this: 0 never, which is importance sampling; 1 at every step where weights differ.</summary>
    public double ResamplingThreshold { get; init; } = 0.5;

    /// <summary>Flattens resampling in the early steps; null for never.</summary>
    public EntropicAnnealing? Annealing { get; init; }

    public FinishedParticles Finished { get; init; }

    /// <summary>A particle's weight is the product of its potentials since it was resampled, and not the newest alone.</summary>
    public bool CarriesWeights { get; init; } = true;

    /// <summary>Resamples once more when all have finished, which leaves the final weights counted twice.</summary>
    public bool ResamplesLast { get; init; }

    /// <summary>Lets an answer take one step more than <see cref="MaxSteps"/>.</summary>
    public bool AllowsExtraStep { get; init; }

    public ReferenceWeighting ReferenceWeighting { get; init; }

    [JsonIgnore]
    internal int LastStep => MaxSteps + (AllowsExtraStep ? 1 : 0);

    /// <summary>The settings of a dialect.</summary>
    public static ParticleOptions Of(Dialect dialect, int particles)
    {
        var everyStep = new ParticleOptions
        {
            Particles = particles,
            Scheme = ResamplingScheme.Multinomial,
            ResamplingThreshold = 1,
            Finished = FinishedParticles.Reweighted,
            CarriesWeights = false,
        };
        return dialect switch
        {
            Dialect.PaperText => everyStep with
            {
                Potential = new Potential { Score = new(Aggregation.Product), Value = PrefixValue.Exponential },
            },
            Dialect.ResearchCode => everyStep with
            {
                Potential = Potential.PrefixOdds(Aggregation.Model) with { Clip = Math.BitIncrement(1.0) - 1 },
                ReferenceWeighting = ReferenceWeighting.NextPrefix,
            },
            Dialect.HubCompat => everyStep with
            {
                Potential = Potential.PrefixOdds(Aggregation.Model),
                ResamplesLast = true,
                AllowsExtraStep = true,
                ReferenceWeighting = ReferenceWeighting.WholeAnswer,
            },
            _ => new ParticleOptions { Particles = particles },
        };
    }

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    public void Validate()
    {
        Require(Particles >= 1, "the number of particles", "1 or more");
        Require(MaxSteps >= 1, "the most steps", "1 or more");
        Require(ResamplingThreshold is >= 0 and <= 1, "the resampling threshold", "a number from 0 to 1");
        Require(CarriesWeights || ResamplingThreshold == 1, "the resampling threshold", "1 where weights are not carried from step to step");
        Potential.Validate();
        Annealing?.Validate();
    }

    private static void Require(bool holds, string field, string range)
    {
        if (!holds)
        {
            throw new InvalidDataException($"In the particle filter's options, {field} must be {range}.");
        }
    }
}
