namespace Hindsight.Models;

/// <summary>
/// Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama's layers with biases on the query, key and value projections alone, and, where it is
/// asked for, a sliding window in the upper layers.
/// </summary>
internal sealed record Qwen2() : Family("qwen2", "Qwen2ForCausalLM")
{
    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "hidden_act", "silu", "swish");
        var config = CommonFields.Read(this, fields);
        return config with { AttentionBias = true, Windows = Windows(fields, config.Layers) };
    }

    public override Decoder Describe(ModelConfig config) => CommonLayers.Decoder(config);

    /// <summary>
    /// The windows of Qwen2 and Qwen3: a sliding_window without use_sliding_window has no effect, and released files carry one.
    /// </summary>
    public static ValueList<int?> Windows(JsonFields fields, int layers)
    {
        var window = fields.Flag("use_sliding_window", absent: false) ? LayerTypes.Window(fields, absent: 4096) : null;
        var first = fields.Size("max_window_layers", int.MaxValue, absent: 28, least: 0);
        return LayerTypes.Windows(fields, layers, window, layer => layer >= first);
    }
}
