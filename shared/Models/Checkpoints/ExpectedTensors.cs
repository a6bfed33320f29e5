using System.Text.RegularExpressions;

namespace Hindsight.Models;

/// <summary>The tensors a config demands, by Hugging Face name and shape ([out, in] for a projection).</summary>
internal static partial class ExpectedTensors
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string Head = "lm_head.weight";

    public static IEnumerable<(string Name, long[] Shape)> Of(ModelConfig config)
    {
        long hidden = config.HiddenSize;
        long intermediate = config.IntermediateSize;
        var queries = (long)config.Heads * config.HeadSize;
        var keys = (long)config.KeyValueHeads * config.HeadSize;

        yield return (Embedding, [config.VocabularySize, hidden]);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [hidden]);
            (string, long, long, bool)[] projections =
            [
                ("self_attn.q_proj", queries, hidden, config.AttentionBias),
                ("self_attn.k_proj", keys, hidden, config.AttentionBias),
                ("self_attn.v_proj", keys, hidden, config.AttentionBias),
                ("self_attn.o_proj", hidden, queries, config.OutputBias),
                ("mlp.gate_proj", intermediate, hidden, config.MlpBias),
                ("mlp.up_proj", intermediate, hidden, config.MlpBias),
                ("mlp.down_proj", hidden, intermediate, config.MlpBias),
            ];
            foreach (var (name, outputs, inputs, bias) in projections)
            {
                yield return ($"{prefix}{name}.weight", [outputs, inputs]);
                if (bias)
                {
                    yield return ($"{prefix}{name}.bias", [outputs]);
                }
            }

            yield return (prefix + "post_attention_layernorm.weight", [hidden]);
        }

        yield return ("model.norm.weight", [hidden]);
        if (!config.TieWordEmbeddings)
        {
            yield return (Head, [config.VocabularySize, hidden]);
        }
    }

    /// <summary>Buffers that older versions of transformers saved; they follow from the config.</summary>
    public static bool IsDerived(string name) => DerivedBuffer().IsMatch(name);

    [GeneratedRegex(@"(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|(self_)?attn\.(bias|masked_bias)|masked_bias)\z", RegexOptions.CultureInvariant)]
    private static partial Regex DerivedBuffer();
}
