namespace Hindsight.Models;

/// <summary>What an adapter adds to one weight of its base.</summary>
/// <param name="Tensor">The weight's name.</param>
internal abstract record WeightUpdate(string Tensor)
{
    /// <summary>Adds weight · update to the elements of the weight from <paramref name="start"/> on, every term in double.</summary>
    /// <exception cref="InvalidDataException">An element of the adapter is not finite.</exception>
    public abstract void AddTo(Span<double> target, long start, double weight);
}

/// <summary>b + scale · v: the bias that an adapter's up-projection has of its own (lora_bias).</summary>
/// <param name="Tensor">The name of the base's bias.</param>
/// <param name="Values">v, [out].</param>
/// <param name="Scale">The factor, that of the low-rank update beside it.</param>
internal sealed record BiasUpdate(string Tensor, StoredTensor Values, double Scale) : WeightUpdate(Tensor)
{
    public override void AddTo(Span<double> target, long start, double weight)
    {
        var values = new float[target.Length];
        Values.ReadInto(start, values);
        for (var index = 0; index < values.Length; index++)
        {
            target[index] += weight * Scale * values[index];
        }
    }
}
