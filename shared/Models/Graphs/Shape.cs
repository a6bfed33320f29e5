using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Hindsight.Models;

internal enum DType { Float32, Int32, Int64, Int8, UInt8, Float16, BFloat16 }

/// <summary>
/// One side of a tensor: a whole number times symbols whose values are known only when the graph runs, such as <c>batch·sequence</c>.
/// </summary>
internal readonly record struct Dim
{
    private readonly string? symbols;

    private Dim(long factor, string symbols) => (Factor, this.symbols) = (factor, symbols);

    public long Factor { get; }

    public bool IsKnown => string.IsNullOrEmpty(symbols);

    public IReadOnlyList<string> Symbols => IsKnown ? [] : symbols!.Split('·');

    public static Dim Named(string symbol) => new(1, symbol);

    public static implicit operator Dim(long size) => new(size, "");

    public static Dim operator *(Dim a, Dim b) =>
        new(a.Factor * b.Factor, string.Join('·', a.Symbols.Concat(b.Symbols).Order(StringComparer.Ordinal)));

    public override string ToString() =>
        IsKnown ? Factor.ToString(CultureInfo.InvariantCulture) : Factor == 1 ? symbols! : $"{Factor}·{symbols}";
}

/// <summary>The sides of a tensor, outermost first. Two shapes are equal when all sides are.</summary>
[CollectionBuilder(typeof(Shape), nameof(Of))]
internal sealed class Shape : IReadOnlyList<Dim>, IEquatable<Shape>
{
    private readonly Dim[] dims;

    private Shape(Dim[] dims) => this.dims = dims;

    public static Shape Of(ReadOnlySpan<Dim> dims) => new(dims.ToArray());

    public int Count => dims.Length;

    public Dim this[int axis] => dims[axis];

    /// <summary>The number of elements.</summary>
    public Dim Size => dims.Aggregate((Dim)1, (size, dim) => size * dim);

    public Shape With(int axis, Dim dim)
    {
        var changed = (Dim[])dims.Clone();
        changed[axis] = dim;
        return new(changed);
    }

    public bool Equals(Shape? other) => other is not null && dims.AsSpan().SequenceEqual(other.dims);

    public override bool Equals(object? other) => Equals(other as Shape);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var dim in dims)
        {
            hash.Add(dim);
        }

        return hash.ToHashCode();
    }

    public IEnumerator<Dim> GetEnumerator() => ((IEnumerable<Dim>)dims).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"[{string.Join(", ", dims)}]";
}
