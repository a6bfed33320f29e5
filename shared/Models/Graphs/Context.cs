namespace Hindsight.Models;

/// <summary>What a layer builds itself into: a graph, and the way its tokens reach one another.</summary>
internal abstract class Context
{
    protected static readonly Dim Batch = Dim.Named("batch");
    protected static readonly Dim Sequence = Dim.Named("sequence");

    private readonly AdapterStack? stack;

    protected Context(Graph graph, Precision precision, AdapterStack? stack)
    {
        (Graph, Precision) = (graph, precision);
        this.stack = stack;
        Ids = Input(ModelGraph.Ids, DType.Int64, Batch, Sequence).Reshape([Batch * Sequence]);
        Selected = Input(ModelGraph.Selected, DType.Int64, Dim.Named("selected"));
    }

    public Graph Graph { get; }

    public Precision Precision { get; }

    /// <summary>Of all tensors in floating point.</summary>
    public DType Type => Precision.FloatType();

    /// <summary>Token ids, [tokens].</summary>
    public Sym Ids { get; }

    /// <summary>The tokens whose logits are wanted, [selected]: the head is the costly part of a small model.</summary>
    public Sym Selected { get; }

    /// <summary>
    /// Each token's position, [tokens]; where the rotary table depends on the length, its row in the table. An input only of graphs that
    /// ask for it.
    /// </summary>
    public Sym Positions => PositionRows.Reshape([Batch * Sequence]);

    protected Sym PositionRows => Input(ModelGraph.Positions, DType.Int64, Batch, Sequence);

    /// <summary>The layers that have been given a cache.</summary>
    public virtual IReadOnlyList<string> Caches => [];

    public Sym Parameter(string name, params ReadOnlySpan<Dim> shape) => Graph.Apply(new Parameter(name, Shape.Of(shape), Type));

    /// <summary>What each token gathers from itself and the tokens before it in its sequence.</summary>
    /// <param name="layer">The layer's name.</param>
    /// <param name="heads">How the layer is divided.</param>
    /// <param name="queries">[tokens, heads·size], not yet turned by position.</param>
    /// <param name="keys">[tokens, kvHeads·size], not yet turned.</param>
    /// <param name="values">[tokens, kvHeads·size].</param>
    /// <returns>[tokens, heads·size].</returns>
    public abstract Sym Attend(string layer, Heads heads, Sym queries, Sym keys, Sym values);

    /// <summary>A linear map's result, and what the adapter of each row adds to it.</summary>
    /// <param name="module">The linear map's name.</param>
    /// <param name="x">What it was given: all tokens, or the selected ones.</param>
    /// <param name="y">What it made of it.</param>
    /// <remarks>
    /// y + ((x · downᵀ) ∘ columns[adapter]) · upᵀ, with the factors of all adapters side by side: the weights are read once for all rows
    /// and no factor is copied (multi-adapter batching as in Chen et al., arXiv 2310.18547, as plain products).
    /// </remarks>
    public Sym Adapt(string module, Sym x, Sym y)
    {
        if (stack is null || !stack.Modules.Contains(module))
        {
            return y;
        }

        Sym Factor(string name, Dim rows, Dim columns) => Graph.Apply(new AdapterParameter(name, [rows, columns], Type));
        var adapters = Input(AdapterStack.Adapters, DType.Int64, Batch, Sequence).Reshape([Batch * Sequence]);
        var ofRows = x.Shape[0] == Selected.Shape[0] ? Graph.Apply(new Gather(), adapters, Selected) : adapters;
        var columns = Graph.Apply(new Gather(), Factor(AdapterStack.Columns, stack.Slots + 1, stack.Width), ofRows);
        var inner = Graph.Apply(new LinearMap(), x, Factor(AdapterStack.Down(module), stack.Width, x.Shape[1]));
        return y + Graph.Apply(new LinearMap(), inner * columns, Factor(AdapterStack.Up(module), y.Shape[1], stack.Width));
    }

    protected Sym Input(string name, DType type, params ReadOnlySpan<Dim> shape) => Graph.Apply(new Input(name, type, Shape.Of(shape)));
}

/// <summary>
/// Decoding: each row has a cache of the keys and values of its earlier tokens, rows have lengths of their own, and the new tokens'
/// keys and values are put behind them.
/// </summary>
internal sealed class CachedContext : Context
{
    private static readonly Dim Capacity = Dim.Named("capacity");
    private static readonly Dim TableRows = Dim.Named("table_rows");

    private readonly List<string> caches = [];
    private readonly Sym lastPositions;
    private readonly Sym greatestLength;

    public CachedContext(Graph graph, Precision precision, AdapterStack? stack) : base(graph, precision, stack)
    {
        lastPositions = Input(ModelGraph.LastPositions, DType.Int32, Batch);
        greatestLength = Input(ModelGraph.GreatestLength, DType.Int32);
    }

    public override IReadOnlyList<string> Caches => caches;

    /// <summary>The size of a head here: GroupQueryAttention takes multiples of 16 alone.</summary>
    public static int WidthOf(int headSize, RotaryEmbedding? rotary) =>
        (headSize - (rotary?.Size ?? 0) + (2 * HalfOf(rotary)) + 15) / 16 * 16;

