using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Checkpoints;

/// <summary>A copy of a reference model that a test may damage.</summary>
internal sealed class ModelFolder : IDisposable
{
    private ModelFolder() => Path = Directory.CreateTempSubdirectory("hindsight-").FullName;

    public string Path { get; }

    public static ModelFolder Empty() => new();

    /// <param name="model">A folder of tests/data/models, such as qwen2-tied/model.</param>
    public static ModelFolder CopyOf(string model)
    {
        var folder = new ModelFolder();
        foreach (var file in Directory.EnumerateFiles(TestData.PathTo("models", model)))
        {
            File.Copy(file, folder.PathOf(System.IO.Path.GetFileName(file)));
        }

        return folder;
    }

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    public void EditJson(string name, Action<JsonObject> edit)
    {
        var root = JsonNode.Parse(File.ReadAllText(PathOf(name)))!.AsObject();
        edit(root);
        File.WriteAllText(PathOf(name), root.ToJsonString());
    }

    public void EditTensors(Action<List<RawTensor>> edit, string file = CheckpointFiles.Weights)
    {
        var tensors = Tensors(file);
        edit(tensors);
        WriteTensors(tensors, file);
    }

    public void WriteTensors(IReadOnlyList<RawTensor> tensors, string file = CheckpointFiles.Weights) => File.WriteAllBytes(PathOf(file),
    [
        .. SafetensorsHeader.Serialize(tensors.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape))),
        .. tensors.SelectMany(tensor => tensor.Data),
    ]);

    public List<RawTensor> Tensors(string file = CheckpointFiles.Weights)
    {
        var bytes = File.ReadAllBytes(PathOf(file));
        return [.. SafetensorsHeader.Parse(bytes, bytes.Length, file).Tensors.Select(tensor => new RawTensor(
            tensor.Name, tensor.Type, tensor.Shape, bytes.AsSpan((int)tensor.Start, (int)tensor.ByteLength).ToArray()))];
    }

    /// <summary>Opens and loads the model.</summary>
    public Weights Load()
    {
        using var checkpoint = Checkpoint.Open(Path);
        return Weights.Load(checkpoint);
    }

    /// <summary>The one sentence with which the model is refused.</summary>
    public string Refusal() => Assert.Throws<InvalidDataException>(() => Load().Dispose()).Message;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

internal sealed record RawTensor(string Name, StoredType Type, IReadOnlyList<long> Shape, byte[] Data)
{
    public static RawTensor Of(string name, long[] shape, params float[] values) =>
        new(name, StoredType.F32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public float[] Floats => MemoryMarshal.Cast<byte, float>(Data).ToArray();

    public RawTensor As(StoredType type) => type switch
    {
        StoredType.F16 => this with { Type = type, Data = MemoryMarshal.AsBytes(Array.ConvertAll(Floats, value => (Half)value).AsSpan()).ToArray() },
        StoredType.BF16 => this with { Type = type, Data = MemoryMarshal.AsBytes(Array.ConvertAll(Floats, Truncated).AsSpan()).ToArray() },
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static ushort Truncated(float value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
}
