using Hindsight.Reporting.Sections;

namespace Hindsight.Reporting;

/// <summary>The order of the report.</summary>
internal static class Document
{
    public static IReadOnlyList<Section> Sections(ReportData data)
    {
        Section?[] all =
        [
            Verdicts.Write(data.Scores),
            Trajectory.Write(data.Scores),
            Forgetting.Write(data.Scores),
            SampleBudget.Write(data.Scores),
            SameTokens.Write(data),
            ProblemByProblem.Write(data.Scores),
            LostAnswers.Write(data),
            Answers.Write(data),
            EarlyWeights.Write(data.Scores),
            Choices.Write(data),
            Contamination.Write(data.Scores),
            Health.Write(data),
            Cost.Write(data.Scores),
            new("provenance", "Where the numbers come from", [.. data.Provenance.Groups.Select(group => new Facts(group.Title, group.Entries))]),
            Methods.Write(data),
        ];
        return [.. all.OfType<Section>()];
    }

    /// <summary>What was evaluated, under the title.</summary>
    public static Prose Subtitle(ReportData data)
    {
        var scores = data.Scores;
        Prose left = scores.IncompleteProblems.Count == 0 ? (Prose)$"" : $" ({scores.IncompleteProblems.Count} left out)";
        return $"{Number.Count(scores.Trajectory.Count, "checkpoint", "checkpoints")}{(scores.Base is null ? (Prose)$"" : $" and the model before training")} · {Number.Count(scores.ProblemCount, "problem", "problems")}{left} · {(scores.SamplesPerProblem == 0 ? (Prose)$"greedy answers only" : Number.Count(scores.SamplesPerProblem, "sample", "samples"))}{(scores.SamplesPerProblem == 0 ? (Prose)$"" : $" per problem and checkpoint")} · evaluation {data.Evaluation}";
    }
}
