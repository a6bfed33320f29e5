using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>Precisions as a person writes them.</summary>
public static class PrecisionNames
{
    private static readonly string[] Known = ["float32", "int8", "float16", "bfloat16"];

    /// <summary>All names, for messages.</summary>
    public static string Listed => string.Join(", ", Known);

    /// <summary>Whether there is such a precision.</summary>
    public static bool IsKnown(string name) => Known.Contains(name);

    /// <summary>The precision of that name, for a model that runs on the CPU.</summary>
    /// <exception cref="InvalidDataException">There is no such precision, or only a GPU computes in it.</exception>
    public static Precision OnCpu(string name) => name switch
    {
        "float32" => Precision.Float32,
        "int8" => Precision.Int8,
        _ when IsKnown(name) => throw new InvalidDataException($"The precision {name} needs a GPU, and this worker computes on the CPU; use float32 or int8."),
        _ => throw new InvalidDataException($"The precision must be one of {Listed}."),
    };
}
