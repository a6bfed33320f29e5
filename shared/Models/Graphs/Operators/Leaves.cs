namespace Hindsight.Models;

/// <summary>A tensor that is given at every run.</summary>
internal sealed record Input(string Name, DType Type, Shape Shape) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(Type, Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Input(Name, Type, Shape);
}

/// <summary>A tensor of an <see cref="AdapterStack"/>, by its name there.</summary>
internal sealed record AdapterParameter(string Name, Shape Shape, DType Type) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(Type, Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Parameter(Name, Type, Shape);
}

/// <summary>A weight in floating point, by its Hugging Face name.</summary>
internal sealed record Parameter(string Name, Shape Shape, DType Type = DType.Float32) : Operator
{
    public override IReadOnlyList<TensorType> Infer(IReadOnlyList<Sym> inputs) => [new(Type, Shape)];

    public override void Lower(Node node, OnnxWriter writer, Target target) => writer.Parameter(Name, Type, Shape);
}
