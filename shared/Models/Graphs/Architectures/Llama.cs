namespace Hindsight.Models;

/// <summary>Llama 1 to 3 (Touvron et al., arXiv 2302.13971), and every model whose checkpoint says LlamaForCausalLM.</summary>
internal static class Llama
{
    public static Decoder Describe(ModelConfig config) => new(
        new Embedding("model.embed_tokens", config.VocabularySize, config.HiddenSize),
        [.. Enumerable.Range(0, config.Layers).Select(layer => Block(config, $"model.layers.{layer}"))],
        Norm(config, "model.norm"),
        new Linear(config.TieWordEmbeddings ? "model.embed_tokens" : "lm_head", config.HiddenSize, config.VocabularySize));

    private static DecoderBlock Block(ModelConfig config, string name) => new(
        Norm(config, $"{name}.input_layernorm"),
        Attention(config, $"{name}.self_attn"),
        Norm(config, $"{name}.post_attention_layernorm"),
        FeedForward(config, $"{name}.mlp"));

    private static RmsNorm Norm(ModelConfig config, string name) => new(name, config.HiddenSize, config.NormEpsilon);

    private static Attention Attention(ModelConfig config, string name)
    {
        var (queries, keys) = (config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize);
        return new(
            name,
            new Heads(config.Heads, config.KeyValueHeads, config.HeadSize),
            new Linear($"{name}.q_proj", config.HiddenSize, queries, config.AttentionBias),
            new Linear($"{name}.k_proj", config.HiddenSize, keys, config.AttentionBias),
            new Linear($"{name}.v_proj", config.HiddenSize, keys, config.AttentionBias),
            new Linear($"{name}.o_proj", queries, config.HiddenSize, config.OutputBias));
    }

    private static SwiGlu FeedForward(ModelConfig config, string name) => new(
        new Linear($"{name}.gate_proj", config.HiddenSize, config.IntermediateSize, config.MlpBias),
        new Linear($"{name}.up_proj", config.HiddenSize, config.IntermediateSize, config.MlpBias),
        new Linear($"{name}.down_proj", config.IntermediateSize, config.HiddenSize, config.MlpBias));
}
