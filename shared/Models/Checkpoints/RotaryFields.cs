using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// The rotary embedding that a config.json describes: rope_theta and rope_scaling of transformers 4, rope_parameters of transformers 5.
/// </summary>
internal static class RotaryFields
{
    private const double MostTheta = 1e15;
    private const double MostFactor = 1e6;

    /// <param name="fields">The whole config.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="maxPositions">max_position_embeddings.</param>
    /// <param name="mayBePartial">The family can turn a part of each head.</param>
    /// <returns>The embedding, and the longest sequence it serves, which scaling can make more than max_position_embeddings.</returns>
    /// <exception cref="InvalidDataException">The kind is not known, or a number is missing, impossible or in contradiction.</exception>
    public static (RotaryEmbedding Rotary, int MaxPositions) Read(JsonFields fields, int headSize, int maxPositions, bool mayBePartial)
    {
        if (fields.Find("rope_scaling") is { } old && fields.Find("rope_parameters") is not null)
        {
            throw fields.NotSupported("rope_scaling", old, "but rope_parameters is there too: keep one of them");
        }

        var name = fields.Find("rope_parameters") is null ? "rope_scaling" : "rope_parameters";
        var scaling = fields.Object(name);
        foreach (var layerType in new[] { LayerTypes.Full, LayerTypes.Sliding })
        {
            if (scaling?.Find(layerType) is { } ofType)
            {
                throw scaling.Value.NotSupported(layerType, ofType, "rotary embeddings that differ between layer types are not supported");
            }
        }

        double Either(string field, double most, double absent)
        {
            var outer = fields.Positive(field, most, absent);
            var inner = scaling?.Positive(field, most, outer) ?? outer;
            return inner == outer || fields.Find(field) is null ? inner
                : throw scaling!.Value.NotSupported(field, scaling.Value.Find(field)!.Value, $"but there is another {field} outside: keep one of them");
        }

        var theta = Either("rope_theta", MostTheta, 10_000);
        var part = Either("partial_rotary_factor", 1, 1);
        var size = (int)(headSize * part);
        if (part != 1 && (!mayBePartial || size == 0 || size % 2 != 0))
        {
            var holder = fields.Find("partial_rotary_factor") is null ? scaling!.Value : fields;
            throw holder.NotSupported("partial_rotary_factor", holder.Find("partial_rotary_factor")!.Value,
                mayBePartial ? $"it must turn an even number of each head's {headSize} elements" : "only 1 is supported");
        }

        var (rotary, reach) = scaling is { } rope
            ? Scaled(rope, fields, size, theta, maxPositions)
            : (new UnscaledRotary(size, theta), 0);
        foreach (var length in new[] { 1, int.MaxValue })
        {
            var frequencies = Enumerable.Range(0, size / 2).Select(pair => rotary.Frequency(pair, length));
            if (!frequencies.Append(rotary.Magnitude).All(double.IsFinite))
            {
                throw new InvalidDataException($"{fields.File} gives rotary angles that are not finite numbers: look at rope_theta and {name}.");
            }
        }

        return (rotary, (int)Math.Clamp(reach, maxPositions, ModelConfig.MostPositions));
    }

    // Reach is the length that the factor makes of the trained one, and 0 where max_position_embeddings says it all.
    private static (RotaryEmbedding Rotary, double Reach) Scaled(JsonFields rope, JsonFields fields, int size, double theta, int maxPositions)
    {
        var trained = rope.Size(
            "original_max_position_embeddings", ModelConfig.MostPositions,
            absent: fields.Size("original_max_position_embeddings", ModelConfig.MostPositions, absent: maxPositions));
        var extension = (double)maxPositions / trained;
        double Factor() => rope.Positive("factor", MostFactor);

        var key = rope.Find("rope_type") is null ? "type" : "rope_type";
        switch (rope.Text(key))
        {
            case null when rope.Find("factor") is { } factor:
                throw rope.NotSupported("factor", factor, "but there is no rope_type that says what it scales");

            case null or "default":
                return (new UnscaledRotary(size, theta), 0);

            case "linear":
                return (new LinearRotary(size, theta, Factor()), Factor() * maxPositions);

            case "dynamic":
                return (new DynamicRotary(size, theta, Factor(), maxPositions), Factor() * maxPositions);

            case "llama3":
                var (low, high) = (rope.Positive("low_freq_factor", MostFactor), rope.Positive("high_freq_factor", MostFactor));
                return low < high
                    ? (new Llama3Rotary(size, theta, Factor(), low, high, trained), Factor() * trained)
                    : throw rope.NotSupported("low_freq_factor", rope.Find("low_freq_factor")!.Value, "it must be less than high_freq_factor");

            case "yarn" when !rope.Has("short_factor"):
                var times = rope.Positive("factor", MostFactor, absent: extension);
                return (
                    new YarnRotary(
                        size, theta, YarnMagnitude(rope, times), times,
                        rope.Positive("beta_fast", MostFactor, absent: 32), rope.Positive("beta_slow", MostFactor, absent: 1),
                        trained, rope.Flag("truncate", absent: true)),
                    times * trained);

            // "su" and "yarn" are what the first Phi-3 files called it.
            case "longrope" or "su" or "yarn":
                var longer = rope.Positive("factor", MostFactor, absent: extension);
                return (
                    new LongRotary(
                        size, theta,
                        rope.Positive("attention_factor", MostFactor, LongMagnitude(longer, trained)),
                        PairFactors(rope, "short_factor", size), PairFactors(rope, "long_factor", size), trained),
                    0);

            default:
                throw rope.NotSupported(key, rope.Find(key)!.Value, "supported are default, linear, dynamic, llama3, yarn and longrope");
        }
    }

    private static double LongMagnitude(double factor, int trained) =>
        factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(trained)));

    private static double YarnMagnitude(JsonFields rope, double factor)
    {
        double Warmth(double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;
        // A weight of 0 counts as none.
        bool Has(string field) => rope.Find(field) is { } value
            && !(value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var weight) && weight == 0);
        var absent = Has("mscale") && Has("mscale_all_dim")
            ? Warmth(rope.Positive("mscale", MostFactor)) / Warmth(rope.Positive("mscale_all_dim", MostFactor))
            : Warmth(1);
        return rope.Positive("attention_factor", MostFactor, absent);
    }

    private static ValueList<double> PairFactors(JsonFields rope, string field, int size)
    {
        var factors = rope.Positives(field, MostFactor);
        return factors.Length == size / 2 ? [.. factors]
            : throw rope.NotSupported(field, rope.Find(field)!.Value, $"it has {factors.Length} numbers where {size / 2} pairs turn");
    }
}
