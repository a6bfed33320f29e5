using System.Numerics;
using System.Numerics.Tensors;
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
    /// <returns>Whether the results are finite too; the largest float32 are too large for bfloat16.</returns>
    public static bool Narrow(ReadOnlySpan<float> source, Span<ushort> target)
    {
        static Vector<uint> Rounded(Vector<uint> bits) => (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;

        var bits = MemoryMarshal.Cast<float, uint>(source);
        var exponent = new Vector<ushort>((ushort)(Exponent >> 16));
        var found = Vector<ushort>.Zero;
        var index = 0;
        for (; index <= source.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            var low = Rounded(new Vector<uint>(bits[index..]));
            var high = Rounded(new Vector<uint>(bits[(index + Vector<uint>.Count)..]));
            var narrow = Vector.Narrow(low, high);
            found |= Vector.Equals(narrow & exponent, exponent);
            narrow.CopyTo(target[index..]);
        }

        var finite = found == Vector<ushort>.Zero;
        for (; index < source.Length; index++)
        {
            target[index] = (ushort)((bits[index] + 0x7FFF + ((bits[index] >> 16) & 1)) >> 16);
            finite &= (target[index] & (Exponent >> 16)) != Exponent >> 16;
        }

        return finite;
    }

    /// <summary>float32 to float16, to nearest, ties to even. The values are finite.</summary>
    /// <returns>Whether the results are finite too; float16 ends at 65504.</returns>
    public static bool Narrow(ReadOnlySpan<float> source, Span<Half> target)
    {
        TensorPrimitives.ConvertToHalf(source, target);
        return NoneIsFull<ushort>(MemoryMarshal.Cast<Half, ushort>(target[..source.Length]), exponent: 0x7C00);
    }

    /// <summary>float32 to one of the types of 16 bits, to nearest, ties to even.</summary>
    /// <returns>Whether the results are finite.</returns>
    public static bool Narrow(ReadOnlySpan<float> source, DType type, Span<ushort> target) => type switch
    {
        DType.Float16 => Narrow(source, MemoryMarshal.Cast<ushort, Half>(target)),
        DType.BFloat16 => Narrow(source, target),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "It has not 16 bits."),
    };

    public static bool AllFinite(ReadOnlySpan<float> values) => NoneIsFull(MemoryMarshal.Cast<float, uint>(values), Exponent);

    /// <summary>
    /// target = earlyWeight · early + (1 − earlyWeight) · late, each product and the sum rounded to float32;
    /// <paramref name="early"/> or <paramref name="late"/> may be <paramref name="target"/>.
    /// </summary>
    /// <returns>Whether all results are finite. A weight that is not makes a result that is not; so does, rarely, an overflow.</returns>
    public static bool Interpolate(ReadOnlySpan<float> early, ReadOnlySpan<float> late, double earlyWeight, Span<float> target)
    {
        // The checks of lengths that make the loads below safe.
        early = early[..target.Length];
        late = late[..target.Length];
        ref var firstEarly = ref MemoryMarshal.GetReference(early);
        ref var firstLate = ref MemoryMarshal.GetReference(late);
        ref var firstTarget = ref MemoryMarshal.GetReference(target);
        var (ofEarly, ofLate) = ((float)earlyWeight, (float)(1 - earlyWeight));
        var (vectorOfEarly, vectorOfLate, exponent) = (new Vector<float>(ofEarly), new Vector<float>(ofLate), new Vector<uint>(Exponent));
        var found = Vector<uint>.Zero;
        var index = 0;
        for (; index <= target.Length - Vector<float>.Count; index += Vector<float>.Count)
        {
            var earlyPart = Vector.LoadUnsafe(ref firstEarly, (nuint)index) * vectorOfEarly;
            var latePart = Vector.LoadUnsafe(ref firstLate, (nuint)index) * vectorOfLate;
            var sum = earlyPart + latePart;
            found |= Vector.Equals(Vector.AsVectorUInt32(sum) & exponent, exponent);
            sum.StoreUnsafe(ref firstTarget, (nuint)index);
        }

        var finite = found == Vector<uint>.Zero;
        for (; index < target.Length; index++)
        {
            target[index] = (float)(early[index] * ofEarly) + (float)(late[index] * ofLate);
            finite &= float.IsFinite(target[index]);
        }

        return finite;
    }

    /// <summary>The same of two bfloat16 tensors, the kind most checkpoints have, with one look at each.</summary>
    /// <returns>Whether all results are finite.</returns>
    public static bool Interpolate(ReadOnlySpan<ushort> early, ReadOnlySpan<ushort> late, double earlyWeight, Span<float> target)
    {
        early = early[..target.Length];
        late = late[..target.Length];
        ref var firstEarly = ref MemoryMarshal.GetReference(early);
        ref var firstLate = ref MemoryMarshal.GetReference(late);
        ref var firstTarget = ref MemoryMarshal.GetReference(target);
        var (ofEarly, ofLate) = ((float)earlyWeight, (float)(1 - earlyWeight));
        var (vectorOfEarly, vectorOfLate, exponent) = (new Vector<float>(ofEarly), new Vector<float>(ofLate), new Vector<uint>(Exponent));
        var found = Vector<uint>.Zero;
        var index = 0;
        for (; index <= target.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref firstEarly, (nuint)index), out var lowEarly, out var highEarly);
            Vector.Widen(Vector.LoadUnsafe(ref firstLate, (nuint)index), out var lowLate, out var highLate);
            var lowEarlyPart = Vector.AsVectorSingle(lowEarly << 16) * vectorOfEarly;
            var lowLatePart = Vector.AsVectorSingle(lowLate << 16) * vectorOfLate;
            var highEarlyPart = Vector.AsVectorSingle(highEarly << 16) * vectorOfEarly;
            var highLatePart = Vector.AsVectorSingle(highLate << 16) * vectorOfLate;
            var (low, high) = (lowEarlyPart + lowLatePart, highEarlyPart + highLatePart);
            found |= Vector.Equals(Vector.AsVectorUInt32(low) & exponent, exponent) | Vector.Equals(Vector.AsVectorUInt32(high) & exponent, exponent);
            low.StoreUnsafe(ref firstTarget, (nuint)index);
            high.StoreUnsafe(ref firstTarget, (nuint)(index + Vector<float>.Count));
        }

        var finite = found == Vector<uint>.Zero;
        for (; index < target.Length; index++)
        {
            var (ofOne, ofOther) = (BitConverter.UInt32BitsToSingle((uint)early[index] << 16), BitConverter.UInt32BitsToSingle((uint)late[index] << 16));
            target[index] = (float)(ofOne * ofEarly) + (float)(ofOther * ofLate);
            finite &= float.IsFinite(target[index]);
        }

        return finite;
    }

    /// <summary>Whether no number has all bits of the exponent set, as infinities and NaN have them.</summary>
    private static bool NoneIsFull<T>(ReadOnlySpan<T> bits, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var full = new Vector<T>(exponent);
        var found = Vector<T>.Zero;
        var index = 0;
        for (; index <= bits.Length - Vector<T>.Count; index += Vector<T>.Count)
        {
            found |= Vector.Equals(new Vector<T>(bits[index..]) & full, full);
        }

        var finite = found == Vector<T>.Zero;
        for (; index < bits.Length; index++)
        {
            finite &= (bits[index] & exponent) != exponent;
        }

        return finite;
    }
}
