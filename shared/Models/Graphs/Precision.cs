using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>The numbers in which a model is computed.</summary>
public enum Precision
{
    /// <summary>As the reference.</summary>
    Float32,

    /// <summary>
    /// Linear maps' weights as 8-bit integers with a scale for each output, their inputs with a scale for each row at each run (W8A8): a
    /// row's result does not depend on the rows beside it. All else is float32. Opt-in, on the CPU.
    /// </summary>
    Int8,

    /// <summary>Weights, keys, values and all between in float16, norms and sums in float32; for GPUs. Numbers reach 65504.</summary>
    Float16,

    /// <summary>The same in bfloat16: the range of float32 with 8 bits of precision.</summary>
    BFloat16,
}

internal static class NumberTypes
{
    /// <summary>The type of a graph's floating-point tensors.</summary>
    public static DType FloatType(this Precision precision) => precision switch
    {
        Precision.Float16 => DType.Float16,
        Precision.BFloat16 => DType.BFloat16,
        _ => DType.Float32,
    };

    /// <summary>Bytes of an element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Int64 => sizeof(long),
        DType.Float32 or DType.Int32 => sizeof(int),
        DType.Float16 or DType.BFloat16 => sizeof(ushort),
        _ => sizeof(byte),
    };

    /// <summary>The greatest finite number of a floating-point type.</summary>
    public static float Greatest(this DType type) => type switch
    {
        DType.Float16 => (float)Half.MaxValue,
        DType.BFloat16 => BitConverter.UInt32BitsToSingle(0x7F7F_0000),
        _ => float.MaxValue,
    };

    public static TensorElementType ElementType(this DType type) => type switch
    {
        DType.Float32 => TensorElementType.Float,
        DType.Int32 => TensorElementType.Int32,
        DType.Int64 => TensorElementType.Int64,
        DType.Int8 => TensorElementType.Int8,
        DType.UInt8 => TensorElementType.UInt8,
        DType.Float16 => TensorElementType.Float16,
        DType.BFloat16 => TensorElementType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
