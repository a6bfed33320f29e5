using System.Text.Json;

namespace Hindsight.Models;

/// <summary>The model families that can be run.</summary>
public enum Architecture
{
    Llama,
    Qwen2,
}

/// <summary>
/// What a checkpoint's config.json says about its decoder. Two checkpoints with equal configs run on the same graph.
/// </summary>
public sealed record ModelConfig
{
    private const int MostVocabulary = 1 << 22;
    private const int MostWidth = 1 << 20;
    private const int MostLayers = 1024;
    private const int MostPositions = 1 << 24;

    private static readonly string[] Supported = [.. Enum.GetNames<Architecture>().Select(name => name + "ForCausalLM")];

    public required Architecture Architecture { get; init; }

    /// <summary>Rows of the embedding; may be more than the tokenizer knows.</summary>
    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated feed-forward.</summary>
    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    /// <summary>Query heads; a multiple of <see cref="KeyValueHeads"/>.</summary>
    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    /// <summary>Width of a head, an even number; Heads times HeadSize need not be HiddenSize.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The longest sequence, prompt and answer together, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Base of the rotary frequencies: theta^(-2i/HeadSize).</summary>
    public required double RopeTheta { get; init; }

    /// <summary>Epsilon of the root-mean-square norms.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The output head is the embedding matrix.</summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>The query, key and value projections have biases.</summary>
    public required bool AttentionBias { get; init; }

    /// <summary>The attention's output projection has a bias.</summary>
    public required bool OutputBias { get; init; }

    /// <summary>The three feed-forward projections have biases.</summary>
    public required bool MlpBias { get; init; }

    /// <summary>Reads a config.json of transformers 4 or 5.</summary>
    /// <param name="utf8">The file's content.</param>
    /// <param name="name">The file's name for messages.</param>
    /// <exception cref="InvalidDataException">
    /// The architecture or a feature is not supported, or a size is impossible. A feature is never left out silently.
    /// </exception>
    public static ModelConfig Parse(ReadOnlyMemory<byte> utf8, string name) =>
        StrictJson.Read(utf8, name, root => Read(new JsonFields(root, name), name));

    private static ModelConfig Read(JsonFields fields, string name)
    {
        var architecture = ReadArchitecture(fields, name);
        RefuseUnsupported(fields, name);

        var hidden = fields.Size("hidden_size", MostWidth);
        var heads = fields.Size("num_attention_heads", MostWidth);
        var keyValueHeads = fields.Size("num_key_value_heads", MostWidth, absent: heads);
        if (heads % keyValueHeads != 0)
        {
            throw new InvalidDataException($"{name} has num_attention_heads = {heads}, which num_key_value_heads = {keyValueHeads} does not divide.");
        }

        if (fields.Find("head_dim") is null && hidden % heads != 0)
        {
            throw new InvalidDataException($"{name} has hidden_size = {hidden}, which num_attention_heads = {heads} does not divide.");
        }

        var headSize = fields.Size("head_dim", MostWidth, absent: hidden / heads);
        if (headSize % 2 != 0)
        {
            throw new InvalidDataException($"{name} has heads of size {headSize}; rotary embedding needs an even head_dim.");
        }

        if ((long)heads * headSize > MostWidth)
        {
            throw new InvalidDataException($"{name} has num_attention_heads = {heads} times head_dim = {headSize}, more than {MostWidth} together.");
        }

        var bias = architecture == Architecture.Llama && fields.Flag("attention_bias", absent: false);
        return new ModelConfig
        {
            Architecture = architecture,
            VocabularySize = fields.Size("vocab_size", MostVocabulary),
            HiddenSize = hidden,
            IntermediateSize = fields.Size("intermediate_size", MostWidth),
            Layers = fields.Size("num_hidden_layers", MostLayers),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            MaxPositions = fields.Size("max_position_embeddings", MostPositions),
            RopeTheta = ReadRopeTheta(fields),
            NormEpsilon = (float)fields.Positive("rms_norm_eps", most: 0.1, absent: 1e-6),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", absent: false),
            AttentionBias = architecture == Architecture.Qwen2 || bias,
            OutputBias = bias,
            MlpBias = architecture == Architecture.Llama && fields.Flag("mlp_bias", absent: false),
        };
    }

