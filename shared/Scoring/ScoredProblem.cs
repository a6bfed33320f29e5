namespace Hindsight.Scoring;

/// <summary>A problem whose wanted answers are all there at every checkpoint.</summary>
/// <param name="Id">The problem.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Trajectory">Its answers by checkpoint, in training order.</param>
/// <param name="Base">The base model's answers, if there is one.</param>
internal sealed record ScoredProblem(string Id, string Cluster, ProblemAnswers[] Trajectory, ProblemAnswers? Base)
{
    /// <summary>How many options it offers; null where it declares none.</summary>
    public int? Options { get; init; }

    /// <summary>Its way through the greedy answers.</summary>
    public ProblemHistory History { get; } = ProblemHistory.Of([.. Trajectory.Select(answers => answers.GreedyCorrect())]);

    /// <summary>nⱼ: samples drawn by checkpoint.</summary>
    public int[] Drawn { get; } = Array.ConvertAll(Trajectory, answers => answers.Sampled.Count);

    /// <summary>cⱼ: correct samples by checkpoint.</summary>
    public int[] Correct { get; } = Array.ConvertAll(Trajectory, answers => answers.CorrectSamples());

    /// <summary>The sampled answers by class.</summary>
    public AnswerClasses Classes { get; } = AnswerClasses.Of(Trajectory);

    public ProblemAnswers Final => Trajectory[^1];

    /// <summary>Share of correct samples at a checkpoint; 0 without samples.</summary>
    public double Rate(int checkpoint) => Drawn[checkpoint] == 0 ? 0 : Correct[checkpoint] / (double)Drawn[checkpoint];

    public bool EverCorrectByGreedy => Trajectory.Any(answers => answers.GreedyCorrect());
}

internal static class ProblemAnswersCounts
{
    public static int CorrectSamples(this ProblemAnswers answers) => answers.Sampled.Count(answer => answer.Verdict == Verdict.Correct);

    /// <summary>Share of correct samples; 0 without samples.</summary>
    public static double PassRate(this ProblemAnswers answers) =>
        answers.Sampled.Count == 0 ? 0 : answers.CorrectSamples() / (double)answers.Sampled.Count;

    public static bool GreedyCorrect(this ProblemAnswers answers) => answers.Greedy?.Verdict == Verdict.Correct;
}
