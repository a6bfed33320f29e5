using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Hindsight.Models;

/// <summary>A tensor's place in a mapped file, read block by block as float32.</summary>
internal sealed unsafe record StoredTensor(SafetensorsFile File, TensorInfo Info)
{
    /// <summary>Float32 that lies so that it can be used in place.</summary>
    public bool IsUsableInPlace => LiesAs(DType.Float32);

    /// <summary>The elements are stored in this type, and so that they can be used in place.</summary>
    public bool LiesAs(DType type) => (nint)File.Pointer(Info) % type.Size() == 0 && Info.Type == type switch
    {
        DType.Float32 => StoredType.F32,
        DType.Float16 => StoredType.F16,
        DType.BFloat16 => StoredType.BF16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Weights are stored in floating point."),
    };

    /// <summary>Elements [start, start + length) as they are stored.</summary>
    public ReadOnlySpan<byte> Bytes(long start, int length) =>
        new(File.Pointer(Info) + (start * Info.Type.Size()), checked(length * Info.Type.Size()));

    /// <summary>
    /// <paramref name="length"/> elements from <paramref name="start"/> on as float32, exactly: where they lie if that is possible, else
    /// widened into <paramref name="buffer"/>.
    /// </summary>
    /// <exception cref="InvalidDataException">An element is not finite.</exception>
    public ReadOnlySpan<float> Read(long start, int length, Span<float> buffer)
    {
        var values = Widened(start, length, buffer);
        return ElementWise.AllFinite(values)
            ? values
            : throw new InvalidDataException($"{File.Path} has a weight in {Info.Name} that is not a finite number; the checkpoint is damaged.");
    }

    /// <exception cref="InvalidDataException">An element is not finite.</exception>
    public void RequireFinite(long start, int length)
    {
        if (IsUsableInPlace)
        {
            Read(start, length, default);
            return;
        }

        var buffer = ArrayPool<float>.Shared.Rent(length);
        try
        {
            Read(start, length, buffer);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    /// <summary><see cref="Read"/> without the look at the values, for a caller that checks what it makes of them.</summary>
    public ReadOnlySpan<float> Widened(long start, int length, Span<float> buffer)
    {
        var bytes = Bytes(start, length);
        if (IsUsableInPlace)
        {
            return MemoryMarshal.Cast<byte, float>(bytes);
        }

        var widened = buffer[..length];
        switch (Info.Type)
        {
            case StoredType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(widened));
                break;
            case StoredType.BF16:
                ElementWise.Widen(MemoryMarshal.Cast<byte, ushort>(bytes), widened);
                break;
            case StoredType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), widened);
                break;
            default:
                throw new InvalidOperationException($"{Info.Type} is not a type of weights.");
        }

        return widened;
    }

    /// <summary><see cref="Read"/>, always into <paramref name="target"/>.</summary>
    public void ReadInto(long start, Span<float> target)
    {
        var values = Read(start, target.Length, target);
        if (IsUsableInPlace)
        {
            values.CopyTo(target);
        }
    }

    public bool SameBytes(StoredTensor other)
    {
        const int Block = 1 << 20;
        if (Info.Type != other.Info.Type || Info.ByteLength != other.Info.ByteLength)
        {
            return false;
        }

        for (long start = 0; start < Info.Elements; start += Block)
        {
            var length = (int)Math.Min(Block, Info.Elements - start);
            if (!Bytes(start, length).SequenceEqual(other.Bytes(start, length)))
            {
                return false;
            }
        }

        return true;
    }
}
