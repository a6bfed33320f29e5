namespace Hindsight.Benchmarks;

/// <summary>A table in plain text: the first column to the left, the others to the right.</summary>
/// <param name="headings">One heading a column.</param>
internal sealed class Table(params string[] headings)
{
    private readonly List<string[]> rows = [headings];

    /// <summary>Adds a row; numbers should come formatted for the invariant culture.</summary>
    public void Add(params string[] cells) => rows.Add(
        cells.Length == headings.Length ? cells : throw new ArgumentException($"{cells.Length} cells do not fit {headings.Length} columns.", nameof(cells)));

    public void Print(TextWriter writer)
    {
        var widths = headings.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            writer.WriteLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd());
            if (row == headings)
            {
                writer.WriteLine(string.Join("  ", widths.Select(width => new string('-', width))));
            }
        }
    }
}
