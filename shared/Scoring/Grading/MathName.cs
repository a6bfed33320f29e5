namespace Hindsight.Scoring;

/// <summary>What stands for an unknown or a quantity: x, AB, f(x), |AB|, f⁻¹(x), (p, q).</summary>
internal static class MathName
{
    public static bool Is(MathNode node) => node switch
    {
        MathNode.Symbol { Name: "infty" or "ℝ" or "∅" or "…" } => false,
        MathNode.Symbol => true,
        MathNode.Constant constant => constant.Name is "e" or "i",
        MathNode.Apply { Name: "*", First: MathNode.Apply { Name: "^", First: MathNode.Symbol { Name: "f" or "g" or "h" } }, Second: { } argument } => Is(argument),
        MathNode.Apply { Name: "*", Second: { } second } apply => Is(apply.First) && (Is(second) || second is MathNode.Number),
        MathNode.Apply { Name: "abs" or "overline" or "vec" } apply => Is(apply.First),
        MathNode.Degrees degrees => Is(degrees.Value),
        MathNode.Sequence { Brackets: not "m" } sequence => sequence.Items.Count > 0 && sequence.Items.All(Is),
        _ => false,
    };

    /// <summary>
    /// What a name is set equal to: the right side of x = 5, f(x) = 5, (p, q) = (3, 2) or x ∈ S, and the end of a calculation (2 + 3 = 5).
    /// </summary>
    public static MathNode Without(MathNode node)
    {
        if (node is not MathNode.Relation relation)
        {
            return node;
        }

        var (terms, operators) = (relation.Terms, relation.Operators);
        for (var i = 1; i < operators.Count; i++)
        {
            if (operators[i] == '≈')
            {
                // x = 1/3 ≈ 0.333: the exact value is meant.
                return Without(new MathNode.Relation([.. terms.Take(i + 1)], [.. operators.Take(i)]));
            }
        }

        return operators.All(o => o is '=' or '≈' or '∈') && (Is(terms[0]) || terms.Count > 2 || !relation.Has(part => part is MathNode.Symbol)) ? terms[^1]
            : operators is ['='] && Is(terms[1]) ? terms[0]
            : node;
    }
}
