using System.Numerics;
using System.Numerics.Tensors;

namespace Hindsight.Generation;

/// <summary>Draws token ids from logits. It owns the scratch memory of one thread.</summary>
internal sealed class Sampler(int vocabulary)
{
    /// <summary>Weights are summed in blocks: float within a block, double across.</summary>
    private const int Block = 1024;

    private const int PartBits = 11;

    private readonly double[] partMass = new double[1 << PartBits];
    private readonly float[] weights = new float[vocabulary];
    private readonly float[] kept = new float[vocabulary];
    private readonly ulong[] keys = new ulong[vocabulary];
    private readonly ulong[] scratch = new ulong[vocabulary];
    private readonly double[] sums = new double[(vocabulary + Block - 1) / Block];

    /// <summary>Draws one id by inverting the cumulative distribution in the order of ids.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="decoding">Temperature and truncation.</param>
    /// <param name="uniform">In [0, 1).</param>
    /// <returns>The id, and its log-probability under the logits as they are (temperature 1, nothing left out).</returns>
    /// <exception cref="InvalidDataException">The logits are not numbers.</exception>
    public (int Id, double LogProbability) Draw(ReadOnlySpan<float> logits, Decoding decoding, double uniform)
    {
        var mode = TensorPrimitives.IndexOfMax(logits);
        var max = logits[mode];
        if (!float.IsFinite(max))
        {
            throw new InvalidDataException("The model's logits are not finite numbers: its weights are damaged or overflow float32.");
        }

        if (max == 0)
        {
            // IndexOfMax holds 0 for greater than -0; here they are equal, and the lower id is meant.
            mode = logits.IndexOf(0);
        }

        var mass = Exponentiate(logits, max, 1);
        var id = mode;
        if (!decoding.IsGreedy)
        {
            var total = decoding.Temperature == 1 ? mass : Exponentiate(logits, max, decoding.Temperature);
            if (decoding.TopK > 0 && decoding.TopK < vocabulary)
            {
                var candidates = MostProbable(logits, decoding.TopK);
                total = Restrict(decoding.TopP < 1 ? Reaching(decoding.TopP * MassOf(candidates), candidates) : candidates);
            }
            else if (decoding.TopP < 1)
            {
                // All ids lighter than (1 - p) / vocabulary of the whole weigh less than 1 - p together, so p is reached without them.
                // Half of that leaves room for rounding.
                var candidates = Collect(logits, weights, (float)((1 - decoding.TopP) * total / (2.0 * vocabulary)));
                total = Restrict(Reaching(decoding.TopP * total, candidates));
            }

            id = Invert(uniform * total);
        }

        return (id, (double)logits[id] - max - Math.Log(mass));
    }

    /// <summary>weights = exp((logits - max) / temperature); returns their sum.</summary>
    private double Exponentiate(ReadOnlySpan<float> logits, float max, double temperature)
    {
        var total = 0.0;
        for (var (start, block) = (0, 0); start < vocabulary; start += Block, block++)
        {
            var length = Math.Min(Block, vocabulary - start);
            var target = weights.AsSpan(start, length);
            TensorPrimitives.Subtract(logits.Slice(start, length), max, target);
            if (temperature != 1)
            {
                TensorPrimitives.Divide(target, (float)temperature, target);
            }

            TensorPrimitives.Exp(target, target);
            total += sums[block] = TensorPrimitives.Sum<float>(target);
        }

        return total;
    }

    /// <summary>The k most probable ids, as keys.</summary>
    private Span<ulong> MostProbable(ReadOnlySpan<float> logits, int k)
    {
        // Each of the k greatest maxima of small groups is an id, so no id below the least of them is among the k greatest.
        const int Group = 64;
        var groups = (vocabulary + Group - 1) / Group;
        var least = float.NegativeInfinity;
        if (k <= groups)
        {
            var maxima = kept.AsSpan(0, groups);
            for (var group = 0; group < groups; group++)
            {
                maxima[group] = TensorPrimitives.Max(logits.Slice(group * Group, Math.Min(Group, vocabulary - (group * Group))));
            }

            maxima.Sort();
            least = maxima[groups - k];
        }

        var candidates = Collect(logits, logits, least);
        return From(Cut(candidates, k, countOnly: true), candidates);
    }

    /// <summary>The fewest most probable candidates whose mass reaches the target.</summary>
    private Span<ulong> Reaching(double target, Span<ulong> candidates) => From(Cut(candidates, target, countOnly: false), candidates);

