using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>A run's scores as a line the size of a word, with its final point marked.</summary>
internal static class SparkLine
{
    private const double Width = 200;
    private const double Height = 48;
    private const double Margin = 4;

    /// <summary>Scores from 0 to 1 stand from the bottom to the top, so that the lines of an index can be compared.</summary>
    public static void Write(HtmlText page, ReportSummary summary)
    {
        var scores = summary.Trajectory.Select(point => point.Score).OfType<Estimate>().ToArray();
        if (scores.Length == 0)
        {
            page.Add($"–");
            return;
        }
        var points = scores.Select((score, i) => $"{Text(X(i, scores.Length))},{Text(Y(score.Value))}").ToArray();
        page.Add($"<svg class=\"spark\" role=\"img\" aria-label=\"{Label(scores)}\" width=\"{Text(Width)}\" height=\"{Text(Height)}\" viewBox=\"0 0 {Text(Width)} {Text(Height)}\">");
        page.Add($"<path class=\"frame\" d=\"M0 {Text(Y(0))}h{Text(Width)}M0 {Text(Y(1))}h{Text(Width)}\"/>");
        if (summary.Base is { } before)
        {
            page.Add($"<path class=\"before\" d=\"M0 {Text(Y(before.Value))}h{Text(Width)}\"/>");
        }
        page.Add($"<polyline points=\"{string.Join(' ', points)}\"/><circle cx=\"{Text(X(scores.Length - 1, scores.Length))}\" cy=\"{Text(Y(scores[^1].Value))}\" r=\"3\"/></svg>");
    }

    private static string Label(Estimate[] scores) => string.Create(CultureInfo.InvariantCulture,
        $"Scores of {scores.Length} checkpoints: first {Number.Tenths(100 * scores[0].Value)} %, highest {Number.Tenths(100 * scores.Max(score => score.Value))} %, final {Number.Tenths(100 * scores[^1].Value)} %");

    private static double X(int index, int count) => Margin + (count == 1 ? 1 : index / (count - 1.0)) * (Width - 2 * Margin);

    private static double Y(double share) => Height - Margin - Math.Clamp(share, 0, 1) * (Height - 2 * Margin);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
