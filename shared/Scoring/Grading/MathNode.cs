using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>A parsed mathematical answer.</summary>
internal abstract record MathNode
{
    /// <summary>All real numbers, the set without elements, and the bound of an interval without one.</summary>
    public static readonly Symbol Reals = new("ℝ"), Nothing = new("∅"), Infinity = new("infty");

    /// <summary>A number; <paramref name="Decimal"/> when it was written with a decimal point.</summary>
    public sealed record Number(Rational Value, bool Decimal = false) : MathNode;

    /// <summary>A letter or name without a value of its own, with its subscript.</summary>
    public sealed record Symbol(string Name) : MathNode;

    /// <summary>π, e or i.</summary>
    public sealed record Constant(string Name, Complex Value) : MathNode;

    /// <summary>An operator or function applied to its arguments: + - * / ^ ± neg ! binom root abs and the elementary functions by name.</summary>
    public sealed record Apply(string Name, MathNode First, MathNode? Second = null) : MathNode;

    /// <summary>A percentage.</summary>
    public sealed record Percent(MathNode Value) : MathNode;

    /// <summary>An angle in degrees.</summary>
    public sealed record Degrees(MathNode Value) : MathNode;

    /// <summary>A residue: 3 (mod 7), or a relation between residues.</summary>
    public sealed record Modulo(MathNode Value, MathNode Modulus) : MathNode;

    /// <summary>
    /// Several values: (a, b) or (a, b] with their brackets, {a, b} as "{}", a matrix row or matrix as "m", the ratios of a : b : c to
    /// its first part as ":", and a list without brackets as "".
    /// </summary>
    public sealed record Sequence(string Brackets, IReadOnlyList<MathNode> Items) : MathNode;

    /// <summary>Sets joined by ∪, ∩ or ∖, from left to right.</summary>
    public sealed record Combined(char Operator, IReadOnlyList<MathNode> Sets) : MathNode;

    /// <summary>A chain such as a &lt; b ≤ c: one operator fewer than terms.</summary>
    public sealed record Relation(IReadOnlyList<MathNode> Terms, IReadOnlyList<char> Operators) : MathNode;

    /// <summary>The parts of this node.</summary>
    public IEnumerable<MathNode> Parts => this switch
    {
        Apply { Second: { } second } apply => [apply.First, second],
        Apply apply => [apply.First],
        Percent percent => [percent.Value],
        Degrees degrees => [degrees.Value],
        Modulo modulo => [modulo.Value, modulo.Modulus],
        Sequence sequence => sequence.Items,
        Combined combined => combined.Sets,
        Relation relation => relation.Terms,
        _ => [],
    };

    /// <summary>This node with every part replaced.</summary>
    public MathNode With(Func<MathNode, MathNode> change) => this switch
    {
        Apply apply => apply with { First = change(apply.First), Second = apply.Second is { } second ? change(second) : null },
        Percent percent => new Percent(change(percent.Value)),
        Degrees degrees => new Degrees(change(degrees.Value)),
        Modulo modulo => new Modulo(change(modulo.Value), change(modulo.Modulus)),
        Sequence sequence => sequence with { Items = [.. sequence.Items.Select(change)] },
        Combined combined => combined with { Sets = [.. combined.Sets.Select(change)] },
        Relation relation => relation with { Terms = [.. relation.Terms.Select(change)] },
        _ => this,
    };

    /// <summary>Whether this node or a part of it, at any depth, is of a kind.</summary>
    public bool Has(Func<MathNode, bool> kind) => kind(this) || Parts.Any(part => part.Has(kind));
}
