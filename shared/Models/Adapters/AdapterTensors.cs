namespace Hindsight.Models;

/// <summary>
/// The tensors of an adapter_model.safetensors under the names that PEFT gives them today: without the prefix base_model.model, the
/// adapter's own name, and the wrappers that modules were in during training.
/// </summary>
internal static class AdapterTensors
{
    private const string Prefix = "base_model.model.";

    private static readonly string[] Factors = ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"];

    /// <summary>All tensors by name: module.lora_A.weight, module.lora_B.weight, module.lora_embedding_A, …, or a weight of the base.</summary>
    /// <param name="file">The file.</param>
    /// <param name="isOfBase">Whether the base has a weight of that name.</param>
    /// <exception cref="InvalidDataException">Two tensors have one name, or two adapters are in the file.</exception>
    public static Dictionary<string, StoredTensor> ByName(SafetensorsFile file, Func<string, bool> isOfBase)
    {
        var stored = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        string? adapter = null;
        foreach (var info in file.Header.Tensors)
        {
            var (name, ofAdapter) = Split(info.Name, isOfBase);
            if (name is null)
            {
                continue;
            }

            if (ofAdapter is not null && (adapter ??= ofAdapter) != ofAdapter)
            {
                throw new InvalidDataException($"{file.Path} holds two adapters, {StrictJson.Quoted(adapter)} and {StrictJson.Quoted(ofAdapter)}; save each into a folder of its own.");
            }

            if (!stored.TryAdd(name, new StoredTensor(file, info)))
            {
                throw new InvalidDataException($"{file.Path} holds {StrictJson.Quoted(info.Name)} and {StrictJson.Quoted(stored[name].Info.Name)}, which are the same tensor of the adapter.");
            }
        }

        return stored;
    }

    private static (string? Name, string? Adapter) Split(string name, Func<string, bool> isOfBase)
    {
        var inner = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
        var parts = inner.Split('.').ToList();
        var factor = parts.FindIndex(Factors.Contains);
        if (factor >= 0)
        {
            var isEmbedding = parts[factor].StartsWith("lora_embedding", StringComparison.Ordinal);
            var hasAdapter = parts.Count - factor == (isEmbedding ? 2 : 3);
            var adapter = hasAdapter ? parts[factor + 1] : null;
            return (string.Join('.', parts.Where((_, index) => !hasAdapter || index != factor + 1)), adapter);
        }

        // Beside what was trained PEFT may save the untouched copy that it keeps of the base.
        if (parts.Contains("original_module"))
        {
            return (null, null);
        }

        parts.Remove("base_layer");
        var saved = parts.IndexOf("modules_to_save");
        if (saved >= 0)
        {
            parts.RemoveAt(saved);
            if (!isOfBase(string.Join('.', parts)) && saved < parts.Count)
            {
                var adapter = parts[saved];
                parts.RemoveAt(saved);
                return (string.Join('.', parts), adapter);
            }
        }

        return (string.Join('.', parts), null);
    }
}
