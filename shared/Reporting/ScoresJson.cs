using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>The file scores.json: shares in [0, 1] that read back to the same doubles.</summary>
public static class ScoresJson
{
    /// <summary>The file's text.</summary>
    public static string Write(EvaluationScores scores) => ReportJson.Write(scores, ReportJson.Default.EvaluationScores);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The text is not such a file.</exception>
    public static EvaluationScores Read(string json) => ReportJson.Read(json, ReportJson.Default.EvaluationScores, "scores.json");
}
