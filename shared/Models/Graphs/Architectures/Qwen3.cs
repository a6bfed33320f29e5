namespace Hindsight.Models;

/// <summary>Qwen3 (arXiv 2505.09388): Llama's layers with every query and key head normalised by itself before it is turned.</summary>
internal sealed record Qwen3() : Family("qwen3", "Qwen3ForCausalLM")
{
    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_act", "silu", "swish");
        var config = CommonFields.Read(this, fields, headSize: 128);
        var bias = fields.Flag("attention_bias", absent: false);
        return config with { AttentionBias = bias, OutputBias = bias, Windows = Qwen2.Windows(fields, config.Layers) };
    }

    public override Decoder Describe(ModelConfig config) => CommonLayers.Decoder(config, (name, layer) => CommonLayers.Block(
        config, name, Attention(config, name, layer), CommonLayers.FeedForward(config, name, new Silu())));

    private static Attention Attention(ModelConfig config, string block, int layer)
    {
        var attention = CommonLayers.Attention(config, block, layer);
        HeadNorm Norm(string name) => new(new RmsNorm($"{attention.Name}.{name}", config.HeadSize, config.NormEpsilon), config.HeadSize);
        return attention with
        {
            Query = new Sequential(attention.Query, Norm("q_norm")),
            Key = new Sequential(attention.Key, Norm("k_norm")),
        };
    }
}
