namespace Hindsight.Models;

/// <summary>
/// Gemma 2 (arXiv 2408.00118): norms before and after each sub-layer, with scales stored as their difference from 1; capped attention
/// scores and logits; a sliding window in every other layer; an embedding times the root of its width.
/// </summary>
internal sealed record Gemma2() : Family("gemma2", "Gemma2ForCausalLM")
{
    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_activation", "gelu_pytorch_tanh", "gelu_new");
        if (fields.Flag("use_bidirectional_attention", absent: false))
        {
            throw new InvalidDataException($"{fields.File} has use_bidirectional_attention = true; only causal attention is supported.");
        }

        var config = CommonFields.Read(this, fields, headSize: 256, tied: true);
        var bias = fields.Flag("attention_bias", absent: false);
        return config with
        {
            AttentionScale = Math.Pow(fields.Positive("query_pre_attn_scalar", most: 1e9, absent: 256), -0.5),
            AttentionCap = Cap(fields, "attn_logit_softcapping", absent: 50),
            LogitCap = Cap(fields, "final_logit_softcapping", absent: 30),
            Windows = LayerTypes.Windows(fields, config.Layers, LayerTypes.Window(fields, absent: 4096), layer => layer % 2 == 0),
            AttentionBias = bias,
            OutputBias = bias,
        };
    }

    public override Decoder Describe(ModelConfig config)
    {
        var decoder = CommonLayers.Decoder(
            config,
            (name, layer) =>
            [
                new Residual(
                    Norm(config, $"{name}.input_layernorm"),
                    CommonLayers.Attention(config, name, layer),
                    Norm(config, $"{name}.post_attention_layernorm")),
                new Residual(
                    Norm(config, $"{name}.pre_feedforward_layernorm"),
                    CommonLayers.FeedForward(config, name, new TanhGelu()),
                    Norm(config, $"{name}.post_feedforward_layernorm")),
            ],
            Norm);
        return decoder with
        {
            Embedding = new Sequential(decoder.Embedding, new Scaled((float)Math.Sqrt(config.HiddenSize))),
            Head = config.LogitCap is { } cap ? new Sequential(decoder.Head, new SoftCap((float)cap)) : decoder.Head,
        };
    }

    private static RmsNorm Norm(ModelConfig config, string name) => CommonLayers.Norm(config, name) with { Offset = 1 };

    private static double? Cap(JsonFields fields, string field, double absent) =>
        fields.Has(field) && fields.Find(field) is null ? null : fields.Positive(field, most: 1e9, absent);
}
