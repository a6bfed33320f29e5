namespace Hindsight.Models;

/// <summary>x Wᵀ + b for rows x [n, in], W [out, in] as Hugging Face keeps it, and b [out] where there is one.</summary>
internal sealed record LinearMap : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 2 } x, { Shape.Count: 2 } w, ..] && x.Shape[1] == w.Shape[1]
            && (inputs.Count == 2 || (inputs.Count == 3 && inputs[2].Shape.Equals([w.Shape[0]]))),
            inputs);
        return [new(DType.Float32, [inputs[0].Shape[0], inputs[1].Shape[0]])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Gemm", node, ("transB", 1L));
}

/// <summary>Products of the matrices in the two innermost sides; all sides outside them are equal, or a is one matrix for all of b's.</summary>
internal sealed record MatMul : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape: var a }, { Shape: var b }] && a.Count >= 2 && b.Count >= a.Count
            && (a.Count == 2 || a.SkipLast(2).SequenceEqual(b.SkipLast(2))) && a[^1] == b[^2],
            inputs);
        return [new(DType.Float32, inputs[1].Shape.With(inputs[1].Shape.Count - 2, inputs[0].Shape[^2]))];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("MatMul", node);
}
