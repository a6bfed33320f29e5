namespace Hindsight.Models;

/// <summary>
/// A piece of a model, described once for every form: its settings and the names of its weights. Tokens are rows, [tokens, size].
/// </summary>
internal abstract record Layer
{
    public abstract Sym Call(Context context, Sym x);
}

/// <summary>Rows of a table at token ids.</summary>
internal sealed record Embedding(string Name, int Rows, int Size) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        context.Graph.Apply(new Gather(), context.Parameter($"{Name}.weight", Rows, Size), x);
}

/// <summary>A linear map, with a bias or without, and the adapters on it.</summary>
internal sealed record Linear(string Name, int From, int To, bool Bias = false) : Layer
{
    public override Sym Call(Context context, Sym x)
    {
        var weight = context.Parameter($"{Name}.weight", To, From);
        var y = Bias
            ? context.Graph.Apply(new LinearMap(), x, weight, context.Parameter($"{Name}.bias", To))
            : context.Graph.Apply(new LinearMap(), x, weight);
        return context.Adapt(Name, x, y);
    }
}

/// <summary>Root mean square normalisation with a learned scale.</summary>
internal sealed record RmsNorm(string Name, int Size, float Epsilon) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        context.Graph.Apply(new RootMeanSquare(Epsilon), x, context.Parameter($"{Name}.weight", Size));
}

/// <summary>A gated feed-forward: down(silu(gate(x)) · up(x)) (Shazeer, arXiv 2002.05202).</summary>
internal sealed record SwiGlu(Linear Gate, Linear Up, Linear Down) : Layer
{
    public override Sym Call(Context context, Sym x) =>
        Down.Call(context, context.Graph.Apply(new Silu(), Gate.Call(context, x)) * Up.Call(context, x));
}
