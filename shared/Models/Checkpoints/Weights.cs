using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models;

/// <summary>
/// A model's weights as tensors for ONNX Runtime in the type of a precision, by Hugging Face name (a projection is [out, in]). The memory
/// is ours and is handed over without a copy: files in that type stay mapped, all else is computed once, in float32, into memory of these
/// weights. A session that took a tensor as its initializer must be disposed before them; a mapped file must not be shortened meanwhile.
/// </summary>
public sealed unsafe class Weights : IDisposable
{
    internal const int LargestBlock = 1 << 18;

    private const int Alignment = 64;

    private readonly Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);
    private readonly List<IDisposable> mappings = [];
    private readonly List<(nint Address, long Bytes)> released = [];
    private readonly List<(nint Address, long Bytes)> owned = [];
    private readonly Dictionary<string, DeviceTensor> onGpu = new(StringComparer.Ordinal);

    private Weights(ModelConfig config, Precision precision) => (Config, Precision) = (config, precision);

    /// <summary>Fills part of a tensor with its elements from <paramref name="start"/> on.</summary>
    internal delegate void Read(string name, long start, Span<float> target);

    private sealed record Tensor(nint Address, IReadOnlyList<long> Shape, long Elements, DType Type, OrtValue Value)
    {
        public long Bytes => Elements * Type.Size();
    }

    public ModelConfig Config { get; }

    public Precision Precision { get; }

    /// <summary>Memory that these weights hold beside the files that stay mapped, in bytes.</summary>
    public long OwnedBytes { get; private set; }

    /// <summary>The names of all tensors. Tied embeddings appear once, as model.embed_tokens.weight.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The tensor of that name; it stays the property of these weights.</summary>
    public OrtValue this[string name] => tensors[name].Value;

    /// <summary>A tensor's dimensions.</summary>
    public IReadOnlyList<long> Shape(string name) => tensors[name].Shape;

    /// <summary>A float32 tensor's elements, row-major, where the tensor lies; for tensors below 2^31 elements.</summary>
    public ReadOnlySpan<float> Span(string name) => tensors[name] is { Type: DType.Float32 } tensor
        ? new((void*)tensor.Address, checked((int)tensor.Elements))
        : throw new InvalidOperationException($"{name} is kept as {tensors[name].Type}.");

    /// <summary>Loads a checkpoint, which may be closed afterwards.</summary>
    /// <exception cref="InvalidDataException">
    /// A weight is not finite, or too large for the precision; the message names the tensor and its file.
    /// </exception>
    public static Weights Load(Checkpoint checkpoint, Precision precision = Precision.Float32) =>
        Create(checkpoint.Config, precision, Of(checkpoint), name => checkpoint[name], (name, start, target) => checkpoint[name].ReadInto(start, target));

    /// <summary>
    /// earlyWeight · early + (1 − earlyWeight) · late in float32 (WiSE-FT), computed while loading; nothing is written. 0 and 1 give the
    /// weights of one parent bit for bit. Both checkpoints may be closed afterwards.
    /// </summary>
    /// <param name="earlyWeight">The share of <paramref name="early"/>, from 0 to 1.</param>
    /// <exception cref="InvalidDataException">
    /// The checkpoints differ in architecture, shapes or tokenizer (the first difference is named), <paramref name="earlyWeight"/> is not
    /// in [0, 1], or a weight is not finite.
    /// </exception>
    public static Weights Interpolate(Checkpoint early, Checkpoint late, double earlyWeight, Precision precision = Precision.Float32)
    {
        var interpolation = new Interpolation(early, late, earlyWeight);
        return interpolation.Only is { } only ? Load(only, precision) : Create(late.Config, precision, Of(late), _ => null, interpolation.Read);
    }

    /// <summary>
    /// A base model with an adapter, or an interpolation of two, merged into it: W + scale · B A and all else that the adapter changes,
    /// computed while loading; nothing is written. Checkpoint and adapters may be closed afterwards.
    /// </summary>
    /// <remarks>
    /// An adapter of tied embeddings unties them, as PEFT does while it runs one: <see cref="Config"/> then differs from the base's in
    /// that, and lm_head.weight is among the names.
    /// </remarks>
    /// <exception cref="InvalidDataException">The adapter was opened for another base, or a weight is not finite.</exception>
    public static Weights Merge(Checkpoint baseModel, AdapterUpdate update, Precision precision = Precision.Float32)
    {
        var adapted = new AdaptedCheckpoint(baseModel, update);
        return Create(adapted.Config, precision, adapted.Tensors, adapted.Unchanged, adapted.Read);
    }

    /// <summary>
    /// Gives back the memory of mapped weights that a session has copied, or that were read for their codes; it comes back from the file
    /// where a weight is read again.
    /// </summary>
    internal void ReleaseMapped() => released.ForEach(part => WeightMemory.Release(part.Address, part.Bytes));

    /// <summary>The tensor of that name where the device can read it: these weights are copied to a GPU once, and stay there as long as they live.</summary>
    /// <exception cref="InvalidDataException">There is no GPU that can be used, or it has not so much memory.</exception>
    internal OrtValue On(Device device, string name)
    {
        var tensor = tensors[name];
        if (device == Device.Cpu)
        {
            return tensor.Value;
        }

        lock (onGpu)
        {
            if (!onGpu.TryGetValue(name, out var copy))
            {
                onGpu.Add(name, copy = new DeviceTensor(DeviceMemory.Of(device), tensor.Type.ElementType(), tensor.Shape));
                copy.Write(tensor.Address, tensor.Bytes);
            }

            return copy.Value;
        }
    }

    public void Dispose()
    {
        foreach (var copy in onGpu.Values)
        {
            copy.Dispose();
        }

        onGpu.Clear();
        foreach (var tensor in tensors.Values)
        {
            tensor.Value.Dispose();
        }

        tensors.Clear();
        mappings.ForEach(mapping => mapping.Dispose());
        mappings.Clear();
        owned.ForEach(memory => WeightMemory.Free(memory.Address, memory.Bytes));
        owned.Clear();
    }

    private static IReadOnlyList<(string Name, StoredTensor Stored)> Of(Checkpoint checkpoint) =>
        [.. checkpoint.Names.Select(name => (name, checkpoint[name]))];

    private static Weights Create(
        ModelConfig config, Precision precision, IReadOnlyList<(string Name, StoredTensor Stored)> tensors, Func<string, StoredTensor?> unchanged, Read read)
    {
        var weights = new Weights(config, precision);
        try
        {
            var graph = ModelGraph.For(config, Target.Fused, precision);
            if (precision != Precision.Int8)
            {
                weights.Fill(tensors, precision.FloatType(), unchanged, read);
            }
            else
            {
                // Checked and read in the order of the file; a tied embedding is both a table and a linear map.
                var tables = graph.FloatParameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
                weights.Fill([.. tensors.Where(tensor => tables.Contains(tensor.Name))], DType.Float32, unchanged, read);
                weights.Quantise(graph.Int8Parameters, unchanged, read);
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <param name="wanted">Names, and tensors of their shapes.</param>
    /// <param name="type">The type to keep them in.</param>
    /// <param name="unchanged">Where a tensor's values lie as they are; null where they must be computed.</param>
    /// <param name="read">Computes values.</param>
    private void Fill(IReadOnlyList<(string Name, StoredTensor Stored)> wanted, DType type, Func<string, StoredTensor?> unchanged, Read read)
    {
        var inPlace = wanted.Select(tensor => unchanged(tensor.Name) is { } found && found.LiesAs(type) ? found : null).ToArray();
        mappings.AddRange(inPlace.OfType<StoredTensor>().Select(tensor => tensor.File).Distinct().Select(file => file.Hold()));
        var total = wanted.Where((_, index) => inPlace[index] is null).Sum(tensor => AlignedBytes(tensor.Stored.Info.Elements * type.Size()));
        var next = Own(total);
        for (var index = 0; index < wanted.Count; index++)
        {
            var (name, info) = (wanted[index].Name, wanted[index].Stored.Info);
            var address = inPlace[index] is { } lying ? (nint)lying.File.Pointer(lying.Info) : next;
            if (inPlace[index] is not null)
            {
                released.Add((address, info.ByteLength));
            }

            next += inPlace[index] is null ? (nint)AlignedBytes(info.Elements * type.Size()) : 0;
            tensors.Add(name, new Tensor(address, info.Shape, info.Elements, type, OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, type.ElementType(), [.. info.Shape], address, info.Elements * type.Size())));
        }

        var blocks = wanted
            .SelectMany((tensor, index) => Blocks(tensor.Stored.Info.Elements).Select(block => (Index: index, block.Start, block.Length)))
            .ToArray();
        InAnyOrder(blocks, block => block.Index, block =>
        {
            if (inPlace[block.Index] is { } lying)
            {
                lying.RequireFinite(block.Start, block.Length);
            }
            else if (type == DType.Float32)
            {
                var name = wanted[block.Index].Name;
                read(name, block.Start, new Span<float>((float*)tensors[name].Address + block.Start, block.Length));
            }
            else
            {
                ReadNarrow(wanted[block.Index], block.Start, block.Length, type, read);
            }
        });
    }

    private void ReadNarrow((string Name, StoredTensor Stored) tensor, long start, int length, DType type, Read read)
    {
        var buffer = ArrayPool<float>.Shared.Rent(length);
        try
        {
            var values = buffer.AsSpan(0, length);
            read(tensor.Name, start, values);
            if (!ElementWise.Narrow(values, type, new Span<ushort>((ushort*)tensors[tensor.Name].Address + start, length)))
            {
                var name = type == DType.Float16 ? "float16" : "bfloat16";
                throw new InvalidDataException($"{tensor.Stored.File.Path} has a weight in {tensor.Name} larger than {name} can hold; take {(type == DType.Float16 ? "bfloat16" : "float32")}.");
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private void Quantise(IReadOnlyList<Int8Parameter> wanted, Func<string, StoredTensor?> unchanged, Read read)
    {
        // Outputs that are read together: their codes lie side by side, so a row of codes is written in whole cache lines.
        const int Tile = 64;
        void ReadFloats(string name, long start, Span<float> target)
        {
            if (unchanged(name) is { } lying)
            {
                lying.ReadInto(start, target);
                WeightMemory.Release((nint)lying.File.Pointer(lying.Info) + (nint)(start * lying.Info.Type.Size()), target.Length * lying.Info.Type.Size());
            }
            else
            {
                read(name, start, target);
            }
        }

        var next = Own(wanted.Sum(weight => AlignedBytes((long)weight.From * weight.To) + AlignedBytes((long)weight.To * sizeof(float))));
        foreach (var weight in wanted)
        {
            Add(weight.Codes, DType.Int8, [weight.From, weight.To], ref next);
            Add(weight.Scales, DType.Float32, [weight.To], ref next);
        }

        // A weight that lies with its inputs first is read whole: its outputs are columns.
        var tiles = wanted
            .SelectMany((weight, index) => weight.InputsFirst
                ? [(Index: index, First: 0, Count: weight.To)]
                : Enumerable.Range(0, (weight.To + Tile - 1) / Tile).Select(tile => (Index: index, First: tile * Tile, Count: Math.Min(Tile, weight.To - (tile * Tile)))))
            .ToArray();
        InAnyOrder(tiles, tile => tile.Index, tile =>
        {
            var weight = wanted[tile.Index];
            var values = new float[(long)tile.Count * weight.From];
            ReadFloats(weight.Name, (long)tile.First * weight.From, values);
            var codes = (sbyte*)tensors[weight.Codes].Address + tile.First;
            var scales = new Span<float>((float*)tensors[weight.Scales].Address + tile.First, tile.Count);
            Int8Codes.Quantise(values, weight.InputsFirst, codes, weight.To, scales);
        });
    }

    private void Add(string name, DType type, long[] shape, ref nint next)
    {
        var elements = shape.Aggregate((a, b) => a * b);
        var bytes = elements * type.Size();
        tensors.Add(name, new Tensor(next, shape, elements, type, OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type.ElementType(), shape, next, bytes)));
        next += (nint)AlignedBytes(bytes);
    }

    private nint Own(long bytes)
    {
        if (bytes == 0)
        {
            return 0;
        }

        var memory = WeightMemory.Allocate(bytes);
        owned.Add((memory, bytes));
        OwnedBytes += bytes;
        return memory;
    }

    /// <summary>Does pieces of work on all cores. Of several faults the first in the order of the tensors is thrown, so that the same file gives the same message.</summary>
    private static void InAnyOrder<T>(IReadOnlyList<T> pieces, Func<T, int> order, Action<T> work)
    {
        var faults = new ConcurrentDictionary<int, InvalidDataException>();
        Parallel.ForEach(pieces, piece =>
        {
            try
            {
                work(piece);
            }
            catch (InvalidDataException fault)
            {
                faults[order(piece)] = fault;
            }
        });
        if (!faults.IsEmpty)
        {
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

    private static long AlignedBytes(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
