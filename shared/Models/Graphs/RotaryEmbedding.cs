namespace Hindsight.Models;

/// <summary>
/// Rotary position embedding (Su et al., arXiv 2104.09864): the pair (i, i + Size/2) of a head's first Size elements is turned by
/// position · frequency(i). The kinds differ in their frequencies, as Hugging Face transformers computes them for a sequence that is read
/// as a whole.
/// </summary>
/// <param name="Size">How many elements of a head are turned, an even number; the others stay as they are.</param>
/// <param name="Theta">Base of the frequencies without scaling: Theta^(-2i/Size).</param>
/// <param name="Magnitude">Factor of all cosines and sines.</param>
public abstract record RotaryEmbedding(int Size, double Theta, double Magnitude)
{
    /// <summary>Sequences of up to that many tokens share their frequencies; a longer one has others, at all its positions.</summary>
    public virtual int FrequenciesChangeAfter => int.MaxValue;

    /// <summary>Beyond <see cref="FrequenciesChangeAfter"/> each length has frequencies of its own, not one set for all.</summary>
    public virtual bool FrequenciesFollowLength => false;

    /// <summary>Radians per position by which a pair turns.</summary>
    /// <param name="pair">From 0 to Size/2 - 1.</param>
    /// <param name="length">Tokens of the whole sequence.</param>
    internal abstract double Frequency(int pair, int length);

    private protected double Unscaled(int pair) => Math.Pow(Theta, -2.0 * pair / Size);
}

/// <summary>Frequencies as published first ("default").</summary>
public sealed record UnscaledRotary(int Size, double Theta) : RotaryEmbedding(Size, Theta, 1)
{
    internal override double Frequency(int pair, int length) => Unscaled(pair);
}

/// <summary>Positions divided by a factor (Chen et al., arXiv 2306.15595; "linear").</summary>
public sealed record LinearRotary(int Size, double Theta, double Factor) : RotaryEmbedding(Size, Theta, 1)
{
    internal override double Frequency(int pair, int length) => Unscaled(pair) / Factor;
}

/// <summary>A base that grows with the sequence once it is longer than the model was trained for ("dynamic", NTK-aware).</summary>
public sealed record DynamicRotary(int Size, double Theta, double Factor, int TrainedLength) : RotaryEmbedding(Size, Theta, 1)
{
    public override int FrequenciesChangeAfter => TrainedLength;

    public override bool FrequenciesFollowLength => true;

    internal override double Frequency(int pair, int length)
    {
        var stretch = (Factor * Math.Max(length, TrainedLength) / TrainedLength) - (Factor - 1);
        return Math.Pow(Theta * Math.Pow(stretch, Size / (Size - 2.0)), -2.0 * pair / Size);
    }
}

/// <summary>
/// Slow pairs divided by a factor, fast ones left, those between blended, by how often a pair turns in the trained length (Llama 3.1;
/// "llama3").
/// </summary>
public sealed record Llama3Rotary(int Size, double Theta, double Factor, double LowTurns, double HighTurns, int TrainedLength)
    : RotaryEmbedding(Size, Theta, 1)
{
    internal override double Frequency(int pair, int length)
    {
        var frequency = Unscaled(pair);
        var turns = TrainedLength * frequency / (2 * Math.PI);
        var kept = turns < LowTurns ? 0 : turns > HighTurns ? 1 : (turns - LowTurns) / (HighTurns - LowTurns);
        return ((1 - kept) * frequency / Factor) + (kept * frequency);
    }
}

/// <summary>Division by a factor faded in over the pairs, and hotter attention (YaRN, Peng et al., arXiv 2309.00071; "yarn").</summary>
/// <param name="FastTurns">Pairs that turn at least so often in the trained length are left as they are.</param>
/// <param name="SlowTurns">Pairs that turn at most so often are divided.</param>
/// <param name="Truncate">The ends of the ramp are whole pairs.</param>
public sealed record YarnRotary(
    int Size, double Theta, double Magnitude, double Factor, double FastTurns, double SlowTurns, int TrainedLength, bool Truncate)
    : RotaryEmbedding(Size, Theta, Magnitude)
{
    internal override double Frequency(int pair, int length)
    {
        var (from, to) = (PairThatTurns(FastTurns), PairThatTurns(SlowTurns));
        if (Truncate)
        {
            (from, to) = (Math.Floor(from), Math.Ceiling(to));
        }

        (from, to) = (Math.Max(from, 0), Math.Min(to, Size - 1));
        var divided = Math.Clamp((pair - from) / (from == to ? 0.001 : to - from), 0, 1);
        return Unscaled(pair) * ((divided / Factor) + 1 - divided);
    }

    private double PairThatTurns(double times) => Size * Math.Log(TrainedLength / (times * 2 * Math.PI)) / (2 * Math.Log(Theta));
}

/// <summary>
/// Every pair divided by a number of its own, with one set of numbers for sequences within the trained length and one for longer ones
/// (LongRoPE, Ding et al., arXiv 2402.13753; "longrope").
/// </summary>
public sealed record LongRotary(
    int Size, double Theta, double Magnitude, ValueList<double> ShortFactors, ValueList<double> LongFactors, int TrainedLength)
    : RotaryEmbedding(Size, Theta, Magnitude)
{
    public override int FrequenciesChangeAfter => TrainedLength;

    internal override double Frequency(int pair, int length) => Unscaled(pair) / (length > TrainedLength ? LongFactors : ShortFactors)[pair];
}
