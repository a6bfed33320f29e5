using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>A parsed mathematical answer.</summary>
internal abstract record MathNode
{
    /// <summary>A number; <paramref name="Decimal"/> when it was written with a decimal point.</summary>
    public sealed record Number(Rational Value, bool Decimal) : MathNode;

    /// <summary>A letter or name without a value of its own, with its subscript.</summary>
    public sealed record Symbol(string Name) : MathNode;

    /// <summary>π, e or i.</summary>
    public sealed record Constant(string Name, Complex Value) : MathNode;

    /// <summary>An operator or function applied to its arguments: + - * / ^ ± neg ! binom root abs and the elementary functions by name.</summary>
    public sealed record Apply(string Name, MathNode First, MathNode? Second = null) : MathNode;

    /// <summary>A percentage.</summary>
    public sealed record Percent(MathNode Value) : MathNode;

    /// <summary>
    /// Several values: (a, b) or (a, b] with their brackets, {a, b} as "{}", a matrix row or matrix as "m", and a list without brackets as "".
    /// </summary>
    public sealed record Sequence(string Brackets, IReadOnlyList<MathNode> Items) : MathNode;

    /// <summary>A union of sets.</summary>
    public sealed record Union(IReadOnlyList<MathNode> Sets) : MathNode;

    /// <summary>A chain such as a &lt; b ≤ c: one operator fewer than terms.</summary>
    public sealed record Relation(IReadOnlyList<MathNode> Terms, IReadOnlyList<char> Operators) : MathNode;
}
