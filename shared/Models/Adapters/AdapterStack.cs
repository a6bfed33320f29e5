using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>
/// Adapters of one base side by side, so that rows of one batch may belong to different ones, or to the bare base, while the base's
/// weights are read once for all. They are inputs of the graph, not weights of it: one session serves any stack on its modules.
/// </summary>
/// <remarks>
/// Inputs, in the type of the graph's precision, for each of <see cref="Modules"/>: Down(module) [groups, in, 16], the factors A of all adapters as columns;
/// Up(module) [16·groups, out], the factors B with their scale. <see cref="Columns"/> [slots + 1, 16·groups] of 0 and 1 tells whose
/// column is whose: row 0 is the bare base, row s + 1 is slot s. With them the caller binds <see cref="Adapters"/> int64
/// [batch, sequence], the row of that table for each token, see <see cref="RowOf"/>.
/// <para>
/// A row's result has the same bits whatever else is in the stack, from two rows for each thread on (ONNX Runtime computes a single row
/// in another way). Its matrix product cuts long sums into blocks whose length depends on the width of the product, so x · down is
/// taken in groups of a fixed width that no thread divides; and it cuts the sum over all columns every 128 or more, so each adapter has
/// a power of two of them at a multiple of that: no adapter is cut in another place than in a stack of its own, and the columns of others
/// add zeros.
/// </para>
/// </remarks>
public sealed unsafe class AdapterStack : IDisposable
{
    /// <summary>The input that tells each token's adapter.</summary>
    public const string Adapters = "adapters";

    /// <summary>The input that tells each adapter's columns.</summary>
    public const string Columns = "adapter_columns";

    /// <summary>The least width that ONNX Runtime gives to a thread.</summary>
    internal const int GroupWidth = 16;

    private const int LeastWidth = 4;
    private const int Alignment = 64;

    private readonly List<(string Input, OrtValue Value)> inputs = [];
    private readonly DType type;
    private readonly Dictionary<string, nint> addresses = new(StringComparer.Ordinal);
    private void* memory;

    private AdapterStack(IReadOnlySet<string> modules, IReadOnlyList<string> names, DType type) => (Modules, Names, this.type) = (modules, names, type);

    /// <summary>The linear maps that the stack has inputs for: what to give to <see cref="ModelGraph.For(ModelConfig, Target, IReadOnlyCollection{string})"/>.</summary>
    public IReadOnlySet<string> Modules { get; }

    /// <summary>The type of the factors.</summary>
    public TensorElementType ElementType => type.ElementType();

    /// <summary>How many adapters there are.</summary>
    public int Slots => Names.Count;

    /// <summary>The folders of the adapters, for messages.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Memory in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>What to bind, by the names of the graph's inputs; it stays the property of the stack.</summary>
    public IReadOnlyList<(string Input, OrtValue Value)> Inputs => inputs;

    /// <summary>The name of the input with a module's factors A.</summary>
    public static string Down(string module) => $"{module}.adapter_down";

    /// <summary>The name of the input with a module's factors B.</summary>
    public static string Up(string module) => $"{module}.adapter_up";

    /// <summary>The value of <see cref="Adapters"/> for a slot; null is the bare base.</summary>
    public static long RowOf(int? slot) => slot is { } place ? place + 1 : 0;

    /// <summary>The bytes that a stack would take, without making it.</summary>
    /// <inheritdoc cref="Create(ModelConfig, IReadOnlyList{AdapterUpdate}, Precision, IReadOnlyCollection{string})"/>
    public static long BytesFor(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, params IReadOnlyCollection<string> modules) =>
        BytesFor(config, slots, Precision.Float32, modules);

    /// <inheritdoc cref="BytesFor(ModelConfig, IReadOnlyList{AdapterUpdate}, IReadOnlyCollection{string})"/>
    public static long BytesFor(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, Precision precision, params IReadOnlyCollection<string> modules) =>
        Layout.Of(config, slots, precision.FloatType(), modules).Bytes;

    /// <summary>Stacks adapters for graphs in float32 or int8; they may be closed afterwards.</summary>
    /// <inheritdoc cref="Create(ModelConfig, IReadOnlyList{AdapterUpdate}, Precision, IReadOnlyCollection{string})"/>
    public static AdapterStack Create(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, params IReadOnlyCollection<string> modules) =>
        Create(config, slots, Precision.Float32, modules);