    private double MassOf(ReadOnlySpan<ulong> candidates)
    {
        var mass = 0.0;
        foreach (var key in candidates)
        {
            mass += weights[Id(key)];
        }

        return mass;
    }

    /// <summary>Keys of the ids whose measure is not below the least.</summary>
    private Span<ulong> Collect(ReadOnlySpan<float> logits, ReadOnlySpan<float> measure, float least)
    {
        var count = 0;
        for (var start = 0; start < vocabulary; start += Block)
        {
            var block = measure.Slice(start, Math.Min(Block, vocabulary - start));
            if (TensorPrimitives.Max(block) < least)
            {
                continue;
            }

            // Written first and counted after: which ids stay is as good as random, and a branch would be guessed wrong.
            for (var i = 0; i < block.Length; i++)
            {
                keys[count] = Key(logits[start + i], start + i);
                count += block[i] >= least ? 1 : 0;
            }
        }

        return keys.AsSpan(0, count);
    }

    /// <summary>Leaves weight to the candidates alone; returns their sum.</summary>
    private double Restrict(ReadOnlySpan<ulong> candidates)
    {
        for (var i = 0; i < candidates.Length; i++)
        {
            kept[i] = weights[Id(candidates[i])];
        }

        Array.Clear(weights);
        for (var i = 0; i < candidates.Length; i++)
        {
            weights[Id(candidates[i])] = kept[i];
        }

        var total = 0.0;
        for (var block = 0; block < sums.Length; block++)
        {
            total += sums[block] = TensorPrimitives.Sum<float>(weights.AsSpan(block * Block, Math.Min(Block, vocabulary - (block * Block))));
        }

        return total;
    }

    /// <summary>
    /// The least key of the smallest set of greatest keys whose mass (or count) reaches the target. The range of keys is divided into
    /// equal parts, the part in which the target is reached is divided again, until one key is left: no sort of the vocabulary.
    /// </summary>
    private ulong Cut(ReadOnlySpan<ulong> candidates, double target, bool countOnly)
    {
        var left = scratch.AsSpan(0, candidates.Length);
        candidates.CopyTo(left);
        var above = 0.0;
        while (left.Length > 1)
        {
            var (least, greatest) = (TensorPrimitives.Min<ulong>(left), TensorPrimitives.Max<ulong>(left));
            var shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount(greatest - least) - PartBits);
            Array.Clear(partMass);
            foreach (var key in left)
            {
                partMass[(int)((key - least) >> shift)] += countOnly ? 1 : weights[Id(key)];
            }

            // The least key is in part 0, so the walk never ends in an empty part, however the sums were rounded.
            var part = (int)((greatest - least) >> shift);
            while (part > 0 && above + partMass[part] < target)
            {
                above += partMass[part--];
            }

            var length = 0;
            foreach (var key in left)
            {
                if ((int)((key - least) >> shift) == part)
                {
                    left[length++] = key;
                }
            }

            left = left[..length];
        }

        return left[0];
    }

    private static Span<ulong> From(ulong least, Span<ulong> candidates)
    {
        var count = 0;
        foreach (var key in candidates)
        {
            candidates[count] = key;
            count += key >= least ? 1 : 0;
        }

        return candidates[..count];
    }

    private int Invert(double target)
    {
        var passed = 0.0;
        var block = 0;
        var lastWeighty = sums.AsSpan().LastIndexOfAnyExcept(0.0);
        while (block < lastWeighty && target >= passed + sums[block])
        {
            passed += sums[block++];
        }

        // The block's sum was rounded otherwise than the walk's: what the walk does not reach belongs to the block's last id with weight.
        var id = 0;
        for (var i = block * Block; i < Math.Min((block + 1) * Block, vocabulary); i++)
        {
            if (weights[i] > 0)
            {
                id = i;
                passed += weights[i];
                if (target < passed)
                {
                    break;
                }
            }
        }

        return id;
    }

    /// <summary>Greater logits have greater keys; of equal logits the lower id has.</summary>
    private static ulong Key(float logit, int id)
    {
        // Adding zero turns -0 into 0, which equals it. The bits of floats are in order once negative ones are turned over.
        var bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        return ((ulong)((bits >> 31) == 0 ? bits | 0x8000_0000 : ~bits) << 32) | ~(uint)id;
    }

    private static int Id(ulong key) => (int)~(uint)key;
}
