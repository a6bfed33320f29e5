namespace Hindsight.Models;

/// <summary>
/// A piece of a model, described once for every form: its settings and the names of its weights. Tokens are rows, [tokens, size].
/// </summary>
internal abstract record Layer
{
    public abstract Sym Call(Context context, Sym x);
}

/// <summary>One layer after the other.</summary>
internal sealed record Sequential(params IReadOnlyList<Layer> Layers) : Layer
{
    public override Sym Call(Context context, Sym x) => Layers.Aggregate(x, (x, layer) => layer.Call(context, x));
}

/// <summary>x + path(x), the path's layers one after the other.</summary>
internal sealed record Residual(params IReadOnlyList<Layer> Path) : Layer
{
    public override Sym Call(Context context, Sym x) => x + new Sequential(Path).Call(context, x);
}

/// <summary>Rows of a table at token ids.</summary>
internal sealed record Embedding(string Name, int Rows, int Size) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        context.Graph.Apply(new Gather(), context.Parameter($"{Name}.weight", Rows, Size), x);
}

/// <summary>The embedding of a token plus that of its position.</summary>
internal sealed record PositionedEmbedding(Embedding Tokens, Embedding Positions) : Layer
{
    public override Sym Call(Context context, Sym x) => Tokens.Call(context, x) + Positions.Call(context, context.Positions);
}

/// <summary>A linear map, with a bias or without, and the adapters on it.</summary>
/// <param name="Name">The module; its weight is Name.weight.</param>
/// <param name="From">Elements of an input.</param>
/// <param name="To">Elements of an output.</param>
/// <param name="Bias">Name.bias is added.</param>
/// <param name="Transposed">The weight lies as [in, out], as GPT-2's do, and not as [out, in].</param>
/// <param name="MayBeInt8">It is computed in 8-bit integers where that is the precision.</param>
internal sealed record Linear(string Name, int From, int To, bool Bias = false, bool Transposed = false, bool MayBeInt8 = true) : Layer
{
    public override Sym Call(Context context, Sym x)
    {
        var bias = Bias ? context.Parameter($"{Name}.bias", To) : null;
        return context.Adapt(Name, x, MayBeInt8 && context.Precision == Precision.Int8 ? Quantised(context.Graph, x, bias) : Exact(context, x, bias));
    }

    private Sym Exact(Context context, Sym x, Sym? bias)
    {
        var weight = Transposed ? context.Parameter($"{Name}.weight", From, To) : context.Parameter($"{Name}.weight", To, From);
        return context.Graph.Apply(new LinearMap(Transposed), bias is null ? [x, weight] : [x, weight, bias]);
    }

    private Sym Quantised(Graph graph, Sym x, Sym? bias)
    {
        var weight = graph.ApplyAll(new Int8Parameter($"{Name}.weight", From, To, Transposed));
        var y = graph.Apply(new Int8Product(), [.. graph.ApplyAll(new QuantizeRows(), x), .. weight]);
        return bias is null ? y : y + bias;
    }
}

/// <summary>Some of the outputs of a layer that does the work of several; it is computed once.</summary>
internal sealed record Part(Layer Whole, int Start, int Length) : Layer
{
    public override Sym Call(Context context, Sym x) => context.Graph.Apply(new Slice(Start, Start + Length), Whole.Call(context, x));
}

/// <summary>x times a number.</summary>
internal sealed record Scaled(float Factor) : Layer
{
    public override Sym Call(Context context, Sym x) => x * Factor;
}

/// <summary>cap · tanh(x / cap), which keeps x between -cap and cap.</summary>
internal sealed record SoftCap(float Cap) : Layer
{
    public override Sym Call(Context context, Sym x) => context.Graph.Apply(new Tanh(), x * (1 / Cap)) * Cap;
}

/// <summary>A function of each element by itself.</summary>
internal sealed record Activation(Operator Function) : Layer
{
    public override Sym Call(Context context, Sym x) => context.Graph.Apply(Function, x);
}

/// <summary>Root mean square normalisation with a learned scale.</summary>
/// <param name="Name">The module.</param>
/// <param name="Size">The innermost side.</param>
/// <param name="Epsilon">Added to the mean square.</param>
/// <param name="Offset">Added to the stored scale.</param>
internal sealed record RmsNorm(string Name, int Size, float Epsilon, float Offset = 0) : Layer
{
    public override Sym Call(Context context, Sym x)
    {
        var scale = context.Parameter($"{Name}.weight", Size);
        return context.Graph.Apply(new RootMeanSquare(Epsilon), x, Offset == 0 ? scale : context.Graph.Apply(new Shift(Offset), scale));
    }
}

/// <summary>Normalisation by mean and variance with a learned scale and bias (Ba et al., arXiv 1607.06450).</summary>
internal sealed record LayerNorm(string Name, int Size, float Epsilon) : Layer
{
    public override Sym Call(Context context, Sym x) => context.Graph.Apply(
        new MeanVariance(Epsilon), x, context.Parameter($"{Name}.weight", Size), context.Parameter($"{Name}.bias", Size));
}

/// <summary>A norm of each head by itself.</summary>
internal sealed record HeadNorm(Layer Norm, int HeadSize) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        Norm.Call(context, x.Reshape([x.Shape[0], x.Shape[1].Factor / HeadSize, HeadSize])).Reshape(x.Shape);
}

/// <summary>A gated feed-forward: down(activation(gate(x)) · up(x)) (Shazeer, arXiv 2002.05202).</summary>
internal sealed record GatedFeedForward(Layer Gate, Layer Up, Layer Down, Operator Activation) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        Down.Call(context, context.Graph.Apply(Activation, Gate.Call(context, x)) * Up.Call(context, x));
}
