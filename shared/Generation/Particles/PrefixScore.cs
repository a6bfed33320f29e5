using System.Globalization;

namespace Hindsight.Generation;

/// <summary>How the scores of a prefix's steps become one score R of the prefix.</summary>
public enum Aggregation
{
    /// <summary>The newest step's score.</summary>
    Last,

    /// <summary>The product of all steps' scores.</summary>
    Product,

    /// <summary>The lowest of all steps' scores.</summary>
    Minimum,

    /// <summary>The reward model scores the whole prefix as if it were one step; each score it gives is R already.</summary>
    Model,
}

/// <summary>What turns a score as it is given into a number from 0 to 1.</summary>
public enum ScoreTransform
{
    /// <summary>It is one.</summary>
    None,

    /// <summary>1 / (1 + e⁻ˣ), for raw logits of a reward model.</summary>
    Sigmoid,

    /// <summary>eˣ, at most 1, for mean log-probabilities.</summary>
    Exponential,
}

/// <summary>The score of a prefix, a number from 0 to 1.</summary>
public sealed record PrefixScore(Aggregation Aggregation = Aggregation.Last, ScoreTransform Transform = ScoreTransform.None)
{
    /// <summary>R after one more step.</summary>
    /// <param name="previous">R before it; null at the first step.</param>
    /// <param name="score">The new step's score as it was given.</param>
    /// <exception cref="InvalidDataException">The score is not a number, or outside the range that the transform takes.</exception>
    internal double After(double? previous, double score)
    {
        var (inRange, range) = Transform switch
        {
            ScoreTransform.None => (score is >= 0 and <= 1, "a number from 0 to 1; for raw logits set the transform to sigmoid"),
            _ => (double.IsFinite(score), "a finite number"),
        };
        if (!inRange)
        {
            throw new InvalidDataException($"The reward model gave the score {score.ToString(CultureInfo.InvariantCulture)}; it must be {range}.");
        }

        var value = Transform switch
        {
            ScoreTransform.Sigmoid => 1 / (1 + Math.Exp(-score)),
            ScoreTransform.Exponential => Math.Exp(Math.Min(score, 0)),
            _ => score,
        };
        return Aggregation switch
        {
            Aggregation.Product => (previous ?? 1) * value,
            Aggregation.Minimum => Math.Min(previous ?? 1, value),
            _ => value,
        };
    }
}
