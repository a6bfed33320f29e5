using System.Text.Json;

namespace Hindsight.Models;

/// <summary>Which layers attend through a sliding window.</summary>
internal static class LayerTypes
{
    public const string Full = "full_attention";
    public const string Sliding = "sliding_attention";

    /// <summary>Each layer's window, from layer_types where it is there, else as the family has it.</summary>
    /// <param name="fields">The config.</param>
    /// <param name="layers">How many layers there are.</param>
    /// <param name="window">The window of those layers that have one; null where the model has none.</param>
    /// <param name="slides">The layers that have one where layer_types is absent.</param>
    /// <exception cref="InvalidDataException">layer_types does not fit.</exception>
    public static ValueList<int?> Windows(JsonFields fields, int layers, int? window, Func<int, bool> slides)
    {
        if (fields.Find("layer_types") is not { } types)
        {
            return [.. Enumerable.Range(0, layers).Select(layer => slides(layer) ? window : null)];
        }

        if (types.ValueKind != JsonValueKind.Array || types.GetArrayLength() != layers
            || types.EnumerateArray().Any(type => type.ValueKind != JsonValueKind.String || type.GetString() is not (Full or Sliding)))
        {
            throw fields.NotSupported("layer_types", types, $"it must name {Full} or {Sliding} for each of the {layers} layers");
        }

        var names = types.EnumerateArray().Select(type => type.GetString()).ToArray();
        return window is not null || !names.Contains(Sliding)
            ? [.. names.Select(name => name == Sliding ? window : null)]
            : throw fields.NotSupported("layer_types", types, $"{Sliding} is not supported here, as there is no sliding_window");
    }

    /// <summary>sliding_window, which may be null for none.</summary>
    /// <param name="fields">The config.</param>
    /// <param name="absent">What it is where the field is absent altogether.</param>
    public static int? Window(JsonFields fields, int? absent) =>
        !fields.Has("sliding_window") ? absent
        : fields.Find("sliding_window") is null ? null : fields.Size("sliding_window", int.MaxValue);
}
