using System.Runtime.InteropServices;

namespace Hindsight.Models;

/// <summary>A tensor's place in a mapped file, read block by block as float32.</summary>
internal sealed unsafe record StoredTensor(SafetensorsFile File, TensorInfo Info)
{
    /// <summary>Float32 that lies so that it can be used in place.</summary>
    public bool IsUsableInPlace => Info.Type == StoredType.F32 && (nint)File.Pointer(Info) % sizeof(float) == 0;

    /// <summary>Elements [start, start + length) as they are stored.</summary>
    public ReadOnlySpan<byte> Bytes(long start, int length) =>
        new(File.Pointer(Info) + (start * Info.Type.Size()), checked(length * Info.Type.Size()));

    /// <summary>Widens elements from <paramref name="start"/> on, exactly; whether all of them are finite.</summary>
    public bool TryWiden(long start, Span<float> target)
    {
        var bytes = Bytes(start, target.Length);
        switch (Info.Type)
        {
            case StoredType.F32:
                // A copy of bytes, as the file may place floats at any address.
                bytes.CopyTo(MemoryMarshal.AsBytes(target));
                break;
            case StoredType.BF16:
                Precision.Widen(MemoryMarshal.Cast<byte, ushort>(bytes), target);
                break;
            case StoredType.F16:
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), target);
                break;
            default:
                throw new InvalidOperationException($"{Info.Type} is not a type of weights.");
        }

        return Precision.AllFinite(target);
    }

    public InvalidDataException NotFinite() => new($"{File.Path} has a weight in {Info.Name} that is not a finite number; the checkpoint is damaged.");

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
