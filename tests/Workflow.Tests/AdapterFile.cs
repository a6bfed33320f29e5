using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hindsight.Workflow.Tests;

/// <summary>Changes to the files of an adapter, to make others of it.</summary>
public static class AdapterFile
{
    public const string Tensors = "adapter_model.safetensors";
    public const string Config = "adapter_config.json";

    /// <summary>All factors multiplied.</summary>
    public static byte[] Scaled(byte[] file, float factor)
    {
        var scaled = file.ToArray();
        foreach (ref var value in MemoryMarshal.Cast<byte, float>(scaled.AsSpan(8 + HeaderLength(file))))
        {
            value *= factor;
        }

        return scaled;
    }

    /// <summary>A float32 vector more.</summary>
    public static byte[] With(byte[] file, string name, float[] values)
    {
        var header = JsonNode.Parse(file.AsSpan(8, HeaderLength(file)))!.AsObject();
        var data = file.AsSpan(8 + HeaderLength(file));
        header[name] = JsonSerializer.SerializeToNode(new { dtype = "F32", shape = new[] { values.Length }, data_offsets = new[] { data.Length, data.Length + (values.Length * sizeof(float)) } });
        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data, .. MemoryMarshal.AsBytes(values.AsSpan())];
    }

    /// <summary>A config with another value of a field.</summary>
    public static byte[] WithField(byte[] config, string field, JsonNode value)
    {
        var fields = JsonNode.Parse(config)!;
        fields[field] = value;
        return Encoding.UTF8.GetBytes(fields.ToJsonString());
    }

    private static int HeaderLength(byte[] file) => (int)BinaryPrimitives.ReadInt64LittleEndian(file);
}
