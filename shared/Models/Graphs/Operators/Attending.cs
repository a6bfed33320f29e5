namespace Hindsight.Models;

/// <summary>
/// Rotary position embedding (Su et al., arXiv 2104.09864), in the half-split layout of Hugging Face: element i turns with element
/// i + size/2. Inputs: x [batch, heads, sequence, size]; cosines and sines of the angles, [sequence, size/2] each.
/// </summary>
internal sealed record RotaryTurn : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 4 } x, { Shape.Count: 2 } cos, { Shape.Count: 2 } sin] && cos.Shape.Equals(sin.Shape)
            && x.Shape[2] == cos.Shape[0] && x.Shape[3] == cos.Shape[1] * 2,
            inputs);
        return [new(DType.Float32, inputs[0].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var (x, cos, sin) = (writer.Name(node.Inputs[0]), writer.Name(node.Inputs[1]), writer.Name(node.Inputs[2]));
        var half = node.Inputs[1].Shape[1].Factor;
        string Part(long from, long to) => writer.Apply("Slice", [x, writer.Constant([from]), writer.Constant([to]), writer.Constant([3L])]);
        string Times(string a, string b) => writer.Apply("Mul", [a, b]);
        var (first, second) = (Part(0, half), Part(half, 2 * half));
        var turnedFirst = writer.Apply("Sub", [Times(first, cos), Times(second, sin)]);
        var turnedSecond = writer.Apply("Add", [Times(second, cos), Times(first, sin)]);
        writer.Emit("Concat", [turnedFirst, turnedSecond], [writer.Name(new(node, 0))], ("axis", -1L));
    }
}

/// <summary>[length, length]: 0 where the column is not later than the row, minus infinity elsewhere; to be added to attention scores.</summary>
internal sealed record CausalMask(Dim Length) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(DType.Float32, [Length, Length])];

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var length = writer.Side(Length);
        var scalar = writer.Apply("Reshape", [length, writer.Constant(ReadOnlySpan<long>.Empty)]);
        var columns = writer.Apply("Range", [writer.Constant(0L), scalar, writer.Constant(1L)]);
        var rows = writer.Apply("Reshape", [columns, writer.Constant([-1L, 1L])]);
        var seen = writer.Apply("LessOrEqual", [columns, rows]);
        writer.Emit("Where", [seen, writer.Constant(0f), writer.Constant(float.NegativeInfinity)], [writer.Name(new(node, 0))]);
    }
}

/// <summary>
/// Rotary embedding, causal attention of query heads in groups over fewer key-value heads (Ainslie et al., arXiv 2305.13245) and the
/// cache of keys and values, as ONNX Runtime's GroupQueryAttention does them in one operator; there is no plain form.
/// Inputs: queries [batch, sequence, heads·size]; keys and values [batch, sequence, kvHeads·size]; cached keys and values
/// [batch, kvHeads, capacity, size]; for each row its length with the new tokens, less one; the greatest length; cosines and sines
/// [positions, size/2]. Results: what each token gathered, and the caches with the new tokens.
/// </summary>
internal sealed record GroupQueryAttention(int Heads, int KeyValueHeads, int HeadSize, float Scale) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 3 } q, { Shape.Count: 3 } k, { Shape.Count: 3 } v, { Shape.Count: 4 } pastK, { Shape.Count: 4 } pastV,
                { Type: DType.Int32, Shape.Count: 1 }, { Type: DType.Int32, Shape.Count: 0 }, { Shape.Count: 2 } cos, { Shape.Count: 2 } sin]
            && q.Shape[2] == Heads * HeadSize && k.Shape[2] == KeyValueHeads * HeadSize && v.Shape.Equals(k.Shape)
            && pastK.Shape[1] == KeyValueHeads && pastK.Shape[3] == HeadSize && pastV.Shape.Equals(pastK.Shape)
            && cos.Shape[1] * 2 == HeadSize && sin.Shape.Equals(cos.Shape),
            inputs);
        return [new(DType.Float32, inputs[0].Shape), new(DType.Float32, inputs[3].Shape), new(DType.Float32, inputs[4].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target != Target.Fused)
        {
            throw new NotSupportedException("Attention over a cache has only a fused form; the plain form attends over whole sequences.");
        }

        writer.Emit(
            "com.microsoft.GroupQueryAttention", node,
            ("num_heads", (long)Heads), ("kv_num_heads", (long)KeyValueHeads), ("scale", Scale), ("do_rotary", 1L), ("rotary_interleaved", 0L));
    }
}