    /// <summary>Pairs that turn here: it turns multiples of 8 alone.</summary>
    public static int HalfOf(RotaryEmbedding? rotary) => ((rotary?.Size ?? 0) + 15) / 16 * 8;

    public override Sym Attend(string layer, Heads heads, Sym queries, Sym keys, Sym values)
    {
        var width = WidthOf(heads.Size, heads.Rotary);
        Sym Cache(string part) => Input(ModelGraph.Past(layer, part), Type, Batch, heads.KeyValues, Capacity, width);
        Sym Table(string name) => Input(name, Type, TableRows, HalfOf(heads.Rotary));

        var (q, k, v) = (Widen(queries, heads), Widen(keys, heads), Widen(values, heads with { Rotary = null }, width));
        List<Sym> table = heads.Rotary is null ? [] : [Table(ModelGraph.Cosines), Table(ModelGraph.Sines)];
        if (heads.Rotary is { FrequenciesChangeAfter: < int.MaxValue })
        {
            // GroupQueryAttention finds a token's row by its place in the sequence alone; here rows of one batch take theirs from
            // tables for different lengths.
            q = Graph.Apply(new RotaryTurnAt(heads.Queries), [q, PositionRows, .. table]);
            k = Graph.Apply(new RotaryTurnAt(heads.KeyValues), [k, PositionRows, .. table]);
            table = [];
        }

        var results = Graph.ApplyAll(
            new GroupQueryAttention(heads, width), [q, k, v, Cache("key"), Cache("value"), lastPositions, greatestLength, .. table]);
        caches.Add(layer);
        Graph.Output(ModelGraph.Present(layer, "key"), results[1]);
        Graph.Output(ModelGraph.Present(layer, "value"), results[2]);
        return Narrow(results[0], heads.Size, width, queries.Shape);
    }

    // Each half of the part that turns gets its own zeros, because rotation pairs an element with the one half a part further; the zeros of
    // the part that does not turn come last.
    private Sym Widen(Sym x, Heads heads, int? width = null)
    {
        var (half, wideHalf) = ((heads.Rotary?.Size ?? 0) / 2, HalfOf(heads.Rotary));
        var (rest, wideRest) = (heads.Size - (2 * half), (width ?? WidthOf(heads.Size, heads.Rotary)) - (2 * wideHalf));
        var count = x.Shape[1].Factor / heads.Size;
        Sym Filled(Sym part, int from, int to) => from == to ? part : Graph.Apply(new Pad(to), part);
        Sym Part(int start, int length) => Graph.Apply(new Slice(start, start + length), x.Reshape([x.Shape[0], count, heads.Size]));

        if ((half, rest) != (wideHalf, wideRest))
        {
            x = half == 0 ? Filled(x.Reshape([x.Shape[0], count, rest]), rest, wideRest)
                : wideRest == 0 ? Filled(x.Reshape([x.Shape[0], 2 * count, half]), half, wideHalf)
                : Graph.Apply(
                    new Concat(),
                    Filled(Part(0, half), half, wideHalf),
                    Filled(Part(half, half), half, wideHalf),
                    Filled(Part(2 * half, rest), rest, wideRest));
        }

        return x.Reshape([Batch, Sequence, count * ((2 * wideHalf) + wideRest)]);
    }

    private Sym Narrow(Sym x, int size, int width, Shape shape)
    {
        if (size != width)
        {
            x = Graph.Apply(new Slice(0, size), x.Reshape([shape[0], x.Shape[2].Factor / width, width]));
        }

        return x.Reshape(shape);
    }
}

/// <summary>Whole sequences at once, without a cache, in standard operators. All sequences have the same length.</summary>
internal sealed class WholeContext(Graph graph, Precision precision, AdapterStack? stack) : Context(graph, precision, stack)
{
    public override Sym Attend(string layer, Heads heads, Sym queries, Sym keys, Sym values)
    {
        var group = heads.Queries / heads.KeyValues;
        Sym Split(Sym x, int count) => x.Reshape([Batch, Sequence, count, heads.Size]).Transpose(0, 2, 1, 3);
        Sym Turn(Sym x)
        {
            if (heads.Rotary is not { Size: var size })
            {
                return x;
            }

            Sym Table(string name) => Input(name, Type, Sequence, size / 2);
            return Graph.Apply(new RotaryTurn(), x, Table(ModelGraph.Cosines), Table(ModelGraph.Sines));
        }

        // The query heads of a group are rows of one product with their key head: no key or value is repeated.
        var q = Turn(Split(queries, heads.Queries)).Reshape([Batch, heads.KeyValues, group * Sequence, heads.Size]);
        var k = Turn(Split(keys, heads.KeyValues)).Transpose(0, 1, 3, 2);
        var scores = Graph.Apply(new MatMul(), q, k) * heads.Scale;
        var capped = heads.Cap is { } cap ? new SoftCap(cap).Call(this, scores) : scores;
        var masked = capped.Reshape([Batch, heads.KeyValues, group, Sequence, Sequence]) + Graph.Apply(new CausalMask(Sequence, heads.Window, Type));
        var weights = Graph.Apply(new Softmax(), masked).Reshape(scores.Shape);
        return Graph.Apply(new MatMul(), weights, Split(values, heads.KeyValues))
            .Reshape([Batch, heads.Queries, Sequence, heads.Size])
            .Transpose(0, 2, 1, 3)
            .Reshape(queries.Shape);
    }
}
