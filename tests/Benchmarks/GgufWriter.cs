using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// Writes a <see cref="RandomModel"/> in llama.cpp's format (GGUF 3), with no tokenizer. Vectors stay float32; matrices are float32 or
/// Q8_0: blocks of 32 inputs, each a scale in float16 and 32 integers of 8 bits.
/// </summary>
internal static class GgufWriter
{
    private const int Alignment = 32;
    private const int Block = 32;
    private const int BytesPerBlock = 2 + Block;

    private enum TensorType : uint
    {
        F32 = 0,
        Q8_0 = 8,
    }

    /// <summary>The file's path; it is written where it is not there yet.</summary>
    public static string File(RandomModel model, Precision precision, int seed = 0)
    {
        var folder = model.Folder(seed);
        var path = Path.Combine(folder, precision == Precision.Int8 ? "model-q8_0.gguf" : "model-f32.gguf");
        if (!System.IO.File.Exists(path))
        {
            using var checkpoint = Checkpoint.Open(folder);
            Write(path + ".partial", model, checkpoint, precision);
            System.IO.File.Move(path + ".partial", path, overwrite: true);
        }

        return path;
    }

    private static void Write(string path, RandomModel model, Checkpoint checkpoint, Precision precision)
    {
        var tensors = model.Tensors()
            .Select(tensor => (tensor.Name, tensor.Shape, Type: precision == Precision.Int8 && tensor.Shape.Length == 2 ? TensorType.Q8_0 : TensorType.F32))
            .ToArray();
        using var stream = System.IO.File.Create(path, 1 << 20);
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Length);
        (string Key, object Value)[] fields =
        [
            ("general.architecture", "qwen2"),
            ("general.name", model.Name),
            ("qwen2.context_length", 32_768u),
            ("qwen2.embedding_length", (uint)model.Hidden),
            ("qwen2.block_count", (uint)model.Layers),
            ("qwen2.feed_forward_length", (uint)model.Intermediate),
            ("qwen2.attention.head_count", (uint)model.Heads),
            ("qwen2.attention.head_count_kv", (uint)model.KeyValueHeads),
            ("qwen2.attention.layer_norm_rms_epsilon", 1e-6f),
            ("qwen2.rope.freq_base", 1e6f),
            ("qwen2.vocab_size", (uint)model.Vocabulary),
            ("tokenizer.ggml.model", "none"),
        ];
        writer.Write((ulong)fields.Length);
        foreach (var (key, value) in fields)
        {
            WriteText(writer, key);
            WriteValue(writer, value);
        }

        var offset = 0L;
        foreach (var (name, shape, type) in tensors)
        {
            WriteText(writer, NameOf(name));
            writer.Write((uint)shape.Length);
            foreach (var side in shape.Reverse())
            {
                writer.Write((ulong)side);
            }

            writer.Write((uint)type);
            writer.Write((ulong)offset);
            offset += Aligned(Bytes(shape, type));
        }

        var values = new float[Weights.LargestBlock];
        foreach (var (name, _, type) in tensors)
        {
            Pad(stream);
            var stored = checkpoint[name];
            foreach (var (start, length) in Weights.Blocks(stored.Info.Elements))
            {
                var part = values.AsSpan(0, length);
                stored.ReadInto(start, part);
                stream.Write(type == TensorType.F32 ? MemoryMarshal.AsBytes(part) : Quantised(part));
            }
        }

        Pad(stream);
    }

    /// <summary>Hugging Face's name of a tensor in GGUF.</summary>
    private static string NameOf(string name) => name
        .Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal)
        .Replace("model.norm", "output_norm", StringComparison.Ordinal)
        .Replace("model.layers", "blk", StringComparison.Ordinal)
        .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
        .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal)
        .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
        .Replace("self_attn.", "attn_", StringComparison.Ordinal)
        .Replace("mlp.", "ffn_", StringComparison.Ordinal)
        .Replace("_proj", "", StringComparison.Ordinal);

    private static byte[] Quantised(ReadOnlySpan<float> values)
    {
        var bytes = new byte[values.Length / Block * BytesPerBlock];
        for (var block = 0; block < values.Length / Block; block++)
        {
            var from = values.Slice(block * Block, Block);
            var to = bytes.AsSpan(block * BytesPerBlock, BytesPerBlock);
            var largest = 0f;
            foreach (var value in from)
            {
                largest = Math.Max(largest, Math.Abs(value));
            }

            var scale = largest / sbyte.MaxValue;
            BinaryPrimitives.WriteHalfLittleEndian(to, (Half)scale);
            for (var index = 0; index < Block; index++)
            {
                to[2 + index] = (byte)(sbyte)(scale > 0 ? MathF.Round(from[index] / scale, MidpointRounding.AwayFromZero) : 0);
            }
        }

        return bytes;
    }

    private static long Bytes(int[] shape, TensorType type)
    {
        var elements = shape.Aggregate(1L, (product, side) => product * side);
        return type == TensorType.F32 ? elements * sizeof(float) : elements / Block * BytesPerBlock;
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Pad(Stream stream) => stream.Write(new byte[Aligned(stream.Position) - stream.Position]);

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case uint number:
                writer.Write(4u);
                writer.Write(number);
                break;
            case float number:
                writer.Write(6u);
                writer.Write(number);
                break;
            case string text:
                writer.Write(8u);
                WriteText(writer, text);
                break;
            default:
                throw new ArgumentException($"GGUF fields here are no {value.GetType()}.", nameof(value));
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
