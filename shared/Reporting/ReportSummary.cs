using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What others need to know of a report, the index and comparisons: what summary.json holds.</summary>
/// <param name="Run">The training run's name.</param>
/// <param name="Evaluation">The evaluation's id.</param>
/// <param name="Verdict">The opening sentence, inert.</param>
/// <param name="Problems">Problems scored.</param>
/// <param name="Samples">Sampled answers per problem and checkpoint; 0 where greedy answers were scored.</param>
/// <param name="Base">The score of the model before training, if there is one.</param>
/// <param name="Trajectory">Each checkpoint's score: Pass@1, or of greedy answers where none were sampled.</param>
/// <param name="Provenance">What the numbers were made from.</param>
public sealed record ReportSummary(
    string Run, string Evaluation, string Verdict, int Problems, int Samples, Estimate? Base, IReadOnlyList<SummaryPoint> Trajectory, Provenance Provenance)
{
    /// <summary>The summary of a report.</summary>
    public static ReportSummary Of(ReportData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        var sampled = data.Scores.Trajectory.Any(checkpoint => checkpoint.PassAt1 is not null);
        Estimate? Score(CheckpointScores checkpoint) => sampled ? checkpoint.PassAt1 : checkpoint.Greedy;
        return new(
            data.Run, data.Evaluation, Findings.Headline(data.Scores).Inert, Findings.Problems(data.Scores), sampled ? data.Scores.SamplesPerProblem : 0,
            data.Scores.Base is { } before ? Score(before) : null,
            [.. data.Scores.Trajectory.Select(checkpoint => new SummaryPoint(checkpoint.Name, checkpoint.Step, Score(checkpoint)))],
            data.Provenance);
    }

    /// <summary>The file's text.</summary>
    public string ToJson() => ReportJson.Write(this, ReportJson.Default.ReportSummary);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="file">What to call the file in a refusal.</param>
    /// <exception cref="InvalidDataException">The text is not such a file.</exception>
    public static ReportSummary Parse(string json, string file) => ReportJson.Read(json, ReportJson.Default.ReportSummary, file);
}

/// <summary>A checkpoint's score.</summary>
public sealed record SummaryPoint(string Name, long? Step, Estimate? Score);
