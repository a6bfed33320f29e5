namespace Hindsight.Models;

/// <summary>Which files of a Hugging Face model folder matter, and whether they are all there.</summary>
public static class CheckpointFiles
{
    public const string Config = "config.json";
    public const string GenerationConfig = "generation_config.json";
    public const string Weights = "model.safetensors";
    public const string Index = "model.safetensors.index.json";
    public const string Tokenizer = "tokenizer.json";
    public const string TokenizerConfig = "tokenizer_config.json";
    public const string SpecialTokens = "special_tokens_map.json";
    public const string ChatTemplate = "chat_template.jinja";
    public const string ChatTemplateJson = "chat_template.json";
    public const string AdapterConfig = "adapter_config.json";
    public const string AdapterWeights = "adapter_model.safetensors";

    private static readonly HashSet<string> ByName =
    [
        Config, GenerationConfig, Index, Tokenizer, TokenizerConfig, SpecialTokens, ChatTemplate, ChatTemplateJson, AdapterConfig, AdapterWeights,
    ];

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>
    /// Whether a file is part of the model. What a trainer leaves beside it (optimizer.pt, rng_state.pth, trainer_state.json, …) and
    /// pickled weights are not: they are never read, uploaded or waited for.
    /// </summary>
    /// <param name="name">A file name without folder.</param>
    public static bool Matters(string name) =>
        ByName.Contains(name) || (name.StartsWith("model", StringComparison.Ordinal) && ShardIndex.IsPlainShardName(name));

    /// <summary>
    /// What a folder still lacks: null when a model can be loaded from it, else one sentence that begins with the missing file. Whether
    /// the files are sound is not asked here.
    /// </summary>
    /// <param name="sizes">The files' names and their sizes in bytes.</param>
    /// <param name="read">Gives a file's content; called for the shard index alone.</param>
    /// <exception cref="InvalidDataException">The shard index is malformed.</exception>
    public static string? Missing(IReadOnlyDictionary<string, long> sizes, Func<string, byte[]> read)
    {
        bool Has(string name) => sizes.GetValueOrDefault(name) > 0;

        if (!Has(Weights) && !Has(Index))
        {
            if (sizes.ContainsKey(AdapterConfig))
            {
                return $"{Weights} is missing and {AdapterConfig} is there: LoRA adapters are not supported yet, merge the adapter into its base model (PEFT's merge_and_unload) and save the whole model.";
            }

            if (sizes.Keys.Where(IsPickledWeights).Order(StringComparer.Ordinal).FirstOrDefault() is { } pickle)
            {
                return $"{Weights} is missing and the weights are pickled ({pickle}), which can run code and is never read: convert them with python -c \"from transformers import AutoModelForCausalLM as M; M.from_pretrained('FOLDER').save_pretrained('FOLDER', safe_serialization=True)\".";
            }

            return $"{Weights} (or {Index} and its shards) is missing.";
        }

        if (!Has(Config))
        {
            return $"{Config} is missing.";
        }

        if (!Has(Weights))
        {
            var shards = ShardIndex.Parse(read(Index), Index).Files;
            var absent = shards.Where(shard => !Has(shard)).ToArray();
            if (absent.Length > 0)
            {
                return $"{absent[0]} is missing: {absent.Length} of the {shards.Count} files named by {Index} are not there.";
            }
        }

        return Has(Tokenizer) ? null : $"{Tokenizer} is missing: save the tokenizer into the folder (tokenizer.save_pretrained) or copy it from the base model.";
    }

    private static bool IsPickledWeights(string name) =>
        Pickles.Any(extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
        && !name.StartsWith("optimizer", StringComparison.Ordinal)
        && !name.StartsWith("scheduler", StringComparison.Ordinal)
        && !name.StartsWith("scaler", StringComparison.Ordinal)
        && !name.StartsWith("rng_state", StringComparison.Ordinal)
        && !name.StartsWith("training_args", StringComparison.Ordinal);
}
