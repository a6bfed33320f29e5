namespace Hindsight.Generation;

/// <summary>What the temperature of resampling follows.</summary>
public enum AnnealingRule
{
    /// <summary>max(1, (N / ESS) (1 − progress)).</summary>
    EffectiveSampleSize,

    /// <summary>max(1, 1 / β), where β goes from the normalised entropy of the weights to 1.</summary>
    Entropy,

    /// <summary>max(1, base − progress).</summary>
    Base,
}

/// <summary>
/// Resampling with flattened weights W^(1/T) while few steps are done and few particles have most of the weight, so that a lucky first step does
/// not take the whole population (the entropic particle filter, arXiv 2510.05825, as its authors' program has it).
/// </summary>
public sealed record EntropicAnnealing
{
    public AnnealingRule Rule { get; init; }

    /// <summary>It acts while ESS / N is below this,</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>and steps done / most steps as well below this.</summary>
    public double EarlyPhase { get; init; } = 0.5;

    /// <summary>What <see cref="AnnealingRule.Base"/> starts from.</summary>
    public double BaseTemperature { get; init; } = 2;

    /// <summary>
    /// Offspring keep the weight W / (N q) that resampling with probabilities q leaves them, which keeps the target. The published program
    /// leaves it out.
    /// </summary>
    public bool IsCorrected { get; init; } = true;

    /// <summary>T for a population of that ESS / N, normalised entropy and progress.</summary>
    internal double Temperature(double size, double entropy, double progress) =>
        size < Threshold && progress < EarlyPhase ? Annealed(size, entropy, progress) : 1;

    internal double Annealed(double size, double entropy, double progress) => Math.Max(1, Rule switch
    {
        AnnealingRule.EffectiveSampleSize => size <= 0 ? 1 : (1 - progress) / size,
        AnnealingRule.Entropy => 1 / (entropy + ((1 - entropy) * progress)),
        _ => BaseTemperature - progress,
    });

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    internal void Validate()
    {
        if (!(Threshold is >= 0 and <= 1 && EarlyPhase is >= 0 and <= 1 && double.IsFinite(BaseTemperature)))
        {
            throw new InvalidDataException("The annealing's threshold and early phase must be numbers from 0 to 1, and its base temperature finite.");
        }
    }
}
