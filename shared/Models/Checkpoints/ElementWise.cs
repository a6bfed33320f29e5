using System.Numerics;
using System.Runtime.InteropServices;

namespace Hindsight.Models;

/// <summary>
/// Element-wise arithmetic on weights. Only exact steps and single IEEE roundings, no fused multiply-add: the results have the same bits
/// on every machine.
/// </summary>
internal static class ElementWise
{
    private const uint Exponent = 0x7F80_0000;

    /// <summary>bfloat16 to float32, exactly: the upper half of a float32.</summary>
    public static void Widen(ReadOnlySpan<ushort> source, Span<float> target)
    {
        var bits = MemoryMarshal.Cast<float, uint>(target);
        var index = 0;
        for (; index <= source.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[index..]), out var low, out var high);
            (low << 16).CopyTo(bits[index..]);
            (high << 16).CopyTo(bits[(index + Vector<uint>.Count)..]);
        }

        for (; index < source.Length; index++)
        {
            bits[index] = (uint)source[index] << 16;
        }
    }

    /// <summary>float32 to bfloat16, to nearest, ties to even. The values are finite.</summary>
    public static void Narrow(ReadOnlySpan<float> source, Span<ushort> target)
    {
        static Vector<uint> Rounded(Vector<uint> bits) => (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;

        var bits = MemoryMarshal.Cast<float, uint>(source);
        var index = 0;
        for (; index <= source.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            var low = Rounded(new Vector<uint>(bits[index..]));
            var high = Rounded(new Vector<uint>(bits[(index + Vector<uint>.Count)..]));
            Vector.Narrow(low, high).CopyTo(target[index..]);
        }

        for (; index < source.Length; index++)
        {
            target[index] = (ushort)((bits[index] + 0x7FFF + ((bits[index] >> 16) & 1)) >> 16);
        }
    }

    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var exponent = new Vector<uint>(Exponent);
        var found = Vector<uint>.Zero;
        var index = 0;
        for (; index <= bits.Length - Vector<uint>.Count; index += Vector<uint>.Count)
        {
            found |= Vector.Equals(new Vector<uint>(bits[index..]) & exponent, exponent);
        }

        var finite = found == Vector<uint>.Zero;
        for (; index < bits.Length; index++)
        {
            finite &= (bits[index] & Exponent) != Exponent;
        }

        return finite;
    }

    /// <summary>
    /// target = earlyWeight · early + (1 − earlyWeight) · late, each product and the sum rounded to float32;
    /// <paramref name="early"/> or <paramref name="late"/> may be <paramref name="target"/>.
    /// </summary>
    public static void Interpolate(ReadOnlySpan<float> early, ReadOnlySpan<float> late, double earlyWeight, Span<float> target)
    {
        var (ofEarly, ofLate) = ((float)earlyWeight, (float)(1 - earlyWeight));
        var (vectorOfEarly, vectorOfLate) = (new Vector<float>(ofEarly), new Vector<float>(ofLate));
        var index = 0;
        for (; index <= target.Length - Vector<float>.Count; index += Vector<float>.Count)
        {
            var (earlyPart, latePart) = (new Vector<float>(early[index..]) * vectorOfEarly, new Vector<float>(late[index..]) * vectorOfLate);
            (earlyPart + latePart).CopyTo(target[index..]);
        }

        for (; index < target.Length; index++)
        {
            target[index] = (float)(early[index] * ofEarly) + (float)(late[index] * ofLate);
        }
    }
}
