using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Families;

internal sealed record RandomTensor(int[] Shape, float[] Values);

/// <summary>A tiny checkpoint of any family with random weights, as a Hugging Face folder.</summary>
internal sealed class RandomCheckpoint : IDisposable
{
    private readonly ModelFolder folder = ModelFolder.Empty();

    /// <param name="config">A config.json.</param>
    /// <param name="seed">Of the weights.</param>
    public RandomCheckpoint(string config, int seed = 1)
    {
        Config = JsonNode.Parse(config)!.AsObject();
        var random = new Random(seed);
        foreach (var (name, shape) in Names(Config))
        {
            // Far from uniform attention, and norms that are not 1.
            var (centre, width) = name.Contains("norm", StringComparison.Ordinal) || name.Contains("ln_", StringComparison.Ordinal) ? (1.0, 0.3) : (0.0, 0.25);
            if ((string)Config["model_type"]! == "gemma2")
            {
                centre = 0;
            }

            var values = new float[shape.Aggregate((a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (float)(centre + (width * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
            }

            Tensors.Add(name, new RandomTensor(shape, values));
        }

        File.WriteAllText(folder.PathOf("config.json"), config);
        File.WriteAllText(folder.PathOf("tokenizer.json"), "{}");
        Save(tensor => tensor);
    }

    public JsonObject Config { get; }

    public Dictionary<string, RandomTensor> Tensors { get; } = [];

    public ModelFolder Folder => folder;

    /// <summary>Writes the weights again, each as <paramref name="change"/> makes it.</summary>
    public void Save(Func<RawTensor, RawTensor> change) => folder.WriteTensors(
        [.. Tensors.Select(tensor => change(RawTensor.Of(tensor.Key, [.. tensor.Value.Shape.Select(side => (long)side)], tensor.Value.Values)))]);

    public double[] ReferenceLogits(int[] ids) => new ReferenceModel(Config, Tensors).Logits(ids);

    public void Dispose() => folder.Dispose();

    /// <summary>The tensors that transformers gives a model of each family.</summary>
    private static IEnumerable<(string Name, int[] Shape)> Names(JsonObject config)
    {
        int Whole(string field) => (int)config[field]!;
        var family = (string)config["model_type"]!;
        if (family == "gpt2")
        {
            var (width, inner) = (Whole("n_embd"), (int?)config["n_inner"] ?? 4 * Whole("n_embd"));
            yield return ("transformer.wte.weight", [Whole("vocab_size"), width]);
            yield return ("transformer.wpe.weight", [Whole("n_positions"), width]);
            for (var layer = 0; layer < Whole("n_layer"); layer++)
            {
                foreach (var (name, shape) in new (string, int[])[]
                {
                    ("ln_1.weight", [width]), ("ln_1.bias", [width]), ("attn.c_attn.weight", [width, 3 * width]), ("attn.c_attn.bias", [3 * width]),
                    ("attn.c_proj.weight", [width, width]), ("attn.c_proj.bias", [width]), ("ln_2.weight", [width]), ("ln_2.bias", [width]),
                    ("mlp.c_fc.weight", [width, inner]), ("mlp.c_fc.bias", [inner]), ("mlp.c_proj.weight", [inner, width]), ("mlp.c_proj.bias", [width]),
                })
                {
                    yield return ($"transformer.h.{layer}.{name}", shape);
                }
            }

            yield return ("transformer.ln_f.weight", [width]);
            yield return ("transformer.ln_f.bias", [width]);
            if (!((bool?)config["tie_word_embeddings"] ?? true))
            {
                yield return ("lm_head.weight", [Whole("vocab_size"), width]);
            }

            yield break;
        }

        var (hidden, intermediate, heads) = (Whole("hidden_size"), Whole("intermediate_size"), Whole("num_attention_heads"));
        var size = config["head_dim"] is null ? hidden / heads : Whole("head_dim");
        var (queries, keys) = (heads * size, Whole("num_key_value_heads") * size);
        yield return ("model.embed_tokens.weight", [Whole("vocab_size"), hidden]);
        for (var layer = 0; layer < Whole("num_hidden_layers"); layer++)
        {
            var attentionBias = (bool?)config["attention_bias"] ?? false;
            (string, int[])[] maps = family == "phi3"
                ? [("self_attn.qkv_proj", [queries + (2 * keys), hidden]), ("self_attn.o_proj", [hidden, queries]), ("mlp.gate_up_proj", [2 * intermediate, hidden])]
                : [("self_attn.q_proj", [queries, hidden]), ("self_attn.k_proj", [keys, hidden]), ("self_attn.v_proj", [keys, hidden]),
                    ("self_attn.o_proj", [hidden, queries]), ("mlp.gate_proj", [intermediate, hidden]), ("mlp.up_proj", [intermediate, hidden])];
            foreach (var (name, shape) in maps.Append(("mlp.down_proj", [hidden, intermediate])))
            {
                yield return ($"model.layers.{layer}.{name}.weight", shape);
                if (name.StartsWith("self_attn", StringComparison.Ordinal) && (attentionBias || (family == "qwen2" && name != "self_attn.o_proj")))
                {
                    yield return ($"model.layers.{layer}.{name}.bias", [shape[0]]);
                }
            }

            string[] norms = family == "gemma2"
                ? ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"]
                : ["input_layernorm", "post_attention_layernorm"];
            foreach (var norm in norms)
            {
                yield return ($"model.layers.{layer}.{norm}.weight", [hidden]);
            }

            if (family == "qwen3")
            {
                yield return ($"model.layers.{layer}.self_attn.q_norm.weight", [size]);
                yield return ($"model.layers.{layer}.self_attn.k_norm.weight", [size]);
            }
        }

        yield return ("model.norm.weight", [hidden]);
        if (!((bool?)config["tie_word_embeddings"] ?? family == "gemma2"))
        {
            yield return ("lm_head.weight", [Whole("vocab_size"), hidden]);
        }
    }
}
