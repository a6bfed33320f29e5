using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>
/// A model's weights as float32 tensors for ONNX Runtime, by Hugging Face name (a projection is [out, in]). The memory is ours and is
/// handed over without a copy: float32 files stay mapped, all else is computed once into memory of these weights. A session that took a
/// tensor as its initializer must be disposed before them; a mapped file must not be shortened meanwhile.
/// </summary>
public sealed unsafe class Weights : IDisposable
{
    internal const int LargestBlock = 1 << 18;

    private const int Alignment = 64;

    private readonly Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);
    private readonly List<IDisposable> mappings = [];
    private nint owned;
    private long ownedBytes;

    private Weights(ModelConfig config) => Config = config;

    /// <summary>Fills part of a tensor with its elements from <paramref name="start"/> on.</summary>
    private delegate void Read(string name, long start, Span<float> target);

    private sealed record Tensor(nint Address, IReadOnlyList<long> Shape, long Elements, OrtValue Value);

    public ModelConfig Config { get; }

    /// <summary>The names of all tensors. Tied embeddings appear once, as model.embed_tokens.weight.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The float32 tensor of that name; it stays the property of these weights.</summary>
    public OrtValue this[string name] => tensors[name].Value;

    /// <summary>A tensor's dimensions.</summary>
    public IReadOnlyList<long> Shape(string name) => tensors[name].Shape;

    /// <summary>A tensor's elements, row-major, where the tensor lies; for tensors below 2^31 elements.</summary>
    public ReadOnlySpan<float> Span(string name) => new((void*)tensors[name].Address, checked((int)tensors[name].Elements));

    /// <summary>Loads a checkpoint, which may be closed afterwards.</summary>
    /// <exception cref="InvalidDataException">A weight is not finite; the message names the tensor and its file.</exception>
    public static Weights Load(Checkpoint checkpoint) =>
        Create(checkpoint, name => checkpoint[name].IsUsableInPlace, (name, start, target) => checkpoint[name].ReadInto(start, target));

    /// <summary>
    /// earlyWeight · early + (1 − earlyWeight) · late in float32 (WiSE-FT), computed while loading; nothing is written. 0 and 1 give the
    /// weights of one parent bit for bit. Both checkpoints may be closed afterwards.
    /// </summary>
    /// <param name="earlyWeight">The share of <paramref name="early"/>, from 0 to 1.</param>
    /// <exception cref="InvalidDataException">
    /// The checkpoints differ in architecture, shapes or tokenizer (the first difference is named), <paramref name="earlyWeight"/> is not
    /// in [0, 1], or a weight is not finite.
    /// </exception>
    public static Weights Interpolate(Checkpoint early, Checkpoint late, double earlyWeight)
    {
        var interpolation = new Interpolation(early, late, earlyWeight);
        return interpolation.Only is { } only ? Load(only) : Create(late, _ => false, interpolation.Read);
    }

    public void Dispose()
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Value.Dispose();
        }

        tensors.Clear();
        mappings.ForEach(mapping => mapping.Dispose());
        mappings.Clear();
        WeightMemory.Free(owned, ownedBytes);
        owned = 0;
    }

    private static Weights Create(Checkpoint checkpoint, Func<string, bool> staysInPlace, Read read)
    {
        var weights = new Weights(checkpoint.Config);
        try
        {
            weights.Fill([.. checkpoint.Names.Select(name => checkpoint[name])], staysInPlace, read);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private void Fill(StoredTensor[] stored, Func<string, bool> staysInPlace, Read read)
    {
        var inPlace = stored.Select(tensor => staysInPlace(tensor.Info.Name)).ToArray();
        mappings.AddRange(stored.Where((_, index) => inPlace[index]).Select(tensor => tensor.File).Distinct().Select(file => file.Hold()));
        ownedBytes = stored.Where((_, index) => !inPlace[index]).Sum(tensor => AlignedBytes(tensor.Info));
        owned = ownedBytes > 0 ? WeightMemory.Allocate(ownedBytes) : 0;
        var next = owned;
        for (var index = 0; index < stored.Length; index++)
        {
            var info = stored[index].Info;
            var address = inPlace[index] ? (nint)stored[index].File.Pointer(info) : next;
            next += inPlace[index] ? 0 : (nint)AlignedBytes(info);
            tensors.Add(info.Name, new Tensor(address, info.Shape, info.Elements, OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [.. info.Shape], address, info.Elements * sizeof(float))));
        }

        var blocks = stored
            .SelectMany((tensor, index) => Blocks(tensor.Info.Elements).Select(block => (Index: index, block.Start, block.Length)))
            .ToArray();
        var faults = new ConcurrentDictionary<int, InvalidDataException>();
        Parallel.ForEach(blocks, block =>
        {
            var name = stored[block.Index].Info.Name;
            try
            {
                if (inPlace[block.Index])
                {
                    // For its check alone.
                    stored[block.Index].Read(block.Start, block.Length, default);
                }
                else
                {
                    read(name, block.Start, new Span<float>((float*)tensors[name].Address + block.Start, block.Length));
                }
            }
            catch (InvalidDataException fault)
            {
                faults[block.Index] = fault;
            }
        });
        if (!faults.IsEmpty)
        {
            // The first in the order of the layers, so that the same file gives the same message.
            throw faults.MinBy(fault => fault.Key).Value;
        }
    }

    /// <summary>Cuts a tensor into pieces that keep all cores at work and a core's cache warm.</summary>
    internal static IEnumerable<(long Start, int Length)> Blocks(long elements)
    {
        for (long start = 0; start < elements; start += LargestBlock)
        {
            yield return (start, (int)Math.Min(LargestBlock, elements - start));
        }
    }

    private static long AlignedBytes(TensorInfo info) => ((info.Elements * sizeof(float)) + Alignment - 1) / Alignment * Alignment;
}
