namespace Hindsight.Models;

/// <summary>
/// Phi-3 and Phi-4-mini (arXiv 2404.14219): Llama's layers with the projections that read the same input kept as one matrix, a sliding
/// window in all layers or in none, and rotary embedding on all or the first part of each head.
/// </summary>
internal sealed record Phi3() : Family("phi3", "Phi3ForCausalLM")
{
    // Released files name code from before transformers had the family; it computes the same.
    public override bool MayNameCode => true;

    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_act", "silu", "swish");
        var config = CommonFields.Read(this, fields, epsilon: 1e-5, partialRotary: true);
        return config with { Windows = LayerTypes.Windows(fields, config.Layers, LayerTypes.Window(fields, absent: null), _ => true) };
    }

    public override Decoder Describe(ModelConfig config) => CommonLayers.Decoder(config, (name, layer) => CommonLayers.Block(
        config, name, Attention(config, name, layer), FeedForward(config, name)));

    private static Attention Attention(ModelConfig config, string block, int layer)
    {
        var (queries, keys) = (config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize);
        var all = new Linear($"{block}.self_attn.qkv_proj", config.HiddenSize, queries + (2 * keys));
        return CommonLayers.Attention(config, block, layer) with
        {
            Query = new Part(all, 0, queries),
            Key = new Part(all, queries, keys),
            Value = new Part(all, queries + keys, keys),
        };
    }

    private static GatedFeedForward FeedForward(ModelConfig config, string block)
    {
        var both = new Linear($"{block}.mlp.gate_up_proj", config.HiddenSize, 2 * config.IntermediateSize);
        return CommonLayers.FeedForward(config, block, new Silu()) with
        {
            Gate = new Part(both, 0, config.IntermediateSize),
            Up = new Part(both, config.IntermediateSize, config.IntermediateSize),
        };
    }
}
