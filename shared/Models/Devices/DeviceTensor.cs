using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>A floating-point tensor in a device's memory, for sessions to read.</summary>
public sealed unsafe class DeviceTensor : IDisposable
{
    private readonly DeviceMemory memory;
    private readonly TensorElementType type;
    private readonly nint address;

    /// <param name="memory">Where it lies.</param>
    /// <param name="type">Float, Float16 or BFloat16.</param>
    /// <param name="shape">Its sides.</param>
    public DeviceTensor(DeviceMemory memory, TensorElementType type, IReadOnlyList<long> shape)
    {
        (this.memory, this.type) = (memory, type);
        var bytes = shape.Aggregate((long)Size, (product, side) => product * side);
        address = memory.Allocate(bytes);
        Value = OrtValue.CreateTensorValueWithData(memory.Info, type, [.. shape], address, bytes);
    }

    /// <summary>The tensor as ONNX Runtime takes it; it stays the property of this one.</summary>
    public OrtValue Value { get; }

    private int Size => type == TensorElementType.Float ? sizeof(float) : sizeof(ushort);

    /// <summary>Sets the elements from <paramref name="start"/> on, rounded to the nearest the type has.</summary>
    public void Write(ReadOnlySpan<float> values, long start = 0)
    {
        var target = address + (nint)(start * Size);
        if (type == TensorElementType.Float)
        {
            fixed (float* source = values)
            {
                memory.Write(target, (nint)source, (long)values.Length * Size);
            }
        }
        else
        {
            var narrow = new ushort[values.Length];
            ElementWise.Narrow(values, type == TensorElementType.Float16 ? DType.Float16 : DType.BFloat16, narrow);
            fixed (ushort* source = narrow)
            {
                memory.Write(target, (nint)source, (long)values.Length * Size);
            }
        }
    }

    public void Dispose()
    {
        Value.Dispose();
        memory.Free(address);
    }

    /// <summary>Sets all elements to those of a tensor of the same type and shape in this program's memory.</summary>
    internal void Write(nint source, long bytes) => memory.Write(address, source, bytes);
}
