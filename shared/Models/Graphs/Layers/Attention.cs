namespace Hindsight.Models;

/// <summary>
/// Causal self-attention, query heads in groups over the key-value heads. How a token reaches the tokens before it (a cache, the whole
/// sequence) is the context's matter.
/// </summary>
internal sealed record Attention(string Name, Heads Heads, Layer Query, Layer Key, Layer Value, Layer Output) : Layer
{
    public override Sym Call(Context context, Sym x) => Output.Call(
        context,
        context.Attend(Name, Heads, Query.Call(context, x), Key.Call(context, x), Value.Call(context, x)));
}

/// <summary>The division of an attention layer into heads, and what each head sees.</summary>
/// <param name="Queries">Query heads.</param>
/// <param name="KeyValues">Key-value heads, each shared by a group of query heads.</param>
/// <param name="Size">Elements of a head.</param>
/// <param name="Scale">The factor of query-key products before the softmax.</param>
/// <param name="Rotary">How queries and keys are turned by position; null for not at all.</param>
/// <param name="Cap">The cap c of c · tanh(x / c) on scaled products; null for none.</param>
/// <param name="Window">How many tokens a token attends to, itself the last; null for all.</param>
internal sealed record Heads(int Queries, int KeyValues, int Size, float Scale, RotaryEmbedding? Rotary, float? Cap, int? Window)
{
    public static Heads Of(ModelConfig config, int layer) => new(
        config.Heads, config.KeyValueHeads, config.HeadSize, (float)config.AttentionScale, config.Rotary, (float?)config.AttentionCap,
        // A window as long as the longest sequence hides nothing.
        config.Windows[layer] < config.MaxPositions ? config.Windows[layer] : null);
}