    private static Architecture ReadArchitecture(JsonFields fields, string name)
    {
        var modelType = fields.Text("model_type");
        var named = fields.Find("architectures") is not { } list ? null
            : list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == 1 && list[0].ValueKind == JsonValueKind.String
                ? list[0].GetString()
                : throw fields.Wrong("architectures", list, "a list of one name");
        var index = named is not null
            ? Array.IndexOf(Supported, named)
            : Array.FindIndex(Enum.GetNames<Architecture>(), family => string.Equals(family, modelType, StringComparison.OrdinalIgnoreCase));
        if (index < 0)
        {
            throw new InvalidDataException($"{name} is for the architecture {StrictJson.Quoted(named ?? modelType ?? "")}; supported are {string.Join(", ", Supported)}.");
        }

        var architecture = Enum.GetValues<Architecture>()[index];
        return modelType is null || string.Equals(modelType, architecture.ToString(), StringComparison.OrdinalIgnoreCase)
            ? architecture
            : throw new InvalidDataException($"{name} has architectures {StrictJson.Quoted(named!)} but model_type {StrictJson.Quoted(modelType)}.");
    }

    private static void RefuseUnsupported(JsonFields fields, string name)
    {
        foreach (var (field, reason) in new[]
        {
            ("quantization_config", "quantised weights are not supported: save the checkpoint in bfloat16, float16 or float32"),
            ("auto_map", "models with code of their own are not supported"),
        })
        {
            if (fields.Find(field) is { } value)
            {
                throw fields.NotSupported(field, value, reason);
            }
        }

        if (fields.Text("hidden_act") is { } activation and not ("silu" or "swish"))
        {
            throw new InvalidDataException($"{name} has hidden_act = {StrictJson.Quoted(activation)}; only silu is supported.");
        }

        // A sliding_window number without use_sliding_window has no effect; released Qwen2.5 files carry one.
        if (fields.Flag("use_sliding_window", absent: false))
        {
            throw new InvalidDataException($"{name} has use_sliding_window = true; sliding-window attention is not supported.");
        }

        if (fields.Find("layer_types") is { } types && (types.ValueKind != JsonValueKind.Array
            || types.EnumerateArray().Any(type => type.ValueKind != JsonValueKind.String || !type.ValueEquals("full_attention"))))
        {
            throw fields.NotSupported("layer_types", types, "only full_attention is supported");
        }

        foreach (var field in new[] { "pretraining_tp", "partial_rotary_factor" })
        {
            if (fields.Find(field) is { } value && !IsOne(value))
            {
                throw fields.NotSupported(field, value, "only 1 is supported");
            }
        }
    }

    private static double ReadRopeTheta(JsonFields fields)
    {
        const double Most = 1e15;
        var theta = fields.Positive("rope_theta", Most, absent: 10_000);
        foreach (var field in new[] { "rope_scaling", "rope_parameters" })
        {
            if (fields.Object(field) is not { } rope)
            {
                continue;
            }

            foreach (var key in new[] { "rope_type", "type" })
            {
                if (rope.Text(key) is not (null or "default"))
                {
                    throw rope.NotSupported(key, rope.Find(key)!.Value, "scaled rotary embeddings are not supported");
                }
            }

            if (rope.Find("partial_rotary_factor") is { } part && !IsOne(part))
            {
                throw rope.NotSupported("partial_rotary_factor", part, "only 1 is supported");
            }

            if (rope.Find("factor") is { } factor && rope.Text("rope_type") is null && rope.Text("type") is null)
            {
                throw rope.NotSupported("factor", factor, "scaled rotary embeddings are not supported");
            }

            var inner = rope.Positive("rope_theta", Most, absent: theta);
            if (fields.Find("rope_theta") is { } outer && inner != theta)
            {
                throw rope.NotSupported("rope_theta", rope.Find("rope_theta")!.Value, $"but rope_theta = {outer.GetRawText()} outside: keep one of them");
            }

            theta = inner;
        }

        return theta;
    }

    private static bool IsOne(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == 1;
}
