using System.Globalization;
using System.Text.Json;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>
/// Pieces of Vega-Lite specifications. Colours are the page's CSS variables, so that a plot follows the reader's theme without being drawn again.
/// </summary>
internal static class Plot
{
    public const string Main = "var(--series-1)";
    public const string Second = "var(--series-2)";
    public const string Quiet = "var(--muted)";

    /// <summary>A specification as JSON. Text in the data was made inert by whoever put it there; the serialiser escapes the rest.</summary>
    public static string Json(object height, object data, object layer) => JsonSerializer.Serialize(new
    {
        width = "container",
        height,
        data = new { values = data },
        layer,
    });

    /// <summary>An axis of shares from <paramref name="low"/> to <paramref name="high"/>, in percent.</summary>
    public static object Shares(string field, string title, (double Low, double High) domain) => new
    {
        field,
        type = "quantitative",
        title,
        scale = new { domain = new[] { domain.Low, domain.High }, nice = false, zero = false },
        axis = new { format = ".0%", tickCount = 5 },
    };

    /// <summary>The tenths that enclose all values, within [0, 1].</summary>
    public static (double Low, double High) Domain(IEnumerable<Estimate> values)
    {
        var (low, high) = (1.0, 0.0);
        foreach (var value in values)
        {
            low = Math.Min(low, Math.Min(value.Low, value.Value));
            high = Math.Max(high, Math.Max(value.High, value.Value));
        }
        low = Math.Clamp(Math.Floor(10 * low) / 10, 0, 0.9);
        return (low, Math.Clamp(Math.Ceiling(10 * high) / 10, low + 0.1, 1));
    }

    /// <summary>Two ends of an interval of shares, in percent.</summary>
    public static Prose Range(double low, double high) => $"{Number.Fixed(100 * low)}–{Number.Fixed(100 * high)}";

    /// <summary>A band as a value to be enclosed by an axis.</summary>
    public static Estimate Around(double value, Band band) => new(value, band.Low, band.High);

    /// <summary>Says so where the axis of shares does not begin at zero.</summary>
    public static Prose AxisNote((double Low, double High) domain) =>
        domain.Low > 0 ? (Prose)$" The vertical axis starts at {Number.Decimal(100 * domain.Low)}\u00a0%." : $"";

    /// <summary>A tooltip line.</summary>
    public static object Tip(string field, string title, string? format = null) => format is null
        ? new { field, title }
        : new { field, title, type = "quantitative", format };

    public static object Colours(string field, IReadOnlyList<string> names, IReadOnlyList<string> colours, string symbol = "stroke") => new
    {
        field,
        type = "nominal",
        title = (string?)null,
        sort = (string?)null,
        scale = new { domain = names, range = colours },
        legend = names.Count > 1 ? new { orient = "top", symbolType = symbol, symbolOpacity = 1, symbolStrokeWidth = symbol == "stroke" ? 3 : 0 } : null,
    };

    /// <summary>Labels of checkpoints on an axis: their steps where all have one, else their names.</summary>
    public static IReadOnlyList<string> Labels(IReadOnlyList<CheckpointScores> trajectory) => trajectory.All(c => c.Step is not null)
        ? [.. trajectory.Select(c => c.Step!.Value.ToString(CultureInfo.InvariantCulture))]
        : [.. trajectory.Select(c => Inert.Line(c.Name))];

    public static string AxisTitle(IReadOnlyList<CheckpointScores> trajectory) =>
        trajectory.All(c => c.Step is not null) ? "training step" : "checkpoint";
}
