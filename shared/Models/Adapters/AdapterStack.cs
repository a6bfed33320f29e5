using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>
/// Adapters of one base side by side, so that rows of one batch may belong to different ones, or to the bare base, while the base's
/// weights are read once for all.
/// </summary>
/// <remarks>
/// Tensors, in the type of the graph's precision, for each of <see cref="Modules"/>: Down(module) [width, in], the factors A of all adapters as rows; Up(module)
/// [out, width], the factors B with their scale as columns. <see cref="Columns"/> [slots + 1, width] of 0 and 1 tells whose place is
/// whose: row 0 is the bare base, row s + 1 is slot s. The graph's input <see cref="Adapters"/> int64 [batch, sequence] names the row of
/// that table for each token, see <see cref="RowOf"/>.
/// <para>
/// A row's result has the same bits whatever else is in the stack, from two rows for each thread on (ONNX Runtime computes a single row
/// in another way). Its product with weights that it has put in order cuts sums every 256 elements, so each adapter has a power of two
/// of places at a multiple of that: no adapter is cut in another place than in a stack of its own, and the places of others add zeros.
/// </para>
/// </remarks>
public sealed unsafe class AdapterStack : IDisposable
{
    /// <summary>The input that tells each token's adapter.</summary>
    public const string Adapters = "adapters";

    /// <summary>The tensor that tells each adapter's places.</summary>
    public const string Columns = "adapter_columns";

    private const int LeastWidth = 4;
    private const int Alignment = 64;

    private readonly List<(string Name, OrtValue Value)> tensors = [];
    private readonly DType type;
    private readonly Dictionary<string, nint> addresses = new(StringComparer.Ordinal);
    private readonly List<(string Name, DeviceTensor Copy)> onGpu = [];
    private void* memory;

    private AdapterStack(IReadOnlySet<string> modules, IReadOnlyList<string> names, DType type) => (Modules, Names, this.type) = (modules, names, type);

    /// <summary>The linear maps that an adapter changes.</summary>
    public IReadOnlySet<string> Modules { get; }

    /// <summary>The type of the factors.</summary>
    public TensorElementType ElementType => type.ElementType();

    /// <summary>How many adapters there are.</summary>
    public int Slots => Names.Count;

    /// <summary>The folders of the adapters, for messages.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Places of all adapters together.</summary>
    public int Width { get; private init; }

    /// <summary>What a graph depends on.</summary>
    internal string ShapeKey => $"{Slots} {Width}\n{string.Join('\n', Modules.Order(StringComparer.Ordinal))}";

    /// <summary>Memory in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>By the names of the graph; they stay the property of the stack.</summary>
    public IReadOnlyList<(string Name, OrtValue Value)> Tensors => tensors;

    /// <summary>The name of the tensor with a module's factors A.</summary>
    public static string Down(string module) => $"{module}.adapter_down";

    /// <summary>The name of the tensor with a module's factors B.</summary>
    public static string Up(string module) => $"{module}.adapter_up";

    /// <summary>The value of <see cref="Adapters"/> for a slot; null is the bare base.</summary>
    public static long RowOf(int? slot) => slot is { } place ? place + 1 : 0;

    /// <summary>The bytes that a stack would take, without making it.</summary>
    /// <inheritdoc cref="Create"/>
    public static long BytesFor(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, Precision precision = Precision.Float32) =>
        Layout.Of(config, slots, precision.FloatType()).Bytes;

    /// <summary>Stacks adapters, which may be closed afterwards.</summary>
    /// <param name="config">The config of their base.</param>
    /// <param name="slots">The adapters and interpolations, all low-rank; none for an empty stack.</param>
    /// <param name="precision">That of the graph.</param>
    /// <exception cref="InvalidDataException">
    /// An adapter is not low-rank or of another base, or an element is not finite or too large for the precision.
    /// </exception>
    public static AdapterStack Create(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, Precision precision = Precision.Float32)
    {
        var layout = Layout.Of(config, slots, precision.FloatType());
        var stack = new AdapterStack(
            layout.Modules.Select(module => module.Name).ToHashSet(StringComparer.Ordinal), [.. slots.Select(slot => slot.ToString())], precision.FloatType())
        {
            Bytes = layout.Bytes,
            Width = layout.Width,
        };
        try
        {
            stack.Fill(layout, slots);
            return stack;
        }
        catch
        {
            stack.Dispose();
            throw;
        }
    }

    /// <summary><see cref="Tensors"/> where a device can read them; copied once.</summary>
    /// <exception cref="InvalidDataException">The device has not so much memory.</exception>
    internal IEnumerable<(string Name, OrtValue Value)> On(Device device)
    {
        if (device == Device.Cpu)
        {
            return tensors;
        }

        if (onGpu.Count == 0)
        {
            foreach (var (name, value) in tensors)
            {
                var copy = new DeviceTensor(DeviceMemory.Of(device), type.ElementType(), value.GetTensorTypeAndShape().Shape);
                onGpu.Add((name, copy));
                copy.Write(addresses[name], value.GetTensorSizeInBytes());
            }
        }

        return onGpu.Select(tensor => (tensor.Name, tensor.Copy.Value));
    }

    public void Dispose()
    {
        tensors.ForEach(input => input.Value.Dispose());
        tensors.Clear();
        onGpu.ForEach(tensor => tensor.Copy.Dispose());
        onGpu.Clear();
        NativeMemory.AlignedFree(memory);
        memory = null;
    }

