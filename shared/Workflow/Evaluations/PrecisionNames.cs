using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>Precisions as a person writes them.</summary>
public static class PrecisionNames
{
    private static readonly Dictionary<string, Precision> ByName = Enum.GetValues<Precision>().ToDictionary(precision => precision.ToString().ToLowerInvariant());

    /// <summary>All names, for messages.</summary>
    public static string Listed => string.Join(", ", ByName.Keys);

    /// <summary>Whether there is such a precision.</summary>
    public static bool IsKnown(string name) => ByName.ContainsKey(name);

    /// <summary>The precision of that name; whether a device computes in it is known by <see cref="Generation.EngineOptions.Check"/>.</summary>
    /// <exception cref="InvalidDataException">There is no such precision.</exception>
    public static Precision Parse(string name) => ByName.TryGetValue(name, out var precision)
        ? precision
        : throw new InvalidDataException($"The precision must be one of {Listed}.");
}
