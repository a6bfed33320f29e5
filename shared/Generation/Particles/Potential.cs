using System.Globalization;

namespace Hindsight.Generation;

/// <summary>The positive number ψ that a prefix is worth, from its score R.</summary>
public enum PrefixValue
{
    /// <summary>ψ = R.</summary>
    Probability,

    /// <summary>ψ = R / (1 − R): far greedier, since .95 is worth nineteen times .5 and not twice.</summary>
    Odds,

    /// <summary>ψ = exp(R): nearly flat, a factor of e at most.</summary>
    Exponential,
}

/// <summary>
/// The potential G of a Feynman-Kac model: a particle whose prefix grows from t − 1 to t steps has its weight multiplied by Gₜ. With
/// answers drawn from the language model p, the target is p(x) ∏ₜ Gₜ(x₁…xₜ).
/// </summary>
/// <remarks>
/// Plain potentials are Gₜ = ψₜ, telescoping ones Gₜ = ψₜ / ψₜ₋₁ with ψ₀ = 1. A score of single steps (last) belongs with plain
/// potentials; a score that sums up the whole prefix counts its early steps again and again unless the potential telescopes, which makes the
/// target p(x) ψ(x), every intermediate one being p ψₜ (a twisted model; Whiteley and Lee, "Twisted particle filters", 2014).
/// </remarks>
public sealed record Potential
{
    public PrefixScore Score { get; init; } = new();

    public PrefixValue Value { get; init; }

    /// <summary>Divides ln ψ: above 1 the weights are more even, below 1 greedier.</summary>
    public double Temperature { get; init; } = 1;

    public bool IsTelescoping { get; init; }

    /// <summary>How near R may come to 0, and to 1 where odds are taken; 0 lets a score of 0 end a particle.</summary>
    public double Clip { get; init; } = 1e-7;

    /// <summary>G is the step's probability of being right: the posterior given that every step is (Puri et al., arXiv 2502.01618).</summary>
    public static Potential StepProbability { get; } = new();

    /// <summary>G is the odds of the step's score to the power 1 / temperature.</summary>
    public static Potential StepOdds(double temperature = 1) => new() { Value = PrefixValue.Odds, Temperature = temperature };

    /// <summary>G is the odds of the whole prefix's score, afresh at every step: what the published programs do.</summary>
    public static Potential PrefixOdds(Aggregation aggregation, double temperature = 1) =>
        new() { Score = new(aggregation), Value = PrefixValue.Odds, Temperature = temperature };

    /// <summary>The target weighs an answer by the value of its last prefix, once.</summary>
    public static Potential Telescoping(Aggregation aggregation, PrefixValue value = PrefixValue.Probability) =>
        new() { Score = new(aggregation), Value = value, IsTelescoping = true };

    /// <summary>
    /// No reward model: the score is a step's self-certainty, a logarithm (see <see cref="Generation.SelfCertainty"/>), and G its
    /// exponential or the odds of that.
    /// </summary>
    public static Potential SelfCertainty(PrefixValue value = PrefixValue.Probability) =>
        new() { Score = new(Transform: ScoreTransform.Exponential), Value = value };

    /// <summary>ln ψ / temperature of a prefix whose score is R.</summary>
    internal double LogValue(double score) => Value switch
    {
        PrefixValue.Odds => Logit(Math.Clamp(score, Clip, 1 - Clip)),
        PrefixValue.Exponential => score,
        _ => Math.Log(Math.Max(score, Clip)),
    } / Temperature;

    /// <summary>ln G of a step that takes the prefix's score from <paramref name="before"/> (null at the first) to <paramref name="after"/>.</summary>
    internal double LogIncrement(double? before, double after) =>
        IsTelescoping && before is { } previous ? LogValue(after) - LogValue(previous) : LogValue(after);

    /// <summary>Φ = ∑ₜ ln Gₜ of an answer whose steps have these scores.</summary>
    internal double LogTotal(IEnumerable<double> scores)
    {
        double? prefix = null;
        var total = 0.0;
        foreach (var score in scores)
        {
            var after = Score.After(prefix, score);
            total += LogIncrement(prefix, after);
            prefix = after;
        }

        return total;
    }

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    internal void Validate()
    {
        if (!(double.IsFinite(Temperature) && Temperature > 0))
        {
            throw new InvalidDataException(
                $"The potential's temperature is {Temperature.ToString(CultureInfo.InvariantCulture)}; it must be a positive number.");
        }

        var needsClip = Value == PrefixValue.Odds || IsTelescoping;
        if (!(Clip is >= 0 and < 0.5 && (Clip > 0 || !needsClip)))
        {
            throw new InvalidDataException(
                $"The potential's clip is {Clip.ToString(CultureInfo.InvariantCulture)}; it must be {(needsClip ? "positive" : "0 or more")} and "
                + "below 0.5.");
        }
    }

    private static double Logit(double probability) => Math.Log(probability / (1 - probability));
}
