using System.Buffers;
using System.Numerics.Tensors;

namespace Hindsight.Models;

/// <summary>W + scale · B A (Hu et al., arXiv 2106.09685), for one weight of the base.</summary>
/// <param name="Module">The module that the weight belongs to.</param>
/// <param name="Tensor">The weight's name.</param>
/// <param name="Rank">The rank, at least 1.</param>
/// <param name="Down">A, [rank, in].</param>
/// <param name="Up">B, [out, rank].</param>
/// <param name="Scale">The factor of the product.</param>
/// <param name="InputsFirst">The weight is kept as [in, out], as embeddings and Conv1D are; else as [out, in].</param>
internal sealed record LowRankUpdate(string Module, string Tensor, int Rank, StoredTensor Down, StoredTensor Up, double Scale, bool InputsFirst)
    : WeightUpdate(Tensor)
{
    private long From => Down.Info.Shape[1];

    private long To => Up.Info.Shape[0];

    /// <summary>A as float32, row-major.</summary>
    /// <exception cref="InvalidDataException">An element is not finite.</exception>
    public float[] ReadDown() => Values(Down);

    /// <summary>B as float32, row-major.</summary>
    /// <exception cref="InvalidDataException">An element is not finite.</exception>
    public float[] ReadUp() => Values(Up);

    public override void AddTo(Span<double> target, long start, double weight)
    {
        var (columns, factor) = (InputsFirst ? To : From, weight * Scale);
        var (firstRow, lastRow) = (start / columns, (start + target.Length - 1) / columns);
        var down = Factor(Down);
        var up = Factor(Up);
        var right = ArrayPool<double>.Shared.Rent(checked((int)(Rank * columns)));
        try
        {
            Right(down, up, right);
            for (var row = firstRow; row <= lastRow; row++)
            {
                var begin = Math.Max(start, row * columns);
                var end = Math.Min(start + target.Length, (row + 1) * columns);
                var part = target.Slice((int)(begin - start), (int)(end - begin));
                for (var k = 0; k < Rank; k++)
                {
                    var left = InputsFirst ? down[(int)((k * From) + row)] : up[(int)((row * Rank) + k)];
                    var ofRank = right.AsSpan((int)((k * columns) + (begin % columns)), part.Length);
                    TensorPrimitives.MultiplyAdd(ofRank, factor * left, part, part);
                }
            }
        }
        finally
        {
            ArrayPool<double>.Shared.Return(right);
        }
    }

    // [rank, columns] of the weight as it is kept.
    private void Right(ReadOnlySpan<float> down, ReadOnlySpan<float> up, Span<double> right)
    {
        if (!InputsFirst)
        {
            TensorPrimitives.ConvertTruncating(down, right[..down.Length]);
            return;
        }

        for (var column = 0; column < To; column++)
        {
            for (var k = 0; k < Rank; k++)
            {
                right[(int)((k * To) + column)] = up[(column * Rank) + k];
            }
        }
    }

    private static float[] Values(StoredTensor tensor)
    {
        var values = new float[tensor.Info.Elements];
        tensor.ReadInto(0, values);
        return values;
    }

    private static ReadOnlySpan<float> Factor(StoredTensor tensor)
    {
        var length = checked((int)tensor.Info.Elements);
        return tensor.Read(0, length, tensor.IsUsableInPlace ? default : new float[length]);
    }
}