    /// <summary>Stacks adapters, which may be closed afterwards.</summary>
    /// <param name="config">The config of their base.</param>
    /// <param name="slots">The adapters and interpolations, all low-rank; none for an empty stack.</param>
    /// <param name="precision">That of the graph.</param>
    /// <param name="modules">The modules of the session, if it was made for more than these adapters change.</param>
    /// <exception cref="InvalidDataException">
    /// An adapter is not low-rank or of another base, or an element is not finite or too large for the precision.
    /// </exception>
    /// <exception cref="ArgumentException">An adapter changes what is not among <paramref name="modules"/>.</exception>
    public static AdapterStack Create(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, Precision precision, params IReadOnlyCollection<string> modules)
    {
        var layout = Layout.Of(config, slots, precision.FloatType(), modules);
        var stack = new AdapterStack(
            layout.Modules.Select(module => module.Name).ToHashSet(StringComparer.Ordinal), [.. slots.Select(slot => slot.ToString())], precision.FloatType()) { Bytes = layout.Bytes };
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

    /// <summary>Copies of <see cref="Inputs"/> in a device's memory; they are the caller's to dispose.</summary>
    /// <exception cref="InvalidDataException">The device has not so much memory.</exception>
    public IReadOnlyList<(string Input, DeviceTensor Copy)> CopyTo(DeviceMemory device)
    {
        var copies = new List<(string Input, DeviceTensor Copy)>();
        foreach (var (input, value) in inputs)
        {
            var copy = new DeviceTensor(device, type.ElementType(), value.GetTensorTypeAndShape().Shape);
            copies.Add((input, copy));
            copy.Write(addresses[input], value.GetTensorSizeInBytes());
        }

        return copies;
    }

    public void Dispose()
    {
        inputs.ForEach(input => input.Value.Dispose());
        inputs.Clear();
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
            inputs.Add((input, OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type.ElementType(), shape, next, elements * type.Size())));
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
            AddFactors(Down(module.Name), module, [layout.Width / GroupWidth, module.From, GroupWidth], PlaceDown);
            AddFactors(Up(module.Name), module, [layout.Width, module.To], PlaceUp);
        }
    }

    private void PlaceDown(LowRankUpdate update, double weight, int column, Memory<float> down)
    {
        var a = update.ReadDown();
        RequireRoom(update, update.Down, a);
        var from = a.Length / update.Rank;
        for (var k = 0; k < update.Rank; k++, column++)
        {
            var group = down.Span.Slice(column / GroupWidth * from * GroupWidth, from * GroupWidth);
            for (var index = 0; index < from; index++)
            {
                group[(index * GroupWidth) + (column % GroupWidth)] = a[(k * from) + index];
            }
        }
    }

    private void PlaceUp(LowRankUpdate update, double weight, int column, Memory<float> up)
    {
        var b = update.ReadUp();
        var to = b.Length / update.Rank;
        for (var k = 0; k < update.Rank; k++, column++)
        {
            var row = up.Span.Slice(column * to, to);
            for (var index = 0; index < to; index++)
            {
                row[index] = (float)(weight * update.Scale * b[(index * update.Rank) + k]);
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
        public static Layout Of(ModelConfig config, IReadOnlyList<AdapterUpdate> slots, DType type, IReadOnlyCollection<string> modules)
        {
            foreach (var slot in slots)
            {
                Check(config, slot);
            }

            var changed = slots.SelectMany(slot => slot.Modules).ToHashSet(StringComparer.Ordinal);
            if (modules.Count > 0 && changed.Except(modules).FirstOrDefault() is { } outside)
            {
                throw new ArgumentException($"An adapter changes {outside}, which the graph does not adapt.", nameof(modules));
            }

            var wanted = modules.Count > 0 ? modules.ToHashSet(StringComparer.Ordinal) : changed;
            var linears = ModelGraph.For(config, Target.Fused).Adaptable.Linears.Where(linear => wanted.Contains(linear.Name)).ToList();
            var segments = new (int Start, int Width)[slots.Count];
            var end = 0;
            // The widest first puts each at a multiple of its width.
            var widths = slots.Select(slot => Math.Max(LeastWidth, (int)BitOperations.RoundUpToPowerOf2((uint)slot.Rank))).ToArray();
            foreach (var slot in Enumerable.Range(0, slots.Count).OrderByDescending(slot => widths[slot]))
            {
                segments[slot] = (end, widths[slot]);
                end = checked(end + widths[slot]);
            }

            var width = Math.Max(GroupWidth, (end + GroupWidth - 1) / GroupWidth * GroupWidth);
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
