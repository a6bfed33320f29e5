namespace Hindsight.Models;

/// <summary>
/// A linear map's weight as integers from -127 to 127 and a scale for each output. Results: codes [from, to], scales [to];
/// weight[output, input] ≈ codes[input, output] · scales[output].
/// </summary>
/// <param name="Name">The float32 weight by its Hugging Face name.</param>
/// <param name="From">Inputs.</param>
/// <param name="To">Outputs.</param>
/// <param name="InputsFirst">The float32 weight lies as [in, out], not as [out, in].</param>
internal sealed record Int8Parameter(string Name, int From, int To, bool InputsFirst) : Operator
{
    public string Codes => $"{Name}.int8";

    public string Scales => $"{Name}.int8_scale";

    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(DType.Int8, [From, To]), new(DType.Float32, [To])];

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        writer.Parameter(Codes, DType.Int8, [From, To]);
        writer.Parameter(Scales, DType.Float32, [To]);
    }
}

/// <summary>
/// Rows x [n, size] as integers with a scale for each row, the greatest magnitude over 127: codes [n, size] around 128, scales [n, 1].
/// A row's codes are its own matter, unlike those of ONNX's DynamicQuantizeLinear, which has one scale for all rows.
/// </summary>
internal sealed record QuantizeRows : Operator
{
    public const int Middle = 128;

    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(inputs is [{ Shape.Count: 2, Type: DType.Float32 }], inputs);
        return [new(DType.UInt8, inputs[0].Shape), new(DType.Float32, [inputs[0].Shape[0], 1])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var x = writer.Name(node.Inputs[0]);
        var greatest = writer.Apply("ReduceMax", [writer.Apply("Abs", [x])], ("axes", (long[])[-1]), ("keepdims", 0L));
        // A row of zeros has a scale too.
        var scale = writer.Apply("Mul", [writer.Apply("Max", [greatest, writer.Constant(1e-20f)]), writer.Constant(1f / 127)]);
        var middles = writer.Apply("Expand", [writer.Constant((byte)Middle), writer.Apply("Shape", [scale])]);
        writer.Emit("QuantizeLinear", [x, scale, middles], [writer.Name(new(node, 0))], ("axis", 0L));
        writer.Emit("Unsqueeze", [scale, writer.Constant([1L])], [writer.Name(new(node, 1))]);
    }
}

/// <summary>x Wᵀ for rows as <see cref="QuantizeRows"/> and a weight as <see cref="Int8Parameter"/> have them, exact in integers until the scales.</summary>
internal sealed record Int8Product : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Type: DType.UInt8 } x, { Shape.Count: 2 }, { Type: DType.Int8 } w, { Shape.Count: 1 }] && x.Shape[1] == w.Shape[0], inputs);
        return [new(DType.Float32, [inputs[0].Shape[0], inputs[2].Shape[1]])];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var (codes, rowScales, weight, scales) = (writer.Name(node.Inputs[0]), writer.Name(node.Inputs[1]), writer.Name(node.Inputs[2]), writer.Name(node.Inputs[3]));
        var product = target == Target.Fused
            ? writer.Apply(
                "com.microsoft.MatMulIntegerToFloat",
                [codes, weight, writer.Constant(1f), scales, writer.Constant((byte)QuantizeRows.Middle)])
            : writer.Apply(
                "Mul",
                [
                    writer.Apply("Cast", [writer.Apply("MatMulInteger", [codes, weight, writer.Constant((byte)QuantizeRows.Middle)])], ("to", 1L)),
                    scales,
                ]);
        writer.Emit("Mul", [product, rowScales], [writer.Name(new(node, 0))]);
    }
}
