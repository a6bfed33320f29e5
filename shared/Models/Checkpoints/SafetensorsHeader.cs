using System.Buffers.Binary;
using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// The header of a safetensors file: 8 bytes little-endian length, then that many bytes of JSON. It is believed only when its
/// tensors fill the rest of the file exactly: no hole, no overlap, nothing behind the last one, so that no second file hides inside.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const int MaxLength = 100_000_000;

    /// <summary>Bytes before the JSON.</summary>
    public const int LengthBytes = 8;

    private const string MetadataName = "__metadata__";

    private SafetensorsHeader(IReadOnlyList<TensorInfo> tensors, long dataStart)
    {
        Tensors = tensors;
        DataStart = dataStart;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Where the tensors' bytes begin in the file.</summary>
    public long DataStart { get; }

    internal SafetensorsHeader Renamed(Func<string, string> name) =>
        new([.. Tensors.Select(tensor => tensor with { Name = name(tensor.Name) })], DataStart);

    /// <summary>How many of a file's first bytes <see cref="Parse"/> needs, told from its first 8.</summary>
    /// <param name="first">At least the first 8 bytes, or the whole file if it is shorter.</param>
    /// <param name="fileLength">The length of the whole file in bytes.</param>
    /// <param name="name">The file's name for messages.</param>
    /// <exception cref="InvalidDataException">The length is impossible.</exception>
    public static int PrefixLength(ReadOnlySpan<byte> first, long fileLength, string name)
    {
        if (fileLength < LengthBytes || first.Length < LengthBytes)
        {
            throw Malformed(name, $"it has {fileLength} bytes, too few for a header; it was not written to its end");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(first);
        if (length > MaxLength)
        {
            throw Malformed(name, $"its header claims {length} bytes, more than the {MaxLength} allowed");
        }

        if ((long)length > fileLength - LengthBytes)
        {
            throw Malformed(name, $"its header claims {length} bytes, more than the file has; the file is cut off or damaged");
        }

        return LengthBytes + (int)length;
    }

    /// <summary>Parses and checks a header without its file.</summary>
    /// <param name="prefix">The file's first bytes, at least <see cref="PrefixLength"/> of them.</param>
    /// <param name="fileLength">The length of the whole file in bytes.</param>
    /// <param name="name">The file's name for messages.</param>
    /// <exception cref="InvalidDataException">The header breaks a rule of the format, or the file is not as long as it says.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> prefix, long fileLength, string name)
    {
        var dataStart = PrefixLength(prefix, fileLength, name);
        if (prefix.Length < dataStart)
        {
            throw new ArgumentException($"{dataStart} bytes are needed, {prefix.Length} were given.", nameof(prefix));
        }

        var json = prefix[LengthBytes..dataStart];
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw Malformed(name, "its header does not begin with {");
        }

        var tensors = StrictJson.Read(json.ToArray(), $"The header of {name}", root => ReadTensors(root, dataStart, name));
        tensors.Sort((a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.ByteLength.CompareTo(b.ByteLength));

        var end = (long)dataStart;
        foreach (var tensor in tensors)
        {
            if (tensor.Start != end)
            {
                throw Malformed(name, $"there is {(tensor.Start < end ? "an overlap" : "a hole")} in front of the tensor {StrictJson.Quoted(tensor.Name)}");
            }

            end += tensor.ByteLength;
        }

        return end == fileLength
            ? new SafetensorsHeader(tensors, dataStart)
            : throw Malformed(name, end > fileLength
                ? $"its tensors need {end} bytes but it has {fileLength}; it is cut off, copy or save it again"
                : $"{fileLength - end} bytes follow its last tensor");
    }

    /// <summary>A file's first bytes for tensors that follow without gaps in the order given.</summary>
    internal static byte[] Serialize(IEnumerable<(string Name, StoredType Type, IReadOnlyList<long> Shape)> tensors)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[LengthBytes]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            // transformers refuses a file that does not say where it comes from.
            json.WriteStartObject(MetadataName);
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long end = 0;
            foreach (var (name, type, shape) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type.HeaderName());
                json.WriteStartArray("shape");
                foreach (var dimension in shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(end);
                json.WriteNumberValue(end += shape.Aggregate((long)type.Size(), (product, dimension) => product * dimension));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % LengthBytes != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - LengthBytes);
        return bytes;
    }

    private static List<TensorInfo> ReadTensors(JsonElement root, long dataStart, string name)
    {
        var tensors = new List<TensorInfo>();
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == MetadataName)
            {
                CheckMetadata(property.Value, name);
            }
            else
            {
                tensors.Add(ReadTensor(property.Name, property.Value, dataStart, name));
            }
        }

        return tensors;
    }

    private static void CheckMetadata(JsonElement metadata, string name)
    {
        // The reference reads a null as absent.
        if (metadata.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (metadata.ValueKind != JsonValueKind.Object || metadata.EnumerateObject().Any(entry => entry.Value.ValueKind != JsonValueKind.String))
        {
            throw Malformed(name, $"{MetadataName} is not an object of strings");
        }
    }

    private static TensorInfo ReadTensor(string tensor, JsonElement value, long dataStart, string name)
    {
        var quoted = StrictJson.Quoted(tensor);
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array
            || !value.TryGetProperty("data_offsets", out var offsets) || offsets.ValueKind != JsonValueKind.Array
            || offsets.GetArrayLength() != 2)
        {
            throw Malformed(name, $"the tensor {quoted} lacks dtype, shape or two data_offsets");
        }

        if (!StoredTypes.TryParse(dtype.GetString()!, out var type))
        {
            throw Malformed(name, $"the tensor {quoted} has the unknown dtype {StrictJson.Quoted(dtype.GetString()!)}");
        }

        var dimensions = shape.EnumerateArray().Select(number => Natural(number, quoted, "shape", name)).ToArray();
        var start = Natural(offsets[0], quoted, "data_offsets", name);
        var end = Natural(offsets[1], quoted, "data_offsets", name);
        long bytes;
        try
        {
            bytes = dimensions.Aggregate(1L, (product, dimension) => checked(product * dimension));
            bytes = checked(bytes * type.Size());
            _ = checked(dataStart + end);
        }
        catch (OverflowException fault)
        {
            throw new InvalidDataException($"{name} is not a sound safetensors file: the size of the tensor {quoted} overflows.", fault);
        }

        if (start > end || end - start != bytes)
        {
            throw Malformed(name, $"the tensor {quoted} of type {type.HeaderName()} and shape {TensorInfo.ShapeToText(dimensions)} needs {bytes} bytes but its data_offsets are [{start}, {end}]");
        }

        return new TensorInfo(tensor, type, dimensions, dataStart + start, bytes);
    }

    private static long Natural(JsonElement element, string tensor, string field, string name) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var value) && value >= 0 && element.GetRawText()[0] != '-'
            ? value
            : throw Malformed(name, $"the {field} of the tensor {tensor} has something other than a natural number below 2^63");

    private static InvalidDataException Malformed(string name, string reason) => new($"{name} is not a sound safetensors file: {reason}.");
}
