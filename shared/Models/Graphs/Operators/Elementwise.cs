namespace Hindsight.Models;

/// <summary>a + b, where b has the shape of a or of a's innermost sides.</summary>
internal sealed record Add : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var a, var b] && a.Shape.TakeLast(b.Shape.Count).SequenceEqual(b.Shape), inputs);
        return [inputs[0].Node.Types[inputs[0].Index]];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Add", node);
}

/// <summary>a · b, element by element, of equal shapes.</summary>
internal sealed record Multiply : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var a, var b] && a.Shape.Equals(b.Shape), inputs);
        return [inputs[0].Node.Types[inputs[0].Index]];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Mul", node);
}

/// <summary>A tensor times a number that is known when the graph is built.</summary>
internal sealed record Scale(float Factor) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(DType.Float32, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) =>
        writer.Emit("Mul", [writer.Name(node.Inputs[0]), writer.Constant(Factor)], [writer.Name(new(node, 0))]);
}

/// <summary>The sigmoid linear unit, x / (1 + exp(-x)).</summary>
internal sealed record Silu : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(DType.Float32, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target == Target.Fused)
        {
            // x · sigmoid(1 · x) in one pass over x.
            writer.Emit("com.microsoft.QuickGelu", node, ("alpha", 1f));
            return;
        }

        var x = writer.Name(node.Inputs[0]);
        writer.Emit("Mul", [x, writer.Apply("Sigmoid", [x])], [writer.Name(new(node, 0))]);
    }
}
