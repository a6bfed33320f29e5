using System.Runtime.InteropServices;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>Writes a Llama of a wanted size with random weights, for benchmarks to which the values are all the same.</summary>
internal static class RandomCheckpoint
{
    private const int Hidden = 2048;
    private const int Intermediate = 5632;
    private const int KeyValueWidth = 512;
    private const int Vocabulary = 32_000;
    private const int BlockBytes = 1 << 22;

    /// <summary>Writes config.json, tokenizer.json and model.safetensors; its bytes of weights come as near to <paramref name="bytes"/> as whole layers can.</summary>
    public static void Write(string folder, StoredType type, long bytes, int seed)
    {
        var layer = Layer(0).Sum(tensor => tensor.Shape.Aggregate(1L, (product, dimension) => product * dimension));
        var layers = (int)Math.Round(((double)bytes / type.Size() - ((long)Vocabulary * Hidden)) / layer);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, CheckpointFiles.Config), $$"""
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": {{Hidden}}, "intermediate_size": {{Intermediate}},
              "num_hidden_layers": {{layers}}, "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128, "hidden_act": "silu",
              "vocab_size": {{Vocabulary}}, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true
            }
            """);
        File.WriteAllText(Path.Combine(folder, CheckpointFiles.Tokenizer), """{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}""");

        (string Name, long[] Shape)[] tensors =
        [
            ("model.embed_tokens.weight", [Vocabulary, Hidden]),
            .. Enumerable.Range(0, layers).SelectMany(Layer),
            ("model.norm.weight", [Hidden]),
        ];
        using var stream = File.Create(Path.Combine(folder, CheckpointFiles.Weights));
        stream.Write(SafetensorsHeader.Serialize(tensors.Select(tensor => (tensor.Name, type, (IReadOnlyList<long>)tensor.Shape))));
        var block = Block(type, seed);
        foreach (var (_, shape) in tensors)
        {
            for (var left = shape.Aggregate((long)type.Size(), (product, dimension) => product * dimension); left > 0; left -= BlockBytes)
            {
                stream.Write(block, 0, (int)Math.Min(left, BlockBytes));
            }
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Layer(int index)
    {
        var prefix = $"model.layers.{index}.";
        return
        [
            (prefix + "input_layernorm.weight", [Hidden]),
            (prefix + "self_attn.q_proj.weight", [Hidden, Hidden]),
            (prefix + "self_attn.k_proj.weight", [KeyValueWidth, Hidden]),
            (prefix + "self_attn.v_proj.weight", [KeyValueWidth, Hidden]),
            (prefix + "self_attn.o_proj.weight", [Hidden, Hidden]),
            (prefix + "post_attention_layernorm.weight", [Hidden]),
            (prefix + "mlp.gate_proj.weight", [Intermediate, Hidden]),
            (prefix + "mlp.up_proj.weight", [Intermediate, Hidden]),
            (prefix + "mlp.down_proj.weight", [Hidden, Intermediate]),
        ];
    }

    /// <summary>Random signs and fractions at one exponent, so that the values are finite and their products are no denormals.</summary>
    private static byte[] Block(StoredType type, int seed)
    {
        var block = new byte[BlockBytes];
        new Random(seed).NextBytes(block);
        if (type == StoredType.F32)
        {
            foreach (ref var bits in MemoryMarshal.Cast<byte, uint>(block.AsSpan()))
            {
                bits = (bits & 0x807F_FFFF) | 0x3C80_0000;
            }
        }
        else if (type == StoredType.BF16)
        {
            foreach (ref var bits in MemoryMarshal.Cast<byte, ushort>(block.AsSpan()))
            {
                bits = (ushort)((bits & 0x807F) | 0x3C80);
            }
        }
        else
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Only F32 and BF16 are written.");
        }

        return block;
    }
}
