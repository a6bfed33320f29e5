using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Hindsight.Models.Onnx;

namespace Hindsight.Models;

/// <summary>
/// Writes a graph as an ONNX model (IR version 8, operator set 17, and ONNX Runtime's own set com.microsoft 1). Parameters become
/// initialisers whose values lie outside the model. The same graph always gives the same bytes.
/// </summary>
internal sealed class OnnxWriter
{
    /// <summary>The file that initialisers name as their place. Their values are handed over in memory; the file stays empty.</summary>
    public const string WeightsFile = "weights.bin";

    private const string Contrib = "com.microsoft";

    private readonly GraphProto proto = new() { Name = "model" };
    private readonly Dictionary<string, string> constants = [];
    private readonly Dictionary<string, (string Input, int Axis)> symbols = [];
    private readonly Dictionary<string, string> measured = [];
    private int temporaries;

    private readonly Dictionary<Sym, string> outputs;

    private OnnxWriter(Graph graph) => outputs = graph.Outputs.ToDictionary(output => output.Value, output => output.Name);

    public static byte[] Write(Graph graph, Target target)
    {
        var writer = new OnnxWriter(graph);
        foreach (var node in graph.Nodes)
        {
            node.Operator.Lower(node, writer, target);
        }

        foreach (var (name, value) in graph.Outputs)
        {
            writer.proto.Output.Add(ValueInfo(name, value.Type, value.Shape));
        }

        var model = new ModelProto { IrVersion = 8, ProducerName = "Hindsight", Graph = writer.proto };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        if (writer.proto.Node.Any(node => node.Domain == Contrib))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = Contrib, Version = 1 });
        }

        return model.ToByteArray();
    }

    /// <summary>The ONNX name of a value.</summary>
    public string Name(Sym value) => value.Node.Operator switch
    {
        Input input => input.Name,
        Parameter parameter => parameter.Name,
        AdapterParameter parameter => parameter.Name,
        Int8Parameter parameter => value.Index == 0 ? parameter.Codes : parameter.Scales,
        _ when outputs.TryGetValue(value, out var name) => name,
        // Both numbers are set off from each other and from the letters, or two values could come to share a name.
        var op => string.Create(CultureInfo.InvariantCulture, $"{op.GetType().Name}_{value.Node.Id}_{value.Index}"),
    };

    public void Input(string name, DType type, Shape shape)
    {
        proto.Input.Add(ValueInfo(name, type, shape));
        foreach (var (dim, axis) in shape.Select((dim, axis) => (dim, axis)))
        {
            // A symbol is measured on the first input that has it as a side of its own.
            if (dim.Symbols is [var symbol] && dim.Factor == 1)
            {
                symbols.TryAdd(symbol, (name, axis));
            }
        }
    }

    public void Parameter(string name, DType type, Shape shape)
    {
        var tensor = new TensorProto { Name = name, DataType = ElementType(type), DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.AddRange(shape.Select(dim => dim.Factor));
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = WeightsFile });
        proto.Initializer.Add(tensor);
    }

    /// <summary>Adds an ONNX node; a type with dots names its domain (<c>com.microsoft.QuickGelu</c>).</summary>
    public void Emit(string type, IEnumerable<string> inputs, IEnumerable<string> outputs, params IEnumerable<(string Name, object Value)> attributes)
    {
        var dot = type.LastIndexOf('.');
        var node = new NodeProto { OpType = type[(dot + 1)..], Domain = dot < 0 ? "" : type[..dot] };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Name = node.Output[0];
        node.Attribute.AddRange(attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));
        proto.Node.Add(node);
    }

    /// <summary>Adds the node that computes all results of <paramref name="node"/> from all its inputs.</summary>
    public void Emit(string type, Node node, params IEnumerable<(string Name, object Value)> attributes) =>
        Emit(type, node.Inputs.Select(Name), node.Types.Select((_, index) => Name(new Sym(node, index))), attributes);

    /// <summary>Adds a node with one result that has no name of its own in the graph.</summary>
    public string Apply(string type, IEnumerable<string> inputs, params IEnumerable<(string Name, object Value)> attributes)
    {
        var output = string.Create(CultureInfo.InvariantCulture, $"{type[(type.LastIndexOf('.') + 1)..]}.{temporaries++}");
        Emit(type, inputs, [output], attributes);
        return output;
    }

    public string Constant(float value) => Constant(TensorProto.Types.DataType.Float, [], [value]);

    /// <summary>A number in one of the types of floating-point tensors.</summary>
    public string Constant(float value, DType type)
    {
        if (type == DType.Float32)
        {
            return Constant(value);
        }

        Span<ushort> narrow = stackalloc ushort[1];
        ElementWise.Narrow([value], type, narrow);
        return Constant<ushort>(ElementType(type), [], narrow);
    }

    /// <summary>A value's name in float32, cast where it is of another type.</summary>
    public string InFloat32(Sym value) =>
        value.Type == DType.Float32 ? Name(value) : Apply("Cast", [Name(value)], ("to", (long)ElementType(DType.Float32)));

    /// <summary>Adds the node that computes the one result of <paramref name="node"/> from inputs in float32, and casts it to its type.</summary>
    public void EmitFromFloat32(string type, IEnumerable<string> inputs, Node node)
    {
        var result = new Sym(node, 0);
        if (result.Type == DType.Float32)
        {
            Emit(type, inputs, [Name(result)]);
        }
        else
        {
            Emit("Cast", [Apply(type, inputs)], [Name(result)], ("to", (long)ElementType(result.Type)));
        }
    }

    public string Constant(byte value) => Constant(TensorProto.Types.DataType.Uint8, [], [value]);

    public string Constant(long value) => Constant(TensorProto.Types.DataType.Int64, [], [value]);

    public string Constant(params ReadOnlySpan<long> values) => Constant(TensorProto.Types.DataType.Int64, [values.Length], values);

    /// <summary>
    /// The shape for a Reshape as a one-dimensional tensor. A side that stays in its place is copied (0), and of the sides that are not
    /// known one is left for ONNX to infer (-1), so that few shapes are computed when the graph runs.
    /// </summary>
    public string ShapeTensor(Shape shape, Shape before)
    {
        var copied = shape.Select((dim, axis) => axis < before.Count && dim == before[axis] && !dim.IsKnown ? 0 : dim).ToArray();
        var inferred = Array.FindIndex(copied, dim => !dim.IsKnown);
        var sides = copied.Select((dim, axis) => axis == inferred ? -1 : dim).ToArray();
        return sides.All(side => side.IsKnown)
            ? Constant([.. sides.Select(side => side.Factor)])
            : Apply("Concat", sides.Select(Side), ("axis", 0L));
    }

    /// <summary>One side of a shape as a tensor of one element.</summary>
    public string Side(Dim dim)
    {
        var factors = dim.Symbols.Select(Measure);
        if (dim.Factor != 1 || dim.IsKnown)
        {
            factors = factors.Prepend(Constant([dim.Factor]));
        }

        return factors.Aggregate((a, b) => Apply("Mul", [a, b]));
    }

    private string Measure(string symbol)
    {
        if (!measured.TryGetValue(symbol, out var name))
        {
            var (input, axis) = symbols[symbol];
            measured.Add(symbol, name = Apply("Gather", [Apply("Shape", [input]), Constant([axis])]));
        }

        return name;
    }

    private string Constant<T>(TensorProto.Types.DataType type, ReadOnlySpan<long> dims, ReadOnlySpan<T> values) where T : unmanaged
    {
        var tensor = new TensorProto { DataType = type, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)) };
        tensor.Dims.AddRange(dims.ToArray());
        var key = tensor.ToByteString().ToBase64();
        if (!constants.TryGetValue(key, out var name))
        {
            name = string.Create(CultureInfo.InvariantCulture, $"constant.{constants.Count}");
            constants.Add(key, name);
            tensor.Name = name;
            proto.Initializer.Add(tensor);
        }

        return name;
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case long number:
                attribute.Type = AttributeProto.Types.AttributeType.Int;
                attribute.I = number;
                break;
            case float number:
                attribute.Type = AttributeProto.Types.AttributeType.Float;
                attribute.F = number;
                break;
            case IEnumerable<long> numbers:
                attribute.Type = AttributeProto.Types.AttributeType.Ints;
                attribute.Ints.AddRange(numbers);
                break;
            default:
                throw new ArgumentException($"Attribute {name} cannot be a {value.GetType()}.", nameof(value));
        }

        return attribute;
    }

    private static ValueInfoProto ValueInfo(string name, DType type, Shape shape)
    {
        var sides = new TensorShapeProto();
        sides.Dim.AddRange(shape.Select(dim => dim.IsKnown
            ? new TensorShapeProto.Types.Dimension { DimValue = dim.Factor }
            : new TensorShapeProto.Types.Dimension { DimParam = dim.ToString() }));
        return new()
        {
            Name = name,
            Type = new() { TensorType = new() { ElemType = ElementType(type), Shape = sides } },
        };
    }

    // ONNX Runtime's element types have the numbers of the standard's.
    private static TensorProto.Types.DataType ElementType(DType type) => (TensorProto.Types.DataType)type.ElementType();
}
