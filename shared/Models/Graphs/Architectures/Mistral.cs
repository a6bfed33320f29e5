namespace Hindsight.Models;

/// <summary>Mistral (arXiv 2310.06825): Llama's layers with a sliding window in all of them, or in none.</summary>
internal sealed record Mistral() : Family("mistral", "MistralForCausalLM")
{
    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_act", "silu", "swish");
        var config = CommonFields.Read(this, fields);
        return config with { Windows = LayerTypes.Windows(fields, config.Layers, LayerTypes.Window(fields, absent: 4096), _ => true) };
    }

    public override Decoder Describe(ModelConfig config) => CommonLayers.Decoder(config);
}
