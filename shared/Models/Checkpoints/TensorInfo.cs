namespace Hindsight.Models;

/// <summary>The element types of the safetensors format that fill whole bytes.</summary>
public enum StoredType
{
    Bool,
    U8,
    I8,
    F8E5M2,
    F8E4M3,
    F8E8M0,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64,
    C64,
}

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its Hugging Face name.</param>
/// <param name="Type">How an element is stored.</param>
/// <param name="Shape">Its dimensions; empty for a scalar.</param>
/// <param name="Start">Its first byte, counted from the start of the file.</param>
/// <param name="ByteLength">Its length in bytes: elements times element size.</param>
public sealed record TensorInfo(string Name, StoredType Type, IReadOnlyList<long> Shape, long Start, long ByteLength)
{
    /// <summary>The number of elements.</summary>
    public long Elements => ByteLength / Type.Size();

    internal string ShapeText => ShapeToText(Shape);

    internal static string ShapeToText(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}

internal static class StoredTypes
{
    private static readonly (string Name, StoredType Type, int Size)[] Known =
    [
        ("BOOL", StoredType.Bool, 1), ("U8", StoredType.U8, 1), ("I8", StoredType.I8, 1),
        ("F8_E5M2", StoredType.F8E5M2, 1), ("F8_E4M3", StoredType.F8E4M3, 1), ("F8_E8M0", StoredType.F8E8M0, 1),
        ("I16", StoredType.I16, 2), ("U16", StoredType.U16, 2), ("F16", StoredType.F16, 2), ("BF16", StoredType.BF16, 2),
        ("I32", StoredType.I32, 4), ("U32", StoredType.U32, 4), ("F32", StoredType.F32, 4),
        ("I64", StoredType.I64, 8), ("U64", StoredType.U64, 8), ("F64", StoredType.F64, 8), ("C64", StoredType.C64, 8),
    ];

    /// <summary>Bytes an element takes.</summary>
    public static int Size(this StoredType type) => Known[(int)type].Size;

    /// <summary>The name in a safetensors header.</summary>
    public static string HeaderName(this StoredType type) => Known[(int)type].Name;

    public static bool TryParse(string name, out StoredType type)
    {
        var index = Array.FindIndex(Known, known => known.Name == name);
        type = index < 0 ? default : Known[index].Type;
        return index >= 0;
    }
}
