namespace Hindsight.Models;

/// <summary>
/// A LoRA adapter (Hu et al., arXiv 2106.09685) in PEFT's layout, checked against the config of its base: the tensors of the file are
/// exactly those that adapter_config.json demands.
/// </summary>
public sealed class Adapter : IDisposable
{
    private readonly SafetensorsFile file;

    private Adapter(string folder, ModelConfig baseConfig, SafetensorsFile file)
    {
        Folder = folder;
        BaseConfig = baseConfig;
        this.file = file;
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
        foreach (var name in new[] { CheckpointFiles.AdapterConfig, CheckpointFiles.AdapterWeights })
        {
            if (new FileInfo(Path.Combine(folder, name)) is not { Exists: true, Length: > 0 })
            {
                throw new InvalidDataException($"{Path.Combine(folder, name)} is missing or empty: save the adapter with PEFT (save_pretrained) as safetensors.");
            }
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

    public void Dispose() => file.Dispose();
}
