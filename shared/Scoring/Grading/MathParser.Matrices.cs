namespace Hindsight.Scoring;

/// <summary>Matrices and determinants.</summary>
internal sealed partial class MathParser
{
    private const int LargestDeterminant = 4;

    private MathNode? Matrix()
    {
        if (EnvironmentName() is not { } kind)
        {
            return null;
        }

        if (kind == "array" && Take('{'))
        {
            var close = text.IndexOf('}', position);
            if (close < 0)
            {
                return null;
            }

            position = close + 1;
        }
        else if (!kind.EndsWith("matrix", StringComparison.Ordinal) && kind != "array")
        {
            return null;
        }

        var rows = new List<MathNode>();
        var row = new List<MathNode>();
        while (true)
        {
            if (TakeCommand("end"))
            {
                if (EnvironmentName() != kind)
                {
                    return null;
                }

                if (row.Count > 0)
                {
                    rows.Add(new MathNode.Sequence("m", row));
                }

                var matrix = new MathNode.Sequence("m", rows);
                return kind == "vmatrix" ? Determinant(matrix) : matrix;
            }

            if (Sum() is not { } entry)
            {
                return null;
            }

            row.Add(entry);
            if (Take('⏎'))
            {
                rows.Add(new MathNode.Sequence("m", row));
                row = [];
            }
            else if (!Take('&') && !StartsCommand("end"))
            {
                return null;
            }
        }
    }

    private string? EnvironmentName()
    {
        var close = Take('{') ? text.IndexOf('}', position) : -1;
        if (close < 0)
        {
            return null;
        }

        var name = text[position..close];
        position = close + 1;
        return name;
    }

    /// <summary>Laplace's expansion along the first row.</summary>
    private static MathNode? Determinant(MathNode.Sequence matrix)
    {
        var rows = matrix.Items.Select(row => ((MathNode.Sequence)row).Items).ToList();
        return rows.Count is > 0 and <= LargestDeterminant && rows.All(row => row.Count == rows.Count) ? Expanded(rows) : null;

        static MathNode Expanded(List<IReadOnlyList<MathNode>> rows) => rows.Count == 1 ? rows[0][0] : rows[0]
            .Select((entry, column) => (MathNode)new MathNode.Apply("*", entry, Expanded([.. rows.Skip(1).Select(row => (IReadOnlyList<MathNode>)[.. row.Where((_, i) => i != column)])])))
            .Select((term, column) => column % 2 == 0 ? term : new MathNode.Apply("neg", term))
            .Aggregate((a, b) => new MathNode.Apply("+", a, b));
    }
}
