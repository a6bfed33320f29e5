namespace Hindsight.Models;

/// <summary>a + b, where b has the shape of a or of a's innermost sides.</summary>
internal sealed record Add : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var a, var b] && a.Type == b.Type && a.Shape.TakeLast(b.Shape.Count).SequenceEqual(b.Shape), inputs);
        return [inputs[0].Node.Types[inputs[0].Index]];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Add", node);
}

/// <summary>a · b, element by element, of equal shapes.</summary>
internal sealed record Multiply : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var a, var b] && a.Type == b.Type && a.Shape.Equals(b.Shape), inputs);
        return [inputs[0].Node.Types[inputs[0].Index]];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Mul", node);
}

/// <summary>A tensor times a number that is known when the graph is built.</summary>
internal sealed record Scale(float Factor) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) =>
        writer.Emit("Mul", [writer.Name(node.Inputs[0]), writer.Constant(Factor, node.Types[0].Type)], [writer.Name(new(node, 0))]);
}

/// <summary>A tensor plus a number that is known when the graph is built.</summary>
internal sealed record Shift(float By) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) =>
        writer.Emit("Add", [writer.Name(node.Inputs[0]), writer.Constant(By, node.Types[0].Type)], [writer.Name(new(node, 0))]);
}

/// <summary>The same numbers in another type, rounded to the nearest where it has fewer bits.</summary>
internal sealed record Cast(DType To) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(To, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Cast", node, ("to", (long)To.ElementType()));
}

/// <summary>max(x, 0).</summary>
internal sealed record Relu : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Relu", node);
}

/// <summary>The hyperbolic tangent.</summary>
internal sealed record Tanh : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Tanh", node);
}

/// <summary>The sigmoid linear unit, x / (1 + exp(-x)).</summary>
internal sealed record Silu : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

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

/// <summary>
/// The Gaussian error linear unit with the tangent in place of the error function, x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
/// (Hendrycks and Gimpel, arXiv 1606.08415).
/// </summary>
internal sealed record TanhGelu : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(inputs[0].Type, inputs[0].Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target == Target.Fused)
        {
            writer.Emit("com.microsoft.FastGelu", node);
            return;
        }

        var x = writer.InFloat32(node.Inputs[0]);
        string Times(string a, string b) => writer.Apply("Mul", [a, b]);
        var cubic = writer.Apply("Add", [x, Times(Times(Times(x, x), x), writer.Constant(0.044715f))]);
        var tangent = writer.Apply("Tanh", [Times(cubic, writer.Constant((float)Math.Sqrt(2 / Math.PI)))]);
        writer.EmitFromFloat32("Mul", [Times(x, writer.Constant(0.5f)), writer.Apply("Add", [tangent, writer.Constant(1f)])], node);
    }
}
