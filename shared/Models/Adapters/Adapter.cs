namespace Hindsight.Models;

/// <summary>
/// A LoRA adapter (Hu et al., arXiv 2106.09685) in PEFT's layout, checked against the config of its base: the tensors of the file are
/// exactly those that adapter_config.json demands.
/// </summary>
public sealed class Adapter : IDisposable
{
    private Adapter(string folder, ModelConfig baseConfig, SafetensorsFile file)
    {
        Folder = folder;
        BaseConfig = baseConfig;
        Weights = file;
    }

    public string Folder { get; }

    public ModelConfig BaseConfig { get; }

    /// <summary>
    /// Nothing but low-rank updates of linear maps, so that it can share a batch with others (<see cref="AdapterStack"/>). Else it can
    /// only be merged into its base: it changes biases, embeddings or whole modules, or an output head that the base shares with its
    /// embedding.
    /// </summary>
    public bool IsLowRank { get; private init; }

    /// <summary>Whether the folder brings a tokenizer of its own; else the base's is used.</summary>
    public bool HasTokenizer => File.Exists(Path.Combine(Folder, CheckpointFiles.Tokenizer));

    internal SafetensorsFile Weights { get; }

    internal IReadOnlyList<WeightUpdate> Updates { get; private init; } = [];

    /// <summary>Weights that take the place of the base's, by the names these have in the base.</summary>
    internal IReadOnlyDictionary<string, StoredTensor> Replaced { get; private init; } = new Dictionary<string, StoredTensor>();

    /// <summary>Opens a folder with adapter_config.json and adapter_model.safetensors.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="baseConfig">The config of the model that it was trained on.</param>
    /// <exception cref="InvalidDataException">
    /// Something is missing, malformed or not supported, or does not fit the base; the message names the file and the field or tensor.
    /// </exception>
    public static Adapter Open(string folder, ModelConfig baseConfig)
    {
        if (!Directory.Exists(folder))
        {
            throw new InvalidDataException($"{folder} is not a folder.");
        }

        var sizes = new DirectoryInfo(folder).EnumerateFiles().ToDictionary(file => file.Name, file => file.Length);
        foreach (var name in new[] { CheckpointFiles.AdapterConfig, CheckpointFiles.AdapterWeights })
        {
            if (!sizes.ContainsKey(name))
            {
                throw new InvalidDataException($"{folder} cannot be loaded as an adapter: {name} is missing; save it with PEFT (save_pretrained) as safetensors.");
            }
        }

        // A pipe has no size either, and opening one would wait for ever.
        if (sizes.Keys.FirstOrDefault(name => sizes[name] == 0 && CheckpointFiles.Matters(name)) is { } empty)
        {
            throw new InvalidDataException($"{Path.Combine(folder, empty)} is empty or no plain file; save the adapter again or remove it.");
        }

        var configPath = Checkpoint.Inside(folder, CheckpointFiles.AdapterConfig);
        var config = LoraConfig.Parse(StrictJson.ReadFile(configPath), configPath);
        var file = SafetensorsFile.Open(Checkpoint.Inside(folder, CheckpointFiles.AdapterWeights));
        try
        {
            var reading = new AdapterReading(config, configPath, ModelGraph.For(baseConfig, Target.Fused).Adaptable, file);
            return new Adapter(folder, baseConfig, file) { Updates = reading.Updates, Replaced = reading.Replaced, IsLowRank = reading.IsLowRank };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => Weights.Dispose();
}
