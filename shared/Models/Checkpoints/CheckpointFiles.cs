using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Hindsight.Models;

/// <summary>Which files of a Hugging Face model folder matter, and whether they are all there.</summary>
public static partial class CheckpointFiles
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
        Config, GenerationConfig, Index, Tokenizer, TokenizerConfig, SpecialTokens, ChatTemplate, ChatTemplateJson,
        AdapterConfig, AdapterWeights,
    ];

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>
    /// Whether a file is part of the model. What a trainer leaves beside it (optimizer.pt, rng_state.pth, trainer_state.json, …) and
    /// pickled weights are not: they are never read, uploaded or waited for.
    /// </summary>
    /// <param name="name">A file name without folder.</param>
    public static bool Matters(string name) => ByName.Contains(name) || IsWeights(name);

    /// <summary>
    /// Whether a name can be that of a file of full weights. An allow-list, the same on every operating system and without any way out
    /// of the folder: Path.GetInvalidFileNameChars knows only '/' and NUL on Linux.
    /// </summary>
    /// <param name="name">A file name without folder, or what claims to be one.</param>
    public static bool IsWeights(string name) => WeightsName().IsMatch(name);

    /// <summary>
    /// What a folder still lacks: null when a model can be loaded from it, or an adapter that needs its base beside it, else one sentence
    /// that begins with the missing file. Whether the files are sound is not asked here.
    /// </summary>
    /// <param name="sizes">The files' names and their sizes in bytes.</param>
    /// <param name="index">Reads the folder's shard index; called only where the weights are in shards.</param>
    /// <param name="withTokenizer">Whether a model is to have a tokenizer.</param>
    public static string? Missing(IReadOnlyDictionary<string, long> sizes, Func<ShardIndex> index, bool withTokenizer = true)
    {
        bool Has(string name) => sizes.GetValueOrDefault(name) > 0;

        if (IsAdapter(sizes))
        {
            return !Has(AdapterConfig) ? $"{AdapterConfig} is missing."
                : Has(AdapterWeights) ? null
                : $"{AdapterWeights} is missing beside {AdapterConfig}: save the adapter with PEFT (save_pretrained) as safetensors; a pickled adapter_model.bin can run code and is never read.";
        }

        if (!Has(Weights) && !Has(Index))
        {
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
            var shards = index().Files;
            var absent = shards.Where(shard => !Has(shard)).ToArray();
            if (absent.Length > 0)
            {
                return $"{absent[0]} is missing: {absent.Length} of the {shards.Count} files named by {Index} are not there.";
            }
        }

        return Has(Tokenizer) || !withTokenizer ? null : $"{Tokenizer} is missing: save the tokenizer into the folder (tokenizer.save_pretrained) or copy it from the base model.";
    }

    /// <summary>
    /// Whether a folder holds a LoRA adapter, which needs its base. A folder with full weights beside the adapter's files holds a model:
    /// trainers write both when the adapter has been merged.
    /// </summary>
    /// <param name="sizes">The files' names and their sizes in bytes.</param>
    public static bool IsAdapter(IReadOnlyDictionary<string, long> sizes) =>
        (sizes.ContainsKey(AdapterConfig) || sizes.ContainsKey(AdapterWeights)) && !sizes.Keys.Any(name => name == Index || IsWeights(name));

    /// <summary>
    /// The digest of a model's weights: SHA-256, in lower-case hexadecimal, over config.json and every file of weights. It is what
    /// "LC_ALL=C sha256sum config.json model*.safetensors | sha256sum" prints for the folder; for an adapter's folder the files are
    /// adapter_config.json and adapter_model.safetensors, and the base's digest is the caller's to mix in.
    /// </summary>
    /// <param name="sha256">The folder's files and their SHA-256 in lower-case hexadecimal; files of other kinds are passed over.</param>
    public static string WeightsDigest(IReadOnlyDictionary<string, string> sha256)
    {
        var isModel = sha256.Keys.Any(IsWeights);
        var lines = sha256.Where(file => isModel ? file.Key == Config || IsWeights(file.Key) : file.Key is AdapterConfig or AdapterWeights)
            .OrderBy(file => file.Key, StringComparer.Ordinal)
            .Select(file => $"{file.Value}  {file.Key}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static bool IsPickledWeights(string name) =>
        Pickles.Any(extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
        && !name.StartsWith("optimizer", StringComparison.Ordinal)
        && !name.StartsWith("scheduler", StringComparison.Ordinal)
        && !name.StartsWith("scaler", StringComparison.Ordinal)
        && !name.StartsWith("rng_state", StringComparison.Ordinal)
        && !name.StartsWith("training_args", StringComparison.Ordinal);

    [GeneratedRegex(@"\Amodel[A-Za-z0-9._-]{0,200}\.safetensors\z", RegexOptions.CultureInvariant)]
    private static partial Regex WeightsName();
}
