namespace Hindsight.Models;

/// <summary>
/// Causal self-attention with rotary positions, query heads in groups over the key-value heads. How a token reaches the tokens before
/// it (a cache, the whole sequence) is the context's matter.
/// </summary>
internal sealed record Attention(string Name, Heads Heads, Linear Query, Linear Key, Linear Value, Linear Output) : Layer
{
    public override Sym Call(Context context, Sym x) => Output.Call(
        context,
        context.Attend(Name, Heads, Query.Call(context, x), Key.Call(context, x), Value.Call(context, x)));
}

/// <summary>The division of an attention layer into heads.</summary>
internal readonly record struct Heads(int Queries, int KeyValues, int Size)
{
    /// <summary>The factor of query-key products before the softmax.</summary>
    public float Scale => (float)(1 / Math.Sqrt(Size));
}
