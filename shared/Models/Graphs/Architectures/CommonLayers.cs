namespace Hindsight.Models;

/// <summary>The layers that the families after GPT-2 share, under the tensor names they share.</summary>
internal static class CommonLayers
{
    /// <summary>Llama's decoder, in which the config alone makes a difference.</summary>
    public static Decoder Decoder(ModelConfig config) => Decoder(config, (name, layer) => Block(
        config, name, Attention(config, name, layer), FeedForward(config, name, new Silu())));

    /// <param name="config">The model.</param>
    /// <param name="block">What the layer of a name and a number consists of.</param>
    /// <param name="norm">The norm before the head; null for <see cref="Norm"/>.</param>
    public static Decoder Decoder(
        ModelConfig config, Func<string, int, IEnumerable<Layer>> block, Func<ModelConfig, string, Layer>? norm = null) => new(
        new Embedding("model.embed_tokens", config.VocabularySize, config.HiddenSize),
        [.. Enumerable.Range(0, config.Layers).SelectMany(layer => block($"model.layers.{layer}", layer))],
        (norm ?? Norm)(config, "model.norm"),
        new Linear(config.TieWordEmbeddings ? "model.embed_tokens" : "lm_head", config.HiddenSize, config.VocabularySize));

    /// <summary>x + attention(norm(x)), then x + feedForward(norm(x)).</summary>
    public static IEnumerable<Layer> Block(ModelConfig config, string name, Layer attention, Layer feedForward) =>
    [
        new Residual(Norm(config, $"{name}.input_layernorm"), attention),
        new Residual(Norm(config, $"{name}.post_attention_layernorm"), feedForward),
    ];

    public static RmsNorm Norm(ModelConfig config, string name) => new(name, config.HiddenSize, config.NormEpsilon);

    public static Attention Attention(ModelConfig config, string block, int layer)
    {
        var (name, queries, keys) = ($"{block}.self_attn", config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize);
        return new(
            name,
            Heads.Of(config, layer),
            new Linear($"{name}.q_proj", config.HiddenSize, queries, config.AttentionBias),
            new Linear($"{name}.k_proj", config.HiddenSize, keys, config.AttentionBias),
            new Linear($"{name}.v_proj", config.HiddenSize, keys, config.AttentionBias),
            new Linear($"{name}.o_proj", queries, config.HiddenSize, config.OutputBias));
    }

    public static GatedFeedForward FeedForward(ModelConfig config, string block, Operator activation) => new(
        new Linear($"{block}.mlp.gate_proj", config.HiddenSize, config.IntermediateSize, config.MlpBias),
        new Linear($"{block}.mlp.up_proj", config.HiddenSize, config.IntermediateSize, config.MlpBias),
        new Linear($"{block}.mlp.down_proj", config.IntermediateSize, config.HiddenSize, config.MlpBias),
        activation);
}
