namespace Hindsight.Models;

/// <summary>
/// x Wᵀ + b for rows x [n, in], W [out, in] as Hugging Face keeps most, and b [out] where there is one; x W + b for a transposed one,
/// W [in, out].
/// </summary>
internal sealed record LinearMap(bool Transposed = false) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        var (from, to) = Transposed ? (0, 1) : (1, 0);
        Require(
            inputs is [{ Shape.Count: 2 } x, { Shape.Count: 2 } w, ..] && inputs.All(input => input.Type == x.Type) && x.Shape[1] == w.Shape[from]
            && (inputs.Count == 2 || (inputs.Count == 3 && inputs[2].Shape.Equals([w.Shape[to]]))),
            inputs);
        return [new(inputs[0].Type, [inputs[0].Shape[0], inputs[1].Shape[to]])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Gemm", node, ("transB", Transposed ? 0L : 1L));
}

/// <summary>Products of the matrices in the two innermost sides; all sides outside them are equal, or a is one matrix for all of b's.</summary>
internal sealed record MatMul : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape: var a, Type: var type }, { Shape: var b }] && inputs[1].Type == type && a.Count >= 2 && b.Count >= a.Count
            && (a.Count == 2 || a.SkipLast(2).SequenceEqual(b.SkipLast(2))) && a[^1] == b[^2],
            inputs);
        return [new(inputs[1].Type, inputs[1].Shape.With(inputs[1].Shape.Count - 2, inputs[0].Shape[^2]))];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("MatMul", node);
}
