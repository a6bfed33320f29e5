namespace Hindsight.Models;

/// <summary>Finds in an adapter's file each tensor that its config demands of the base, and nothing else.</summary>
internal sealed class AdapterReading
{
    private readonly LoraConfig config;
    private readonly string configPath;
    private readonly AdaptableModules modules;
    private readonly SafetensorsFile file;
    private readonly Dictionary<string, StoredTensor> left;
    private readonly List<WeightUpdate> updates = [];
    private readonly Dictionary<string, StoredTensor> replaced = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">A tensor is missing, unexpected or of the wrong shape or type, or the adapter changes nothing.</exception>
    public AdapterReading(LoraConfig config, string configPath, AdaptableModules modules, SafetensorsFile file)
    {
        (this.config, this.configPath, this.modules, this.file) = (config, configPath, modules, file);
        left = AdapterTensors.ByName(file, IsOfBase);

        foreach (var linear in modules.Linears.Where(linear => config.Targets(linear.Name, linear.Name != AdaptableModules.Head)))
        {
            TakeLinear(linear);
        }

        foreach (var (name, (rows, size)) in modules.Embeddings.Where(table => config.Targets(table.Key, isInnerLinear: false)))
        {
            var rank = config.RankOf(name);
            var down = Take($"{name}.lora_embedding_A", [rank, rows]);
            var up = Take($"{name}.lora_embedding_B", [size, rank]);
            updates.Add(new LowRankUpdate(name, $"{name}.weight", rank, down, up, config.ScaleOf(name), InputsFirst: true));
        }

        if (updates.Count == 0 && config.Saved.Count == 0)
        {
            throw new InvalidDataException($"{configPath} names no module of the base in target_modules; the adapter belongs to another model.");
        }

        TakeReplaced();
        if (left.Count > 0)
        {
            throw new InvalidDataException($"{file.Path} holds {Listed(left.Values.Select(tensor => tensor.Info.Name))}, for which {configPath} has no place in the base.");
        }

        IsLowRank = replaced.Count == 0 && updates.All(update => update is LowRankUpdate { Module: var module }
            && modules.Linears.Any(linear => linear.Name == module && !linear.IsTied));
        RefuseWithoutEffect();
    }

    public IReadOnlyList<WeightUpdate> Updates => updates;

    public IReadOnlyDictionary<string, StoredTensor> Replaced => replaced;

    public bool IsLowRank { get; }

    private bool IsOfBase(string tensor) => ShapeInBase(tensor) is not null;

    // A head that shares the embedding's weight in the base gets one of its own from the adapter.
    private long[]? ShapeInBase(string tensor) =>
        modules.Parameters.GetValueOrDefault(tensor)
        ?? (modules.Linears.FirstOrDefault(linear => linear.IsTied && linear.Weight == tensor) is { } head ? [head.To, head.From] : null);

    private void TakeLinear(LinearModule linear)
    {
        var rank = config.RankOf(linear.Name);
        var scale = config.ScaleOf(linear.Name);
        var down = Take($"{linear.Name}.lora_A.weight", [rank, linear.From]);
        var up = Take($"{linear.Name}.lora_B.weight", [linear.To, rank]);
        updates.Add(new LowRankUpdate(linear.Name, linear.Weight, rank, down, up, scale, linear.InputsFirst));
        if (!config.HasBiases)
        {
            return;
        }

        var bias = Take($"{linear.Name}.lora_B.bias", [linear.To]);
        if (!IsOfBase(linear.Bias))
        {
            throw new InvalidDataException($"{configPath} has lora_bias = true for {linear.Name}, which has no bias in the base to add it to; train the adapter with lora_bias = false.");
        }

        updates.Add(new BiasUpdate(linear.Bias, bias, scale));
    }

    private void TakeReplaced()
    {
        var trained = modules.Parameters.Keys.Where(IsTrained).ToList();
        var head = $"{AdaptableModules.Head}.weight";
        if (config.IsInsideSaved(AdaptableModules.Head) && !modules.Parameters.ContainsKey(head) && IsOfBase(head))
        {
            trained.Add(head);
        }

        // PEFT looks for the biases of adapted modules where its own wrappers hide them and saves none; older versions saved all.
        if (config.Bias == "lora_only")
        {
            var adapted = updates.OfType<LowRankUpdate>().Select(update => $"{update.Module}.bias").Where(IsOfBase).ToList();
            trained.AddRange(adapted.Exists(left.ContainsKey) ? adapted : []);
        }

        foreach (var tensor in trained.Distinct())
        {
            replaced.Add(tensor, Take(tensor, ShapeInBase(tensor)!));
        }

        // PEFT saves embedding and head beside the adapter when the vocabulary grew or when they are adapted themselves.
        var besides = left.Keys.Where(tensor => IsOfBase(tensor)
            && (config.IsLooselyInsideSaved(AdaptableModules.Module(tensor)) || tensor == head || tensor == $"{modules.TokenEmbedding}.weight"));
        foreach (var tensor in besides.ToList())
        {
            replaced.Add(tensor, Take(tensor, ShapeInBase(tensor)!));
        }
    }

    private bool IsTrained(string tensor) =>
        config.IsInsideSaved(AdaptableModules.Module(tensor)) || (config.Bias == "all" && tensor.EndsWith(".bias", StringComparison.Ordinal));

    private StoredTensor Take(string name, long[] shape)
    {
        if (!left.Remove(name, out var tensor))
        {
            throw new InvalidDataException($"{file.Path} lacks the tensor {StrictJson.Quoted(name)}, which {configPath} demands.");
        }

        if (!tensor.Info.Shape.SequenceEqual(shape))
        {
            throw new InvalidDataException($"{file.Path} holds {tensor.Info.Name} with the shape {tensor.Info.ShapeText}; {configPath} and the base demand {TensorInfo.ShapeToText(shape)}.");
        }

        return tensor.Info.Type is StoredType.F32 or StoredType.F16 or StoredType.BF16
            ? tensor
            : throw new InvalidDataException($"{file.Path} holds {tensor.Info.Name} as {tensor.Info.Type.HeaderName()}; only F32, F16 and BF16 weights are supported.");
    }

    // B is zero until the first step of training, and A is not.
    private void RefuseWithoutEffect()
    {
        var hasEffect = replaced.Count > 0 || updates.Any(update => update switch
        {
            LowRankUpdate { Scale: not 0 } low => low.ReadUp().AsSpan().ContainsAnyExcept(0f) && low.ReadDown().AsSpan().ContainsAnyExcept(0f),
            BiasUpdate => true,
            _ => false,
        });
        if (!hasEffect)
        {
            throw new InvalidDataException($"{file.Path} changes nothing: every update in it is zero, as before the first step of training.");
        }
    }

    private static string Listed(IEnumerable<string> names)
    {
        const int Shown = 5;
        var all = names.Order(StringComparer.Ordinal).ToArray();
        var listed = string.Join(", ", all.Take(Shown).Select(StrictJson.Quoted));
        return $"the tensor{(all.Length == 1 ? "" : "s")} {listed}{(all.Length > Shown ? $" and {all.Length - Shown} more" : "")}";
    }
}
