using System.Globalization;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>
/// The heat map. The picture is made here, one path for each shade, so that it follows the theme, prints, and costs a browser next to nothing
/// with tens of thousands of cells; the script adds what is under the pointer, and a table of single problems.
/// </summary>
internal static class PageHeatMap
{
    private const int MostRows = 560;
    private const int MostLabels = 40;
    private const int MostTicks = 12;
    private const int TickLetters = 80;
    private const int Shades = 9;

    /// <summary>How many problems a row of the picture stands for.</summary>
    public static int Group(int problems) => Math.Max(1, (problems + MostRows - 1) / MostRows);

    public static void Write(HtmlText page, HeatMap map)
    {
        var rows = map.Rows.Chunk(Group(map.Rows.Count)).Select(Mean).ToList();
        var named = rows.Count == map.Rows.Count && rows.Count <= MostLabels;
        var pixels = named ? 18 : Math.Clamp(MostRows / rows.Count, 1, 12);
        page.Add($"<figure class=\"heat\" data-packed=\"{Pack(map)}\">\n<p class=\"shades\">{map.Shades}: 0\u00a0% <span class=\"ramp\"></span> 100\u00a0%</p>\n<div class=\"{(named ? "map named" : "map")}\">\n");
        if (named)
        {
            page.Add($"<ol class=\"labels\" aria-hidden=\"true\">");
            foreach (var row in map.Rows)
            {
                page.Add($"<li>{(Prose)$"{row.Id}"}</li>");
            }
            page.Add($"</ol>\n");
        }
        page.Add($"<div class=\"picture\">\n<svg class=\"cells\" role=\"img\" aria-label=\"Heat map of {map.Rows.Count} problems by {map.Columns.Count} checkpoints\" width=\"100%\" height=\"{rows.Count * pixels}\" viewBox=\"0 0 {map.Columns.Count} {rows.Count}\" preserveAspectRatio=\"none\">");
        for (var shade = 0; shade < Shades; shade++)
        {
            page.Add($"<path class=\"shade-{shade}\" d=\"{Path(rows, shade)}\"/>");
        }
        page.Add($"</svg>\n<svg class=\"ticks\" aria-hidden=\"true\" width=\"100%\" height=\"40\">");
        var labels = map.Columns.Select(column => Short(Inert.Line(column.Label))).ToArray();
        var most = Math.Clamp(TickLetters / (labels.Max(label => label.Length) + 3), 1, MostTicks);
        var every = (labels.Length + most - 1) / most;
        for (var c = 0; c < map.Columns.Count; c++)
        {
            // The last column always has its label, and the one before it that would run into it has none.
            if (c == map.Columns.Count - 1 || (c % every == 0 && map.Columns.Count - 1 - c >= every))
            {
                page.Add($"<text x=\"{Hundredths(100 * (c + 0.5) / map.Columns.Count)}%\" y=\"14\">{labels[c]}</text>");
            }
        }
        page.Add($"<text class=\"title\" x=\"50%\" y=\"34\">{map.ColumnTitle}</text></svg>\n</div>\n</div>\n<p class=\"under\" aria-hidden=\"true\"></p>\n<figcaption>{map.Caption}</figcaption>\n");
        page.Add($"<details><summary>The numbers</summary>\n<div class=\"find\" hidden>\n<div class=\"field\"><label for=\"find-problem\">Find a problem</label><input id=\"find-problem\" type=\"search\" name=\"find\" autocomplete=\"off\" spellcheck=\"false\"></div>\n<p class=\"hint\">Percent of answers that are right. A problem leads to its answers.</p>\n</div>\n");
        PageBlocks.WriteTable(page, map.Numbers);
        PageBlocks.WritePaging(page, "Pages of problems");
        page.Add($"<button type=\"button\" class=\"all-csv\" hidden>Download CSV</button>\n</details>\n</figure>\n");
    }

    // Neighbours of one shade in a column become one stroke downwards; the strokes of one shade, one path.
    private static string Path(List<double?[]> rows, int shade)
    {
        var path = new StringBuilder();
        for (var c = 0; c < rows[0].Length; c++)
        {
            for (var r = 0; r < rows.Count; r++)
            {
                var from = r;
                while (r < rows.Count && Shade(rows[r][c]) == shade)
                {
                    r++;
                }
                if (r > from)
                {
                    path.Append(CultureInfo.InvariantCulture, $"M{c}.5 {from}v{r - from}");
                }
            }
        }
        return path.ToString();
    }

    private static int Shade(double? share) => share is { } value ? Math.Clamp((int)(value * Shades), 0, Shades - 1) : -1;

    private static double?[] Mean(HeatRow[] rows) =>
        [.. Enumerable.Range(0, rows[0].Shares.Count).Select(c => rows.Select(row => row.Shares[c]).Average())];

    private static string Pack(HeatMap map) => Packed.Json(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("columns");
        foreach (var column in map.Columns)
        {
            json.WriteStartArray();
            json.WriteStringValue(Inert.Line(column.Label));
            json.WriteStringValue(Inert.Line(column.Name));
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteStartArray("ids");
        foreach (var row in map.Rows)
        {
            json.WriteStringValue(Inert.Line(row.Id));
        }
        json.WriteEndArray();
        json.WriteStartArray("shares");
        foreach (var row in map.Rows)
        {
            json.WriteStartArray();
            foreach (var share in row.Shares)
            {
                if (share is { } value)
                {
                    json.WriteNumberValue(Math.Round(value, 4));
                }
                else
                {
                    json.WriteNullValue();
                }
            }
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Short(string label) => label.Length <= 14 ? label : label[..13] + "…";

    private static string Hundredths(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
