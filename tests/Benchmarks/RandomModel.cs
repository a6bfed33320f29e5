using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// A Qwen2 checkpoint of random float32 weights, written once into the temporary folder: speed depends on the shape of a model, not on
/// what it has learned.
/// </summary>
internal sealed record RandomModel(
    string Name, int Vocabulary, int Hidden, int Intermediate, int Layers, int Heads, int KeyValueHeads)
{
    /// <summary>The shape of Qwen2.5-0.5B: 494 million parameters.</summary>
    public static RandomModel HalfBillion { get; } = new("0.5b", 151_936, 896, 4864, 24, 14, 2);

    /// <summary>15.2 million parameters, as a small model trained from scratch has them.</summary>
    public static RandomModel FifteenMillion { get; } = new("15m", 32_000, 288, 768, 6, 6, 6);

    private int HeadSize => Hidden / Heads;

    /// <summary>The tensors by Hugging Face name, in the order of the file.</summary>
    public IEnumerable<(string Name, int[] Shape)> Tensors()
    {
        var keys = KeyValueHeads * HeadSize;
        yield return ("model.embed_tokens.weight", [Vocabulary, Hidden]);
        for (var layer = 0; layer < Layers; layer++)
        {
            var name = $"model.layers.{layer}.";
            yield return (name + "input_layernorm.weight", [Hidden]);
            foreach (var (part, size) in new[] { ("q", Hidden), ("k", keys), ("v", keys) })
            {
                yield return ($"{name}self_attn.{part}_proj.weight", [size, Hidden]);
                yield return ($"{name}self_attn.{part}_proj.bias", [size]);
            }

            yield return (name + "self_attn.o_proj.weight", [Hidden, Hidden]);
            yield return (name + "mlp.gate_proj.weight", [Intermediate, Hidden]);
            yield return (name + "mlp.up_proj.weight", [Intermediate, Hidden]);
            yield return (name + "mlp.down_proj.weight", [Hidden, Intermediate]);
            yield return (name + "post_attention_layernorm.weight", [Hidden]);
        }

        yield return ("model.norm.weight", [Hidden]);
    }

    /// <summary>Multiply-adds of a token, twice: the products with all matrices, the output head included.</summary>
    public double FlopsPerToken => 2.0 * Tensors().Where(tensor => tensor.Shape.Length == 2).Sum(tensor => (double)tensor.Shape[0] * tensor.Shape[1]);

    public double Parameters => Tensors().Sum(tensor => tensor.Shape.Aggregate(1.0, (size, side) => size * side));

    /// <summary>The checkpoint's folder; the file is written where it is not there yet.</summary>
    /// <param name="seed">Another seed, other weights.</param>
    public string Folder(int seed = 0)
    {
        var folder = Path.Combine(Path.GetTempPath(), "hindsight-benchmarks", string.Create(CultureInfo.InvariantCulture, $"{Name}-{seed}"));
        var file = Path.Combine(folder, "model.safetensors");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "config.json"), Config());
            // A folder that can be opened has a tokenizer; these models are given ids.
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), "{}");
            Write(file + ".partial", seed);
            File.Move(file + ".partial", file, overwrite: true);
        }

        return folder;
    }

    private string Config() => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["architectures"] = new[] { "Qwen2ForCausalLM" },
        ["model_type"] = "qwen2",
        ["vocab_size"] = Vocabulary,
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Intermediate,
        ["num_hidden_layers"] = Layers,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KeyValueHeads,
        ["max_position_embeddings"] = 32_768,
        ["rms_norm_eps"] = 1e-6,
        ["rope_theta"] = 1e6,
        ["tie_word_embeddings"] = true,
        ["hidden_act"] = "silu",
        ["torch_dtype"] = "float32",
    });

    private void Write(string path, int seed)
    {
        using var file = File.Create(path, 1 << 20);
        file.Write(SafetensorsHeader.Serialize(Tensors().Select(tensor => (tensor.Name, StoredType.F32, (IReadOnlyList<long>)[.. tensor.Shape.Select(side => (long)side)]))));
        var random = new Random(seed);
        var buffer = new float[1 << 16];
        foreach (var (_, shape) in Tensors())
        {
            var left = shape.Aggregate(1L, (size, side) => size * side);
            // Norms about 1; matrices and biases as a fresh model has them.
            var (center, spread) = shape.Length == 1 && shape[0] == Hidden ? (1f, 0.1f) : (0f, 0.035f);
            for (; left > 0; left -= Math.Min(left, buffer.Length))
            {
                var part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
                foreach (ref var value in part)
                {
                    value = center + (spread * ((2 * random.NextSingle()) - 1));
                }

                file.Write(MemoryMarshal.AsBytes(part));
            }
        }
    }
}
