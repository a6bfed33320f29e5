namespace Hindsight.Models;

/// <summary>Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama's layers, with biases on the query, key and value projections alone.</summary>
internal static class Qwen2
{
    public static Decoder Describe(ModelConfig config) =>
        Llama.Describe(config with { AttentionBias = true, OutputBias = false, MlpBias = false });
}
