using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// What a checkpoint's config.json says about its decoder. Two checkpoints with equal configs run on the same graph.
/// </summary>
public sealed record ModelConfig
{
    internal const int MostVocabulary = 1 << 22;
    internal const int MostWidth = 1 << 20;
    internal const int MostLayers = 1024;
    internal const int MostPositions = 1 << 24;

    /// <summary>The name that the file gives its architecture, such as LlamaForCausalLM.</summary>
    public required string Architecture { get; init; }

    /// <summary>Rows of the embedding; may be more than the tokenizer knows.</summary>
    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward.</summary>
    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    /// <summary>Query heads; a multiple of <see cref="KeyValueHeads"/>.</summary>
    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    /// <summary>Width of a head; Heads times HeadSize need not be HiddenSize.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The longest sequence, prompt and answer together, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>How queries and keys are turned by their positions; null where positions are learned and added to the embedding.</summary>
    public required RotaryEmbedding? Rotary { get; init; }

    /// <summary>How many tokens, itself the last, a token attends to in each layer; null for all.</summary>
    public required ValueList<int?> Windows { get; init; }

    /// <summary>The factor of query-key products.</summary>
    public required double AttentionScale { get; init; }

    /// <summary>The cap c of c · tanh(x / c) on scaled query-key products.</summary>
    public double? AttentionCap { get; init; }

    /// <summary>The same cap on logits.</summary>
    public double? LogitCap { get; init; }

    /// <summary>Epsilon of the norms.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The output head is the embedding matrix.</summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>The query, key and value projections have biases.</summary>
    public required bool AttentionBias { get; init; }

    /// <summary>The attention's output projection has a bias.</summary>
    public required bool OutputBias { get; init; }

    /// <summary>The feed-forward projections have biases.</summary>
    public required bool MlpBias { get; init; }

    /// <summary>What a reward model gives in place of logits; null for a language model.</summary>
    public RewardHead? Reward { get; init; }

    /// <summary>How many numbers the model gives for a token: logits of the vocabulary, or a reward model's labels.</summary>
    public int Outputs => Reward?.Labels ?? VocabularySize;

    internal Family Family => Family.All.Single(family => family.Architecture == Architecture || RewardHead.IsOf(family, Architecture));

    /// <summary>Reads a config.json of transformers 4 or 5.</summary>
    /// <param name="utf8">The file's content.</param>
    /// <param name="name">The file's name for messages.</param>
    /// <exception cref="InvalidDataException">
    /// The architecture or a feature is not supported, or a size is impossible. A feature is never left out silently.
    /// </exception>
    public static ModelConfig Parse(ReadOnlyMemory<byte> utf8, string name) => StrictJson.Read(utf8, name, root =>
    {
        var fields = new JsonFields(root, name);
        var (family, architecture) = ReadFamily(fields);
        foreach (var (field, reason) in new[]
        {
            ("quantization_config", "quantised weights are not supported: save the checkpoint in bfloat16, float16 or float32"),
            ("text_config", "models that hold a text model among others are not supported: save the text model alone"),
        })
        {
            if (fields.Find(field) is { } value)
            {
                throw fields.NotSupported(field, value, reason);
            }
        }

        if (fields.Find("auto_map") is { } code && !family.MayNameCode && !RewardHead.MayNameCode(architecture))
        {
            throw fields.NotSupported("auto_map", code, "models with code of their own are not supported");
        }

        var config = family.Read(fields);
        return architecture == family.Architecture ? config
            : config with { Architecture = architecture, Reward = RewardHead.Read(architecture, fields), TieWordEmbeddings = false };
    });

    private static (Family Family, string Architecture) ReadFamily(JsonFields fields)
    {
        var modelType = fields.Text("model_type");
        var architecture = fields.Find("architectures") is not { } list ? null
            : list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == 1 && list[0].ValueKind == JsonValueKind.String
                ? list[0].GetString()
                : throw fields.Wrong("architectures", list, "a list of one name");
        var family = Family.All.FirstOrDefault(
            family => architecture is null ? family.ModelType == modelType : family.Architecture == architecture || RewardHead.IsOf(family, architecture))
            ?? throw new InvalidDataException(
                $"{fields.File} is for the architecture {StrictJson.Quoted(architecture ?? modelType ?? "")}; supported are {string.Join(", ", Family.All.Select(family => family.Architecture))}, and of reward models {RewardHead.Listed}.");
        return modelType is null || modelType == family.ModelType
            ? (family, architecture ?? family.Architecture)
            : throw new InvalidDataException($"{fields.File} has architectures {StrictJson.Quoted(architecture!)} but model_type {StrictJson.Quoted(modelType)}.");
    }
}