    private void Fill(Layout layout, IReadOnlyList<AdapterUpdate> slots)
    {
        memory = NativeMemory.AlignedAlloc((nuint)layout.Bytes, Alignment);
        NativeMemory.Clear(memory, (nuint)layout.Bytes);
        var next = (nint)memory;
        void Add(string input, long[] shape, Action<Memory<float>> fill)
        {
            var elements = shape.Aggregate((a, b) => a * b);
            tensors.Add((input, OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type.ElementType(), shape, next, elements * type.Size())));
            addresses.Add(input, next);
            var values = new float[elements];
            fill(values);
            if (type == DType.Float32)
            {
                values.CopyTo(new Span<float>((void*)next, values.Length));
            }
            else
            {
                ElementWise.Narrow(values, type, new Span<ushort>((void*)next, values.Length));
            }

            next += (nint)layout.AlignedBytes(elements);
        }

        void AddFactors(string input, LinearModule module, long[] shape, Action<LowRankUpdate, double, int, Memory<float>> place) => Add(input, shape, values =>
        {
            for (var slot = 0; slot < slots.Count; slot++)
            {
                var column = layout.Segments[slot].Start;
                foreach (var (update, weight) in slots[slot].LowRank.Where(part => part.Update.Module == module.Name))
                {
                    place(update, weight, column, values);
                    column += update.Rank;
                }
            }
        });

        Add(Columns, [slots.Count + 1, layout.Width], columns =>
        {
            for (var slot = 0; slot < slots.Count; slot++)
            {
                var (start, width) = layout.Segments[slot];
                columns.Span.Slice(((slot + 1) * layout.Width) + start, width).Fill(1);
            }
        });
        foreach (var module in layout.Modules)
        {
            AddFactors(Down(module.Name), module, [layout.Width, module.From], PlaceDown);
            AddFactors(Up(module.Name), module, [module.To, layout.Width], PlaceUp);
        }
    }

    private void PlaceDown(LowRankUpdate update, double weight, int place, Memory<float> down)
    {
        var a = update.ReadDown();
        RequireRoom(update, update.Down, a);
        a.CopyTo(down.Span[(place * (a.Length / update.Rank))..]);
    }

    private void PlaceUp(LowRankUpdate update, double weight, int place, Memory<float> up)
    {
        var b = update.ReadUp();
        for (var output = 0; output < b.Length / update.Rank; output++)
        {
            var row = up.Span.Slice((output * Width) + place, update.Rank);
            for (var k = 0; k < row.Length; k++)
            {
                row[k] = (float)(weight * update.Scale * b[(output * update.Rank) + k]);
            }

            RequireRoom(update, update.Up, row);
        }
    }

    private void RequireRoom(LowRankUpdate update, StoredTensor factor, ReadOnlySpan<float> values)
    {
        // Not a number is not less either.
        if (!(TensorPrimitives.MaxMagnitude(values) <= type.Greatest()))
        {
            throw new InvalidDataException(
                $"{factor.File.Path} has an update of {update.Module} larger than {type.ToString().ToLowerInvariant()} can hold; {(type == DType.Float16 ? "take bfloat16" : "the adapter is damaged")}.");
        }
    }

    /// <summary>Which columns belong to which slot; the same for all modules.</summary>
    private sealed record Layout(IReadOnlyList<LinearModule> Modules, (int Start, int Width)[] Segments, int Width, int ElementSize)
    {
        public static Layout Of(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, DType type)
        {
            foreach (var slot in slots)
            {
                Check(config, slot);
            }

            var changed = slots.SelectMany(slot => slot.Modules).ToHashSet(StringComparer.Ordinal);
            var linears = ModelGraph.For(config, Target.Fused).Adaptable.Linears.Where(linear => changed.Contains(linear.Name)).ToList();
            var segments = new (int Start, int Width)[slots.Count];
            var end = 0;
            // The widest first puts each at a multiple of its width.
            var widths = slots.Select(slot => Math.Max(LeastWidth, (int)BitOperations.RoundUpToPowerOf2((uint)slot.Rank))).ToArray();
            foreach (var slot in Enumerable.Range(0, slots.Count).OrderByDescending(slot => widths[slot]))
            {
                segments[slot] = (end, widths[slot]);
                end = checked(end + widths[slot]);
            }

            var width = Math.Max(LeastWidth, end);
            if (linears.Any(linear => width * Math.Max(linear.From, linear.To) > int.MaxValue))
            {
                throw new InvalidDataException($"{slots.Count} adapters have {width} ranks together, too many for one batch; use fewer at a time.");
            }

            return new(linears, segments, width, type.Size());
        }

        public long Bytes => AlignedBytes((Segments.Length + 1L) * Width)
            + Modules.Sum(module => AlignedBytes(Width * module.From) + AlignedBytes(Width * module.To));

        public long AlignedBytes(long elements) => ((elements * ElementSize) + Alignment - 1) / Alignment * Alignment;

        private static void Check(ModelConfig config, AdapterUpdate slot)
        {
            foreach (var (adapter, _) in slot.Parts)
            {
                if (adapter.BaseConfig != config)
                {
                    throw new InvalidDataException($"{adapter.Folder} was opened for another base than the others of its batch.");
                }

                if (!adapter.IsLowRank)
                {
                    throw new InvalidDataException($"{adapter.Folder} changes more than linear maps, so it cannot share a batch with other adapters; merge it into its base.");
                }
            }
        }
    }
}
