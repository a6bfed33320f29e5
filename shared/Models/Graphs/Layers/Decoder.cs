namespace Hindsight.Models;

/// <summary>x + attention(norm(x)), then x + feedForward(norm(x)).</summary>
internal sealed record DecoderBlock(Layer AttentionNorm, Layer Attention, Layer FeedForwardNorm, Layer FeedForward) : Layer
{
    public override Sym Call(Context context, Sym x)
    {
        x += Attention.Call(context, AttentionNorm.Call(context, x));
        return x + FeedForward.Call(context, FeedForwardNorm.Call(context, x));
    }
}

/// <summary>A causal language model: from token ids to logits of the next token.</summary>
internal sealed record Decoder(Layer Embedding, IReadOnlyList<Layer> Blocks, Layer Norm, Layer Head)
{
    /// <summary>The decoder that a config describes, with the tensor names of its family.</summary>
    public static Decoder Of(ModelConfig config) => config.Architecture switch
    {
        Architecture.Llama => Llama.Describe(config),
        Architecture.Qwen2 => Qwen2.Describe(config),
        _ => throw new NotSupportedException($"There is no graph for {config.Architecture}."),
    };

    /// <returns>Logits, [selected, vocabulary].</returns>
    public Sym Logits(Context context)
    {
        var x = Blocks.Aggregate(Embedding.Call(context, context.Ids), (x, block) => block.Call(context, x));
        return Head.Call(context, Norm.Call(context, context.Graph.Apply(new Gather(), x, context.Selected)));
    }
}
