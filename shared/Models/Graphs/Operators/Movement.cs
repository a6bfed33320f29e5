namespace Hindsight.Models;

/// <summary>The same elements in the same order under another shape.</summary>
internal sealed record Reshape(Shape Shape) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var x] && x.Shape.Size == Shape.Size, inputs);
        return [new(inputs[0].Type, Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) =>
        writer.Emit("Reshape", [writer.Name(node.Inputs[0]), writer.ShapeTensor(Shape, node.Inputs[0].Shape)], [writer.Name(new(node, 0))]);
}

/// <summary>The sides in another order: side i of the result is side <c>Axes[i]</c> of the input.</summary>
internal sealed record Transpose(params IReadOnlyList<int> Axes) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [var x] && Axes.Order().SequenceEqual(Enumerable.Range(0, x.Shape.Count)), inputs);
        return [new(inputs[0].Type, [.. Axes.Select(axis => inputs[0].Shape[axis])])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) =>
        writer.Emit("Transpose", node, ("perm", Axes.Select(axis => (long)axis)));

    public bool Equals(Transpose? other) => other is not null && Axes.SequenceEqual(other.Axes);

    public override int GetHashCode() => Axes.Aggregate(Axes.Count, HashCode.Combine);
}

/// <summary>Rows of a table, [rows, ...], at the places of an integer tensor of any shape.</summary>
internal sealed record Gather : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [{ Shape.Count: > 0 }, { Type: DType.Int64 }], inputs);
        return [new(inputs[0].Type, [.. inputs[1].Shape, .. inputs[0].Shape.Skip(1)])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Gather", node, ("axis", 0L));
}

/// <summary>The innermost side made longer with zeros.</summary>
internal sealed record Pad(int To) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [{ Shape: [.., { IsKnown: true } side] }] && side.Factor <= To, inputs);
        return [new(inputs[0].Type, inputs[0].Shape.With(inputs[0].Shape.Count - 1, To))];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var shape = node.Inputs[0].Shape;
        var amounts = new long[2 * shape.Count];
        amounts[^1] = To - shape[^1].Factor;
        if (node.Types[0].Type == DType.BFloat16)
        {
            // ONNX Runtime pads no bfloat16.
            writer.EmitFromFloat32("Pad", [writer.InFloat32(node.Inputs[0]), writer.Constant(amounts)], node);
            return;
        }

        writer.Emit("Pad", [writer.Name(node.Inputs[0]), writer.Constant(amounts)], [writer.Name(new(node, 0))]);
    }
}

/// <summary>The elements of the innermost side from one on, up to another that is left out.</summary>
internal sealed record Slice(int From, int To) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [{ Shape: [.., { IsKnown: true } side] }] && From >= 0 && From < To && To <= side.Factor, inputs);
        return [new(inputs[0].Type, inputs[0].Shape.With(inputs[0].Shape.Count - 1, To - From))];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit(
        "Slice",
        [writer.Name(node.Inputs[0]), writer.Constant([(long)From]), writer.Constant([(long)To]), writer.Constant([-1L])],
        [writer.Name(new(node, 0))]);
}

/// <summary>Tensors one behind the other along the innermost side; all other sides are equal.</summary>
internal sealed record Concat : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs.Count > 0 && inputs.All(input =>
                input.Shape is [.., { IsKnown: true }] && input.Shape.SkipLast(1).SequenceEqual(inputs[0].Shape.SkipLast(1))),
            inputs);
        return [new(inputs[0].Type, inputs[0].Shape.With(inputs[0].Shape.Count - 1, inputs.Sum(input => input.Shape[^1].Factor)))];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Emit("Concat", node, ("axis", -1L));
}
