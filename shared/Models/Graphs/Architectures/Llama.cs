namespace Hindsight.Models;

/// <summary>Llama 1 to 3 (Touvron et al., arXiv 2302.13971), and every model whose checkpoint says LlamaForCausalLM.</summary>
internal sealed record Llama() : Family("llama", "LlamaForCausalLM")
{
    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_act", "silu", "swish");
        if (fields.Flag("use_sliding_window", absent: false))
        {
            throw new InvalidDataException($"{fields.File} has use_sliding_window = true; sliding-window attention is not supported in this architecture.");
        }

        var config = CommonFields.Read(this, fields);
        var bias = fields.Flag("attention_bias", absent: false);
        return config with
        {
            Windows = LayerTypes.Windows(fields, config.Layers, window: null, _ => false),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = fields.Flag("mlp_bias", absent: false),
        };
    }

    public override Decoder Describe(ModelConfig config) => CommonLayers.Decoder(config);
}
