namespace Hindsight.Models;

/// <summary>What a layer builds itself into: a graph, and the way its tokens reach one another.</summary>
internal abstract class Context
{
    protected static readonly Dim Batch = Dim.Named("batch");
    protected static readonly Dim Sequence = Dim.Named("sequence");

    private static readonly Dim Groups = Dim.Named("adapter_groups");

    private readonly IReadOnlySet<string> adapted;
    private Sym? adapters;

    protected Context(Graph graph, IReadOnlySet<string> adapted)
    {
        Graph = graph;
        this.adapted = adapted;
        Ids = Input(ModelGraph.Ids, DType.Int64, Batch, Sequence).Reshape([Batch * Sequence]);
        Selected = Input(ModelGraph.Selected, DType.Int64, Dim.Named("selected"));
    }

    public Graph Graph { get; }

    /// <summary>Token ids, [tokens].</summary>
    public Sym Ids { get; }

    /// <summary>The tokens whose logits are wanted, [selected]: the head is the costly part of a small model.</summary>
    public Sym Selected { get; }

    /// <summary>The layers that have been given a cache.</summary>
    public virtual IReadOnlyList<string> Caches => [];

    public Sym Parameter(string name, params ReadOnlySpan<Dim> shape) => Graph.Apply(new Parameter(name, Shape.Of(shape)));

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
    /// y + ((x · down) ∘ columns[adapter]) · up, with the factors of all adapters side by side: the weights are read once for all rows and
    /// no factor is copied (multi-adapter batching as in Chen et al., arXiv 2310.18547, as plain products). x · down is taken in
    /// groups of columns so that its sums are cut at the same places however many adapters there are; see <see cref="AdapterStack"/>.
    /// </remarks>
    public Sym Adapt(string module, Sym x, Sym y)
    {
        if (!adapted.Contains(module))
        {
            return y;
        }

        adapters ??= Input(AdapterStack.Adapters, DType.Int64, Batch, Sequence).Reshape([Batch * Sequence]);
        var ofRows = x.Shape[0] == Selected.Shape[0] ? Graph.Apply(new Gather(), adapters, Selected) : adapters;
        var down = Input(AdapterStack.Down(module), DType.Float32, Groups, x.Shape[1], AdapterStack.GroupWidth);
        var width = Groups * AdapterStack.GroupWidth;
        var up = Input(AdapterStack.Up(module), DType.Float32, width, y.Shape[1]);
        var columns = Graph.Apply(new Gather(), Input(AdapterStack.Columns, DType.Float32, Dim.Named("adapter_slots"), width), ofRows);
        var inner = Graph.Apply(new MatMul(), x, down).Transpose(1, 0, 2).Reshape([x.Shape[0], width]);
        return y + Graph.Apply(new MatMul(), inner * columns, up);
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
    private static readonly Dim Positions = Dim.Named("positions");

    private readonly List<string> caches = [];
    private readonly Sym lastPositions;
    private readonly Sym greatestLength;

    public CachedContext(Graph graph, IReadOnlySet<string> adapted) : base(graph, adapted)
    {
        lastPositions = Input(ModelGraph.LastPositions, DType.Int32, Batch);
        greatestLength = Input(ModelGraph.GreatestLength, DType.Int32);
    }

    public override IReadOnlyList<string> Caches => caches;

    /// <summary>GroupQueryAttention turns heads of sizes that are multiples of 16 alone; others are widened to the next.</summary>
    public static int WidthOf(int headSize) => (headSize + 15) / 16 * 16;

    public override Sym Attend(string layer, Heads heads, Sym queries, Sym keys, Sym values)
    {
        var width = WidthOf(heads.Size);
        Sym Cache(string part) => Input(ModelGraph.Past(layer, part), DType.Float32, Batch, heads.KeyValues, Capacity, width);
        Sym Turns(string name) => Input(name, DType.Float32, Positions, width / 2);

        var results = Graph.ApplyAll(
            new GroupQueryAttention(heads.Queries, heads.KeyValues, width, heads.Scale),
            Widen(queries, heads.Size), Widen(keys, heads.Size), Widen(values, heads.Size), Cache("key"), Cache("value"),
            lastPositions, greatestLength, Turns(ModelGraph.Cosines), Turns(ModelGraph.Sines));
        caches.Add(layer);
        Graph.Output(ModelGraph.Present(layer, "key"), results[1]);
        Graph.Output(ModelGraph.Present(layer, "value"), results[2]);
        return Narrow(results[0], heads.Size, queries.Shape);
    }

    // Each half of a head gets its own zeros, because rotation pairs an element with the one half a head further.
    private Sym Widen(Sym x, int headSize)
    {
        var (half, wideHalf, halves) = (headSize / 2, WidthOf(headSize) / 2, 2 * x.Shape[1].Factor / headSize);
        if (half != wideHalf)
        {
            x = Graph.Apply(new Pad(wideHalf), x.Reshape([x.Shape[0], halves, half]));
        }

        return x.Reshape([Batch, Sequence, halves * wideHalf]);
    }

    private Sym Narrow(Sym x, int headSize, Shape shape)
    {
        var (half, wideHalf) = (headSize / 2, WidthOf(headSize) / 2);
        if (half != wideHalf)
        {
            x = Graph.Apply(new Trim(half), x.Reshape([shape[0], x.Shape[2].Factor / wideHalf, wideHalf]));
        }

        return x.Reshape(shape);
    }
}

/// <summary>Whole sequences at once, without a cache, in standard operators. All sequences have the same length.</summary>
internal sealed class WholeContext(Graph graph, IReadOnlySet<string> adapted) : Context(graph, adapted)
{
    public override Sym Attend(string layer, Heads heads, Sym queries, Sym keys, Sym values)
    {
        var group = heads.Queries / heads.KeyValues;
        Sym Split(Sym x, int count) => x.Reshape([Batch, Sequence, count, heads.Size]).Transpose(0, 2, 1, 3);
        Sym Turn(Sym x) => Graph.Apply(
            new RotaryTurn(), x, Input(ModelGraph.Cosines, DType.Float32, Sequence, heads.Size / 2), Input(ModelGraph.Sines, DType.Float32, Sequence, heads.Size / 2));

        // The query heads of a group are rows of one product with their key head: no key or value is repeated.
        var q = Turn(Split(queries, heads.Queries)).Reshape([Batch, heads.KeyValues, group * Sequence, heads.Size]);
        var k = Turn(Split(keys, heads.KeyValues)).Transpose(0, 1, 3, 2);
        var scores = Graph.Apply(new MatMul(), q, k) * heads.Scale;
        var masked = scores.Reshape([Batch, heads.KeyValues, group, Sequence, Sequence]) + Graph.Apply(new CausalMask(Sequence));
        var weights = Graph.Apply(new Softmax(), masked).Reshape(scores.Shape);
        return Graph.Apply(new MatMul(), weights, Split(values, heads.KeyValues))
            .Reshape([Batch, heads.Queries, Sequence, heads.Size])
            .Transpose(0, 2, 1, 3)
            .Reshape(queries.Shape);
    }
}
