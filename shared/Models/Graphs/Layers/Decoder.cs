namespace Hindsight.Models;

/// <summary>A causal model: from token ids to logits of the next token, or to what another head gives.</summary>
internal sealed record Decoder(Layer Embedding, IReadOnlyList<Layer> Blocks, Layer Norm, Layer Head)
{
    /// <returns>[selected, outputs].</returns>
    public Sym Logits(Context context)
    {
        var x = Blocks.Aggregate(Embedding.Call(context, context.Ids), (x, block) => block.Call(context, x));
        return Head.Call(context, Norm.Call(context, context.Graph.Apply(new Gather(), x, context.Selected)));
    }
}
