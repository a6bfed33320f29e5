namespace Hindsight.Models;

/// <summary>
/// Root mean square normalisation of the innermost side, x / sqrt(mean(x²) + ε) · weight (Zhang and Sennrich, arXiv 1910.07467).
/// </summary>
internal sealed record RootMeanSquare(float Epsilon) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var x, { Shape: [var size] } weight] && x.Type == weight.Type && x.Shape[^1] == size, inputs);
        return [new(inputs[0].Type, inputs[0].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target == Target.Fused)
        {
            writer.Emit("SimplifiedLayerNormalization", node, ("axis", -1L), ("epsilon", Epsilon), ("stash_type", 1L));
            return;
        }

        var (x, weight) = (writer.InFloat32(node.Inputs[0]), writer.InFloat32(node.Inputs[1]));
        var meanSquare = writer.Apply("ReduceMean", [writer.Apply("Mul", [x, x])], ("axes", (long[])[-1]), ("keepdims", 1L));
        var root = writer.Apply("Sqrt", [writer.Apply("Add", [meanSquare, writer.Constant(Epsilon)])]);
        writer.EmitFromFloat32("Mul", [writer.Apply("Div", [x, root]), weight], node);
    }
}

/// <summary>
/// Normalisation of the innermost side by its mean and variance, (x - mean) / sqrt(variance + ε) · weight + bias (Ba et al., arXiv
/// 1607.06450).
/// </summary>
internal sealed record MeanVariance(float Epsilon) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var x, { Shape: [var size] } weight, var bias] && inputs.All(input => input.Type == x.Type) && x.Shape[^1] == size && bias.Shape.Equals(weight.Shape), inputs);
        return [new(inputs[0].Type, inputs[0].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target == Target.Fused)
        {
            writer.Emit("LayerNormalization", node, ("axis", -1L), ("epsilon", Epsilon), ("stash_type", 1L));
            return;
        }

        var (x, weight, bias) = (writer.InFloat32(node.Inputs[0]), writer.InFloat32(node.Inputs[1]), writer.InFloat32(node.Inputs[2]));
        string Mean(string of) => writer.Apply("ReduceMean", [of], ("axes", (long[])[-1]), ("keepdims", 1L));
        var centred = writer.Apply("Sub", [x, Mean(x)]);
        var root = writer.Apply("Sqrt", [writer.Apply("Add", [Mean(writer.Apply("Mul", [centred, centred])), writer.Constant(Epsilon)])]);
        var scaled = writer.Apply("Mul", [writer.Apply("Div", [centred, root]), weight]);
        writer.EmitFromFloat32("Add", [scaled, bias], node);
    }
}

/// <summary>exp(x) / Σ exp(x) over the innermost side.</summary>
internal sealed record Softmax : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Softmax", node, ("axis", -1L));
}
