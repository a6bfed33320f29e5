using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hindsight.Generation;

/// <summary>
/// Draws token ids from logits, exactly: no candidate is left out that a sort of the whole vocabulary would keep. It owns the scratch
/// memory of one thread.
/// </summary>
internal sealed class Sampler(int vocabulary)
{
    /// <summary>Weights are summed in blocks that stay in the fastest cache: float within a block, double across.</summary>
    private const int Block = 1024;

    /// <summary>So few candidates are sorted rather than divided again.</summary>
    private const int FewEnough = 512;

    private readonly float[] blockMax = new float[(vocabulary + Block - 1) / Block];
    private readonly double[] blockMass = new double[(vocabulary + Block - 1) / Block];
    private readonly float[] block = new float[Block];
    private readonly float[] weights = new float[vocabulary];
    private ulong[] keys = new ulong[2 * FewEnough];

    /// <summary>Draws one id by inverting the cumulative distribution in the order of ids.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="decoding">Temperature and truncation.</param>
    /// <param name="uniform">In [0, 1).</param>
    /// <returns>The id, and its log-probability under the logits as they are (temperature 1, nothing left out).</returns>
    /// <exception cref="InvalidDataException">The logits are not numbers.</exception>
    public (int Id, double LogProbability) Draw(ReadOnlySpan<float> logits, Decoding decoding, double uniform)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, vocabulary);
        // What is beyond the first k is not needed at the temperature.
        var byCount = decoding.TopK > 0 && decoding.TopK < vocabulary;
        var (max, mass, total) = Masses(logits, decoding.IsGreedy || byCount ? 1 : decoding.Temperature);
        var id = decoding.IsGreedy ? Mode(logits, max)
            : decoding.TopP < 1 || byCount ? DrawTruncated(logits, decoding, byCount, max, total, uniform)
            : Invert(logits, decoding.Temperature, max, uniform * total);
        return (id, (double)logits[id] - max - Math.Log(mass));
    }

    /// <summary>
    /// In one pass over the logits: the greatest, the sum of exp(logit - max), and that of exp((logit - max) / temperature), of which the
    /// blocks' parts are kept.
    /// </summary>
    private (float Max, double Mass, double Total) Masses(ReadOnlySpan<float> logits, double temperature)
    {
        var max = float.NegativeInfinity;
        var mass = 0.0;
        for (var index = 0; index < blockMax.Length; index++)
        {
            // The sums are relative to the block's own maximum; what is known of the whole is brought to the greater of the two.
            var part = BlockOf(logits, index);
            var greatest = TensorPrimitives.Max(part);
            (blockMax[index], blockMass[index]) = (greatest, 0);
            if (greatest == float.NegativeInfinity)
            {
                continue;
            }

            if (!float.IsFinite(greatest))
            {
                max = greatest;
                break;
            }

            var partMass = (double)Exponentials.Sum(part, greatest, 1);
            blockMass[index] = temperature == 1 ? partMass : Exponentials.Sum(part, greatest, (float)(1 / temperature));
            mass = greatest > max
                ? (mass * Math.Exp((double)max - greatest)) + partMass
                : mass + (partMass * Math.Exp((double)greatest - max));
            max = Math.Max(max, greatest);
        }

        if (!float.IsFinite(max))
        {
            throw new InvalidDataException("The model's logits are not finite numbers: its weights are damaged or overflow float32.");
        }

        var total = 0.0;
        for (var index = 0; index < blockMass.Length; index++)
        {
            total += blockMass[index] = blockMass[index] == 0 ? 0 : blockMass[index] * Math.Exp(((double)blockMax[index] - max) / temperature);
        }

        return (max, mass, total);
    }

    /// <summary>The lowest of the most probable ids.</summary>
    private int Mode(ReadOnlySpan<float> logits, float max)
    {
        // Found by equality, which holds -0 and 0 for equal.
        var index = Array.FindIndex(blockMax, greatest => greatest == max);
        return (index * Block) + BlockOf(logits, index).IndexOf(max);
    }

    /// <summary>The id at which the cumulative sum of all weights passes the target.</summary>
    private int Invert(ReadOnlySpan<float> logits, double temperature, float max, double target)
    {
        var (index, passed) = BlockAt(target);
        // Weights relative to the block's own maximum: next to a far greater one elsewhere they would be zeros.
        var start = index * Block;
        var part = BlockOf(logits, index);
        Exponentials.Sum(part, blockMax[index], (float)(1 / temperature), block);
        var scale = Math.Exp(((double)blockMax[index] - max) / temperature);

        // The block's sum was rounded otherwise than the walk's: what the walk does not reach belongs to the block's last id with weight.
        var id = 0;
        for (var i = 0; i < part.Length; i++)
        {
            if (block[i] > 0)
            {
                id = start + i;
                passed += block[i] * scale;
                if (target < passed)
                {
                    break;
                }
            }
        }

        return id;
    }

    private int DrawTruncated(ReadOnlySpan<float> logits, Decoding decoding, bool byCount, float max, double total, double uniform)
    {
        var least = byCount ? AtMostTheLeastOf(decoding.TopK) : LightestThatCounts(decoding, max, total);
        for (var index = 0; index < blockMax.Length; index++)
        {
            if (blockMax[index] >= least)
            {
                var (start, length) = Place(index);
                Exponentials.Sum(logits.Slice(start, length), max, (float)(1 / decoding.Temperature), weights.AsSpan(start, length));
            }
        }

        if (byCount)
        {
            least = Cut(logits, decoding.TopK, byCount: true, least, max);
            total = decoding.TopP < 1 ? MassFrom(logits, least) : 0;
        }

        if (decoding.TopP < 1)
        {
            least = Cut(logits, decoding.TopP * total, byCount: false, least, max);
        }

        return InvertFrom(logits, least, uniform * MassFrom(logits, least));
    }

    /// <summary>A logit that is not above the k-th greatest: each of the k greatest blocks has one that is not below its k-th maximum.</summary>
    private float AtMostTheLeastOf(int k)
    {
        if (k > blockMax.Length)
        {
            return float.NegativeInfinity;
        }

        var maxima = blockMax.ToArray();
        Array.Sort(maxima);
        return maxima[^k];
    }

    /// <summary>
    /// All ids lighter than (1 - p) / vocabulary of the whole weigh less than 1 - p together, so p is reached without them. Half of that
    /// leaves room for rounding.
    /// </summary>
    private float LightestThatCounts(Decoding decoding, float max, double total) =>
        (float)(max + (decoding.Temperature * Math.Log((1 - decoding.TopP) * total / (2.0 * vocabulary))));

    /// <summary>
    /// Leaves weight to the most probable ids alone: to the fewest whose weight, or count, reaches the target, lower ids first where
    /// logits are equal. The logit in question is enclosed by dividing the range between two logits in four, with one pass over the
    /// weights for each division; the few ids that are left are sorted.
    /// </summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="target">The weight or count.</param>
    /// <param name="byCount">Ids count, not their weights.</param>
    /// <param name="least">A logit from which on the target is reached.</param>
    /// <param name="max">The greatest logit.</param>
    /// <returns>The least logit that is left; ids below it keep weights that do not count.</returns>
    private float Cut(ReadOnlySpan<float> logits, double target, bool byCount, float least, float max)
    {
        var (low, high) = (Order(least), (long)Order(max) + 1);
        var above = 0.0;
        Span<double> masses = stackalloc double[3];
        Span<long> counts = stackalloc long[3];
        Measure(logits, least, least, least, masses, counts);
        var (countOfLow, countOfHigh) = (counts[0], 0L);
        while (high - low > 1 && countOfLow - countOfHigh > FewEnough)
        {
            Span<long> places = [low + ((high - low) / 4), low + ((high - low) / 2), high - ((high - low) / 4)];
            Measure(logits, Logit((int)places[0]), Logit((int)places[1]), Logit((int)places[2]), masses, counts);
            for (var part = 2; part >= 0; part--)
            {
                var measure = byCount ? counts[part] : masses[part];
                if (measure >= target)
                {
                    (low, countOfLow) = ((int)places[part], counts[part]);
                    break;
                }

                (high, countOfHigh, above) = (places[part], counts[part], measure);
            }
        }

        var candidates = Between(logits, Logit((int)low), high > Order(max) ? float.PositiveInfinity : Logit((int)high), byCount);
        if (candidates.IsEmpty)
        {
            return Logit((int)low);
        }

        candidates.Sort();
        var place = candidates.Length;
        do
        {
            place--;
            above += byCount ? 1 : weights[Id(candidates[place])];
        }
        while (place > 0 && above < target);

        var last = Id(candidates[place]);
        for (var from = last + 1; logits[from..].IndexOf(logits[last]) is >= 0 and var next; from += next + 1)
        {
            weights[from + next] = 0;
        }

        return logits[last];
    }

    /// <summary>The weights and counts of the ids that are not below each of three logits, ascending.</summary>
    private void Measure(ReadOnlySpan<float> logits, float first, float second, float third, Span<double> masses, Span<long> counts)
    {
        var thresholds = (Vector512.Create(first), Vector512.Create(second), Vector512.Create(third));
        ref var logitOf = ref MemoryMarshal.GetReference(logits);
        ref var weightOf = ref MemoryMarshal.GetArrayDataReference(weights);
        masses.Clear();
        counts.Clear();
        for (var index = 0; index < blockMax.Length; index++)
        {
            if (!(blockMax[index] >= first))
            {
                continue;
            }

            var (start, length) = Place(index);
            var (m0, m1, m2) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var (c0, c1, c2) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
            var id = start;
            for (; id <= start + length - Vector512<float>.Count; id += Vector512<float>.Count)
            {
                var (logit, weight) = (Vector512.LoadUnsafe(ref logitOf, (nuint)id), Vector512.LoadUnsafe(ref weightOf, (nuint)id));
                var (in0, in1, in2) = (
                    Vector512.GreaterThanOrEqual(logit, thresholds.Item1),
                    Vector512.GreaterThanOrEqual(logit, thresholds.Item2),
                    Vector512.GreaterThanOrEqual(logit, thresholds.Item3));
                (m0, m1, m2) = (m0 + (weight & in0), m1 + (weight & in1), m2 + (weight & in2));
                (c0, c1, c2) = (c0 - in0.AsInt32(), c1 - in1.AsInt32(), c2 - in2.AsInt32());
            }

            (masses[0], masses[1], masses[2]) = (masses[0] + Vector512.Sum(m0), masses[1] + Vector512.Sum(m1), masses[2] + Vector512.Sum(m2));
            (counts[0], counts[1], counts[2]) = (counts[0] + Vector512.Sum(c0), counts[1] + Vector512.Sum(c1), counts[2] + Vector512.Sum(c2));
            for (; id < start + length; id++)
            {
                ReadOnlySpan<float> least = [first, second, third];
                for (var part = 0; part < 3 && logits[id] >= least[part]; part++)
                {
                    masses[part] += weights[id];
                    counts[part]++;
                }
            }
        }
    }

    /// <summary>Keys of the ids whose logits are in [low, high), in the order of ids; those without weight only if they count.</summary>
    private Span<ulong> Between(ReadOnlySpan<float> logits, float low, float high, bool weightless)
    {
        ref var logitOf = ref MemoryMarshal.GetReference(logits);
        var count = 0;
        var (from, until) = (Vector512.Create(low), Vector512.Create(high));
        for (var index = 0; index < blockMax.Length; index++)
        {
            if (!(blockMax[index] >= low))
            {
                continue;
            }

            var (start, length) = Place(index);
            if (keys.Length < count + length)
            {
                Array.Resize(ref keys, Math.Max(2 * keys.Length, count + length));
            }

            var id = start;
            for (; id <= start + length - Vector512<float>.Count; id += Vector512<float>.Count)
            {
                var logit = Vector512.LoadUnsafe(ref logitOf, (nuint)id);
                var inside = (Vector512.GreaterThanOrEqual(logit, from) & Vector512.LessThan(logit, until)).ExtractMostSignificantBits();
                for (; inside != 0; inside &= inside - 1)
                {
                    Add(id + BitOperations.TrailingZeroCount(inside), logits);
                }
            }

            for (; id < start + length; id++)
            {
                if (logits[id] >= low && logits[id] < high)
                {
                    Add(id, logits);
                }
            }
        }

        return keys.AsSpan(0, count);

        void Add(int id, ReadOnlySpan<float> logits)
        {
            if (weightless || weights[id] > 0)
            {
                keys[count++] = Key(logits[id], id);
            }
        }
    }

    /// <summary>The weight of the ids whose logits are not below the least; the blocks' parts are kept.</summary>
    private double MassFrom(ReadOnlySpan<float> logits, float least)
    {
        ref var logitOf = ref MemoryMarshal.GetReference(logits);
        ref var weightOf = ref MemoryMarshal.GetArrayDataReference(weights);
        var total = 0.0;
        var threshold = Vector512.Create(least);
        for (var index = 0; index < blockMax.Length; index++)
        {
            blockMass[index] = 0;
            if (blockMax[index] >= least)
            {
                var (start, length) = Place(index);
                var sum = Vector512<float>.Zero;
                var id = start;
                for (; id <= start + length - Vector512<float>.Count; id += Vector512<float>.Count)
                {
                    sum += Vector512.LoadUnsafe(ref weightOf, (nuint)id) & Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref logitOf, (nuint)id), threshold);
                }

                var rest = 0f;
                for (; id < start + length; id++)
                {
                    rest += logits[id] >= least ? weights[id] : 0;
                }

                total += blockMass[index] = (double)Vector512.Sum(sum) + rest;
            }
        }

        return total;
    }

    /// <summary>The id at which the cumulative sum of the weights from the least logit on passes the target.</summary>
    private int InvertFrom(ReadOnlySpan<float> logits, float least, double target)
    {
        var (index, passed) = BlockAt(target);
        var (start, length) = Place(index);
        var last = start;
        for (var id = start; id < start + length; id++)
        {
            if (logits[id] >= least && weights[id] > 0)
            {
                last = id;
                passed += weights[id];
                if (target < passed)
                {
                    break;
                }
            }
        }

        return last;
    }

    /// <summary>The block in which the cumulative sum of the blocks' weights passes the target, and the sum before it.</summary>
    private (int Index, double Passed) BlockAt(double target)
    {
        var passed = 0.0;
        var index = 0;
        var lastWeighty = blockMass.AsSpan().LastIndexOfAnyExcept(0.0);
        while (index < lastWeighty && target >= passed + blockMass[index])
        {
            passed += blockMass[index++];
        }

        return (index, passed);
    }

    private ReadOnlySpan<float> BlockOf(ReadOnlySpan<float> logits, int index) =>
        logits.Slice(index * Block, Math.Min(Block, vocabulary - (index * Block)));

    private (int Start, int Length) Place(int index) => (index * Block, Math.Min(Block, vocabulary - (index * Block)));

    /// <summary>The place of a logit in the order of all floats.</summary>
    private static int Order(float logit)
    {
        var bits = BitConverter.SingleToInt32Bits(logit);
        return bits ^ ((bits >> 31) & int.MaxValue);
    }

    private static float Logit(int order) => BitConverter.Int32BitsToSingle(order ^ ((order >> 31) & int.MaxValue));

    /// <summary>Greater logits have greater keys; of equal logits the lower id has.</summary>
    private static ulong Key(float logit, int id) =>
        // Adding zero turns -0 into 0, which equals it.
        ((ulong)((uint)Order(logit + 0f) ^ 0x8000_0000) << 32) | ~(uint)id;

    private static int Id(ulong key) => (int)~(uint)key;
}
