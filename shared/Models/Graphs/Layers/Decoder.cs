namespace Hindsight.Models;

/// <summary>A causal language model: from token ids to logits of the next token.</summary>
internal sealed record Decoder(Layer Embedding, IReadOnlyList<Layer> Blocks, Layer Norm, Layer Head)
{
    /// <returns>Logits, [selected, vocabulary].</returns>
    public Sym Logits(Context context)
    {
        var x = Blocks.Aggregate(Embedding.Call(context, context.Ids), (x, block) => block.Call(context, x));
        return Head.Call(context, Norm.Call(context, context.Graph.Apply(new Gather(), x, context.Selected)));
    }
}
