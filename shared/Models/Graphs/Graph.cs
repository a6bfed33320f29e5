namespace Hindsight.Models;

/// <summary>
/// A computation as nodes in an order in which they can be computed. A node that is asked for twice, with the same operator and the
/// same inputs, is the same node. A graph says nothing of weights: those are <see cref="Parameter"/>s, known by name and shape.
/// </summary>
internal sealed class Graph
{
    private readonly Dictionary<Node, Node> known = [];
    private readonly List<Node> nodes = [];
    private readonly List<(string Name, Sym Value)> outputs = [];

    public IReadOnlyList<Node> Nodes => nodes;

    public IReadOnlyList<(string Name, Sym Value)> Outputs => outputs;

    public IEnumerable<Parameter> Parameters => nodes.Select(node => node.Operator).OfType<Parameter>();

    public IEnumerable<Int8Parameter> Int8Parameters => nodes.Select(node => node.Operator).OfType<Int8Parameter>();

    public bool Takes(string input) => nodes.Any(node => node.Operator is Input { Name: var name } && name == input);

    /// <summary>The first result of an operator; most have one.</summary>
    public Sym Apply(Operator op, params IReadOnlyList<Sym> inputs) => ApplyAll(op, inputs)[0];

    public IReadOnlyList<Sym> ApplyAll(Operator op, params IReadOnlyList<Sym> inputs)
    {
        var node = new Node(this, nodes.Count, op, inputs, op.Infer(inputs));
        if (known.TryGetValue(node, out var same))
        {
            node = same;
        }
        else
        {
            known.Add(node, node);
            nodes.Add(node);
        }

        return [.. node.Types.Select((_, output) => new Sym(node, output))];
    }

    public void Output(string name, Sym value) => outputs.Add((name, value));
}

/// <summary>An operator applied to inputs. Equal operators on equal inputs make equal nodes, wherever they stand in the graph.</summary>
internal sealed class Node(Graph graph, int id, Operator op, IReadOnlyList<Sym> inputs, IReadOnlyList<TensorType> types) : IEquatable<Node>
{
    public Graph Graph => graph;

    public int Id => id;

    public Operator Operator => op;

    public IReadOnlyList<Sym> Inputs => inputs;

    public IReadOnlyList<TensorType> Types => types;

    public bool Equals(Node? other) => other is not null && op.Equals(other.Operator) && inputs.SequenceEqual(other.Inputs);

    public override bool Equals(object? other) => Equals(other as Node);

    public override int GetHashCode() =>
        inputs.Aggregate(op.GetHashCode(), (hash, input) => HashCode.Combine(hash, input.Node.Id, input.Index));
}

/// <summary>A value in a graph: one of a node's results.</summary>
internal sealed class Sym(Node node, int index) : IEquatable<Sym>
{
    public Node Node => node;

    public int Index => index;

    public DType Type => node.Types[index].Type;

    public Shape Shape => node.Types[index].Shape;

    public static Sym operator +(Sym a, Sym b) => a.Node.Graph.Apply(new Add(), a, b);

    public static Sym operator *(Sym a, Sym b) => a.Node.Graph.Apply(new Multiply(), a, b);

    public static Sym operator *(Sym a, float factor) => a.Node.Graph.Apply(new Scale(factor), a);

    public Sym Reshape(Shape shape) => node.Graph.Apply(new Reshape(shape), this);

    public Sym As(DType type) => type == Type ? this : node.Graph.Apply(new Cast(type), this);

    public Sym Transpose(params int[] axes) => node.Graph.Apply(new Transpose(axes), this);

    // Nodes of one graph are unique, so the identity of the node is its equality.
    public bool Equals(Sym? other) => other is not null && ReferenceEquals(node, other.Node) && index == other.Index;

    public override bool Equals(object? other) => Equals(other as Sym);

    public override int GetHashCode() => HashCode.Combine(node.Id, index);
}

internal readonly record struct TensorType(DType Type, Shape Shape);

/// <summary>How a graph is written as ONNX.</summary>
public enum Target
{
    /// <summary>ONNX Runtime's own operators where it has them: fast, for decoding.</summary>
    Fused,

    /// <summary>Operators of the ONNX standard alone: what the fused form is checked against.</summary>
    Plain,
}

/// <summary>
/// A function of tensors. Operators are records: those of equal settings are equal. Each knows the shapes of its results and how it is
/// written as ONNX; a rule of differentiation is a third thing an operator can know.
/// </summary>
internal abstract record Operator
{
    /// <summary>Types and shapes of the results.</summary>
    /// <exception cref="ArgumentException">The inputs do not fit together.</exception>
    public abstract IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs);

    public abstract void Lower(Node node, OnnxWriter writer, Target target);

    protected void Require(bool fits, IReadOnlyList<Sym> inputs)
    {
        if (!fits)
        {
            throw new ArgumentException($"{this} cannot take {string.Join(", ", inputs.Select(input => $"{input.Type} {input.Shape}"))}.");
        }
    }
}
