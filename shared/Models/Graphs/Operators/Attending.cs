namespace Hindsight.Models;

/// <summary>
/// Rotary position embedding (Su et al., arXiv 2104.09864), in the half-split layout of Hugging Face: element i turns with element
/// i + size/2 of the part that turns, the first elements of a head. Inputs: x [batch, heads, sequence, headSize]; cosines and sines of
/// the angles, [sequence, size/2] each.
/// </summary>
internal sealed record RotaryTurn : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 4 } x, { Shape.Count: 2 } cos, { Shape.Count: 2 } sin] && cos.Shape.Equals(sin.Shape)
            && x.Shape[2] == cos.Shape[0] && x.Shape[3].Factor >= cos.Shape[1].Factor * 2,
            inputs);
        return [new(inputs[0].Type, inputs[0].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var (x, cos, sin) = (writer.Name(node.Inputs[0]), writer.Name(node.Inputs[1]), writer.Name(node.Inputs[2]));
        var (half, size) = (node.Inputs[1].Shape[1].Factor, node.Inputs[0].Shape[3].Factor);
        string Part(long from, long to) => writer.Apply("Slice", [x, writer.Constant([from]), writer.Constant([to]), writer.Constant([3L])]);
        string Times(string a, string b) => writer.Apply("Mul", [a, b]);
        var (first, second) = (Part(0, half), Part(half, 2 * half));
        var turnedFirst = writer.Apply("Sub", [Times(first, cos), Times(second, sin)]);
        var turnedSecond = writer.Apply("Add", [Times(second, cos), Times(first, sin)]);
        string[] rest = size == 2 * half ? [] : [Part(2 * half, size)];
        writer.Emit("Concat", [turnedFirst, turnedSecond, .. rest], [writer.Name(new(node, 0))], ("axis", -1L));
    }
}

/// <summary>
/// [length, length]: 0 where the column is not later than the row and, with a window, fewer than that many places before it; minus
/// infinity elsewhere. To be added to attention scores.
/// </summary>
internal sealed record CausalMask(Dim Length, int? Window, DType Type) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(Type, [Length, Length])];

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        var length = writer.Side(Length);
        var scalar = writer.Apply("Reshape", [length, writer.Constant(ReadOnlySpan<long>.Empty)]);
        var columns = writer.Apply("Range", [writer.Constant(0L), scalar, writer.Constant(1L)]);
        var rows = writer.Apply("Reshape", [columns, writer.Constant([-1L, 1L])]);
        var seen = writer.Apply("LessOrEqual", [columns, rows]);
        if (Window is { } window)
        {
            var near = writer.Apply("Less", [writer.Apply("Sub", [rows, columns]), writer.Constant((long)window)]);
            seen = writer.Apply("And", [seen, near]);
        }

        writer.Emit("Where", [seen, writer.Constant(0f, Type), writer.Constant(float.NegativeInfinity, Type)], [writer.Name(new(node, 0))]);
    }
}

/// <summary>
/// Rotary position embedding at given rows of the table, as ONNX Runtime does it; there is no plain form. Inputs: x [batch, sequence,
/// heads·headSize]; for each token its row, [batch, sequence]; cosines and sines [rows, size/2].
/// </summary>
internal sealed record RotaryTurnAt(int Heads) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 3 } x, { Type: DType.Int64, Shape.Count: 2 } rows, { Shape.Count: 2 } cos, { Shape.Count: 2 } sin]
            && x.Shape.Take(2).SequenceEqual(rows.Shape) && x.Shape[2].Factor >= Heads * 2 * cos.Shape[1].Factor && sin.Shape.Equals(cos.Shape),
            inputs);
        return [new(inputs[0].Type, inputs[0].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target != Target.Fused)
        {
            throw new NotSupportedException("Turning at given rows has only a fused form; the plain form turns whole sequences.");
        }

        writer.Emit(
            "com.microsoft.RotaryEmbedding", node,
            ("num_heads", (long)Heads), ("rotary_embedding_dim", 2 * node.Inputs[2].Shape[1].Factor), ("interleaved", 0L));
    }
}

/// <summary>
/// Causal attention of query heads in groups over fewer key-value heads (Ainslie et al., arXiv 2305.13245) and the cache of keys and
/// values, as ONNX Runtime's GroupQueryAttention does them in one operator, with rotary embedding where it is given cosines and sines;
/// there is no plain form.
/// Inputs: queries [batch, sequence, heads·size]; keys and values [batch, sequence, kvHeads·size]; cached keys and values
/// [batch, kvHeads, capacity, size]; for each row its length with the new tokens, less one; the greatest length; cosines and sines
/// [positions, at most size/2] where it turns. Results: what each token gathered, and the caches with the new tokens.
/// </summary>
/// <param name="Heads">The heads; their own size and rotary embedding do not count.</param>
/// <param name="Size">The size of a head here.</param>
internal sealed record GroupQueryAttention(Heads Heads, int Size) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs)
    {
        Require(
            inputs is [{ Shape.Count: 3 } q, { Shape.Count: 3 } k, { Shape.Count: 3 } v, { Shape.Count: 4 } pastK, { Shape.Count: 4 } pastV,
                { Type: DType.Int32, Shape.Count: 1 }, { Type: DType.Int32, Shape.Count: 0 }, ..]
            && q.Shape[2] == Heads.Queries * Size && k.Shape[2] == Heads.KeyValues * Size && v.Shape.Equals(k.Shape)
            && inputs.Where((_, index) => index is not (5 or 6)).All(input => input.Type == q.Type)
            && pastK.Shape[1] == Heads.KeyValues && pastK.Shape[3] == Size && pastV.Shape.Equals(pastK.Shape)
            && (inputs.Count == 7
                || (inputs.Count == 9 && inputs[7].Shape is [_, { } half] && half.Factor * 2 <= Size && inputs[8].Shape.Equals(inputs[7].Shape))),
            inputs);
        return [new(inputs[0].Type, inputs[0].Shape), new(inputs[0].Type, inputs[3].Shape), new(inputs[0].Type, inputs[4].Shape)];
    }

    public override void Lower(Node node, OnnxWriter writer, Target target)
    {
        if (target != Target.Fused)
        {
            throw new NotSupportedException("Attention over a cache has only a fused form; the plain form attends over whole sequences.");
        }

        List<(string, object)> attributes =
        [
            ("num_heads", (long)Heads.Queries), ("kv_num_heads", (long)Heads.KeyValues), ("scale", Heads.Scale),
            ("do_rotary", node.Inputs.Count == 9 ? 1L : 0L), ("rotary_interleaved", 0L),
        ];
        if (Heads.Cap is { } cap)
        {
            attributes.Add(("softcap", cap));
        }

        if (Heads.Window is { } window)
        {
            attributes.Add(("local_window_size", (long)window));
        }

        writer.Emit("com.microsoft.GroupQueryAttention", node, attributes);
    }
}
