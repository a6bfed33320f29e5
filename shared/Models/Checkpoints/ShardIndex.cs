using System.Text.Json;

namespace Hindsight.Models;

/// <summary>model.safetensors.index.json: which file holds which tensor.</summary>
/// <param name="FileOf">From a tensor's name to a plain file name inside the folder.</param>
public sealed record ShardIndex(IReadOnlyDictionary<string, string> FileOf)
{
    /// <summary>The shards, each once, in ordinal order.</summary>
    public IReadOnlyList<string> Files { get; } = [.. FileOf.Values.Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Reads an index.</summary>
    /// <exception cref="InvalidDataException">It is not an index, or a shard's name could lead out of the folder.</exception>
    public static ShardIndex Parse(ReadOnlyMemory<byte> utf8, string name) => StrictJson.Read(utf8, name, root =>
    {
        if (new JsonFields(root, name).Find("weight_map") is not { ValueKind: JsonValueKind.Object } map)
        {
            throw new InvalidDataException($"{name} lacks the object weight_map.");
        }

        var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            if (!IsPlainShardName(file))
            {
                throw new InvalidDataException($"{name} puts the tensor {StrictJson.Quoted(entry.Name)} into {StrictJson.Quoted(file)}; a shard is a plain .safetensors file name inside the folder.");
            }

            fileOf.Add(entry.Name, file);
        }

        return fileOf.Count > 0 ? new ShardIndex(fileOf) : throw new InvalidDataException($"{name} names no tensor.");
    });

    // An allow-list, the same on every operating system: Path.GetInvalidFileNameChars knows only '/' and NUL on Linux.
    internal static bool IsPlainShardName(string name) =>
        name.Length is > 0 and <= 200
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.')
        && char.IsAsciiLetterOrDigit(name[0])
        && name.EndsWith(".safetensors", StringComparison.Ordinal)
        && !IsDevice(name[..name.IndexOf('.', StringComparison.Ordinal)].ToUpperInvariant());

    // Windows opens "con.safetensors" as the console.
    private static bool IsDevice(string stem) =>
        stem is "CON" or "PRN" or "AUX" or "NUL" || (stem.Length == 4 && stem[..3] is "COM" or "LPT" && char.IsAsciiDigit(stem[3]));
}
