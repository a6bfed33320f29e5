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
            if (!CheckpointFiles.IsWeights(file))
            {
                throw new InvalidDataException($"{name} puts the tensor {StrictJson.Quoted(entry.Name)} into {StrictJson.Quoted(file)}; a shard is a plain file name model….safetensors inside the folder.");
            }

            fileOf.Add(entry.Name, file);
        }

        return fileOf.Count > 0 ? new ShardIndex(fileOf) : throw new InvalidDataException($"{name} names no tensor.");
    });
}
