using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>One side of a comparison.</summary>
/// <param name="Run">The training run's name.</param>
/// <param name="Evaluation">The evaluation's id; empty where it is not known.</param>
/// <param name="Scores">What scores.json holds.</param>
/// <param name="Provenance">What the numbers were made from; null where it is not known.</param>
public sealed record ComparedReport(string Run, string Evaluation, EvaluationScores Scores, Provenance? Provenance)
{
    /// <summary>Answers of the final checkpoint, to be shown where a problem was gained or lost; empty where they are not known.</summary>
    public IReadOnlyList<ShownAnswer> Answers { get; init; } = [];

    /// <summary>The first answer to a problem that is right, or that is not.</summary>
    internal ShownAnswer? Answer(string problem, bool sampled, bool right) => Answers
        .Where(answer => answer.ProblemId == problem && answer.Sample is not null == sampled && answer.Verdict == Verdict.Correct == right)
        .MinBy(answer => answer.Sample);

    internal bool IsSampled => Scores.Problems.Any(problem => problem.PassRates.Count > 0);

    internal bool IsGreedy => Scores.Problems.Any(problem => problem.Greedy.Count > 0);

    /// <summary>The answers to each problem at one checkpoint.</summary>
    /// <exception cref="InvalidDataException">The scores contradict themselves.</exception>
    internal IReadOnlyList<ProblemCounts> Counts(int checkpoint, bool sampled)
    {
        var counts = Scores.Problems.Select(problem => sampled ? Sampled(problem, checkpoint) : Greedy(problem, checkpoint)).ToList();
        return counts.DistinctBy(problem => problem.ProblemId).Count() == counts.Count
            ? counts
            : throw new InvalidDataException($"scores.json of {Reporting.Inert.Line(Run)} has a problem twice; make the report again to get a whole file.");
    }

    private ProblemCounts Sampled(ProblemScores problem, int checkpoint)
    {
        var drawn = checkpoint < problem.Drawn.Count ? problem.Drawn[checkpoint] : Scores.SamplesPerProblem;
        if (checkpoint >= problem.PassRates.Count || drawn < 1 || problem.PassRates[checkpoint] is not (>= 0 and <= 1))
        {
            throw Broken(problem);
        }
        return new(problem.Id, problem.Cluster ?? problem.Id, drawn, (int)Math.Round(problem.PassRates[checkpoint] * drawn));
    }

    private ProblemCounts Greedy(ProblemScores problem, int checkpoint) => checkpoint < problem.Greedy.Count
        ? new(problem.Id, problem.Cluster ?? problem.Id, 1, problem.Greedy[checkpoint] ? 1 : 0)
        : throw Broken(problem);

    private InvalidDataException Broken(ProblemScores problem) => new(
        $"scores.json of {Reporting.Inert.Line(Run)} has no valid score of problem {Reporting.Inert.Line(problem.Id)} at some checkpoint; make the report again to get a whole file.");
}
