using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>
/// A model's weights as float32 tensors for ONNX Runtime, by Hugging Face name (a projection is [out, in]). The memory is ours and is
/// handed over without a copy: float32 files stay mapped, other types are widened once. A session that took a tensor as its initializer
/// must be disposed before these weights.
/// </summary>
public sealed unsafe class Weights : IDisposable
{
    private const int Alignment = 64;
    private const int Block = 1 << 20;

    private readonly Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);
    private readonly List<IDisposable> mappings = [];
    private void* owned;

    private Weights(ModelConfig config, IEnumerable<Source> sources)
    {
        Config = config;
        try
        {
            Fill([.. sources]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ModelConfig Config { get; }

    /// <summary>The names of all tensors. Tied embeddings appear once, as model.embed_tokens.weight.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The float32 tensor of that name; it stays the property of these weights.</summary>
    public OrtValue this[string name] => tensors[name].Value;

    /// <summary>A tensor's dimensions.</summary>
    public IReadOnlyList<long> Shape(string name) => tensors[name].Shape;

    /// <summary>A tensor's elements, row-major, where the tensor stays; below 2^31 elements.</summary>
    public ReadOnlySpan<float> Span(string name) => new((void*)tensors[name].Address, checked((int)tensors[name].Elements));

    /// <summary>Loads a checkpoint, which may be closed afterwards.</summary>
    /// <exception cref="InvalidDataException">A weight is not finite; the message names the tensor and its file.</exception>
    public static Weights Load(Checkpoint checkpoint) =>
        new(checkpoint.Config, checkpoint.Names.Select(name => new Source(checkpoint[name])));

    private void Fill(Source[] sources)
    {
        long bytes = 0;
        var offsets = new long[sources.Length];
        for (var index = 0; index < sources.Length; index++)
        {
            if (!sources[index].StaysInPlace)
            {
                offsets[index] = bytes;
                bytes += ((sources[index].Info.Elements * sizeof(float)) + Alignment - 1) / Alignment * Alignment;
            }
        }

        owned = bytes > 0 ? NativeMemory.AlignedAlloc((nuint)bytes, Alignment) : null;
        var addresses = sources.Select((source, index) =>
            source.StaysInPlace ? (nint)source.Late.File.Pointer(source.Late.Info) : (nint)owned + (nint)offsets[index]).ToArray();

        var blocks = sources.SelectMany((source, index) => Enumerable.Range(0, checked((int)((source.Info.Elements + Block - 1) / Block)))
            .Select(block => (Source: index, Start: (long)block * Block))).ToArray();
        var faults = new ConcurrentDictionary<int, StoredTensor>();
        Parallel.ForEach(blocks, block =>
        {
            var source = sources[block.Source];
            var length = (int)Math.Min(Block, source.Info.Elements - block.Start);
            var target = new Span<float>((float*)addresses[block.Source] + block.Start, length);
            if (source.Fault(block.Start, target) is { } fault)
            {
                faults[block.Source] = fault;
            }
        });
        if (!faults.IsEmpty)
        {
            throw faults.MinBy(fault => fault.Key).Value.NotFinite();
        }

        mappings.AddRange(sources.Where(source => source.StaysInPlace).Select(source => source.Late.File).Distinct().Select(file => file.Hold()));
        for (var index = 0; index < sources.Length; index++)
        {
            var info = sources[index].Info;
            tensors.Add(info.Name, new Tensor(addresses[index], info.Shape, info.Elements, OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [.. info.Shape], addresses[index], info.Elements * sizeof(float))));
        }
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
        NativeMemory.AlignedFree(owned);
        owned = null;
    }

    private sealed record Tensor(nint Address, IReadOnlyList<long> Shape, long Elements, OrtValue Value);

    /// <summary>Where one tensor's elements come from.</summary>
    private sealed record Source(StoredTensor Late)
    {
        public TensorInfo Info => Late.Info;

        public bool StaysInPlace => Late.IsUsableInPlace;

        /// <summary>Fills a block; the stored tensor that has a weight which is not finite, if any.</summary>
        public StoredTensor? Fault(long start, Span<float> target) =>
            (StaysInPlace ? Precision.AllFinite(target) : Late.TryWiden(start, target)) ? null : Late;
    }
}
