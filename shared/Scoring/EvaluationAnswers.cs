namespace Hindsight.Scoring;

/// <summary>What became of one answer. Truncated and missing answers are counted apart from wrong ones.</summary>
public enum Verdict
{
    /// <summary>The extracted answer equals the gold answer.</summary>
    Correct,

    /// <summary>An answer was extracted and does not equal the gold answer.</summary>
    Wrong,

    /// <summary>The text ended by itself without an answer that could be extracted.</summary>
    NoAnswer,

    /// <summary>The text was cut off at the token limit and holds no correct answer.</summary>
    Truncated,
}

/// <summary>One graded answer.</summary>
/// <param name="Sample">Index of the sample within its problem, from 0.</param>
/// <param name="Answer">The extracted answer, normalised for voting; null when there is none.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Tokens">Tokens drawn.</param>
public sealed record GradedAnswer(int Sample, string? Answer, Verdict Verdict, int Tokens)
{
    /// <summary>What a reward model gave it; null without one. Not NaN; for a weighted majority not negative.</summary>
    public double? Reward { get; init; }

    /// <summary>Tokens that the reward model read of it to give <see cref="Reward"/>, its problem's not counted; null where that is not known.</summary>
    public int? RewardTokens { get; init; }

    /// <summary>A hash of the whole text, by which duplicate samples are found; null where the text is not known.</summary>
    public ulong? TextHash { get; init; }

    /// <summary>The hash of a text, the same everywhere and always.</summary>
    public static ulong HashOf(string text) => RandomStream.Hash(0, text);
}

/// <summary>The graded answers of one variant to one problem.</summary>
/// <param name="Greedy">The answer at temperature 0, if one was wanted and drawn.</param>
/// <param name="Sampled">The sampled answers by sample index; fewer than wanted when some are missing.</param>
public sealed record ProblemAnswers(GradedAnswer? Greedy, IReadOnlyList<GradedAnswer> Sampled);

/// <summary>The graded answers of one variant (a checkpoint or an interpolation).</summary>
/// <param name="Name">The checkpoint's folder name, or the interpolation's description.</param>
/// <param name="Step">The training step, where the name tells it.</param>
/// <param name="Problems">By problem, in the order of <see cref="EvaluationAnswers.ProblemIds"/>.</param>
public sealed record VariantAnswers(string Name, long? Step, IReadOnlyList<ProblemAnswers> Problems);

/// <summary>An interpolation's answers.</summary>
/// <param name="EarlyWeight">The weight of the early parent, in [0, 1]. 0 is the late checkpoint, 1 the early one.</param>
/// <param name="Answers">The answers drawn from earlyWeight · early + (1 − earlyWeight) · late.</param>
public sealed record InterpolationAnswers(double EarlyWeight, VariantAnswers Answers);

/// <summary>All that scores are computed from: plain values, no text, no clock.</summary>
public sealed record EvaluationAnswers
{
    /// <summary>The margin where none is declared.</summary>
    public const double DefaultMargin = 0.02;

    /// <summary>The problems, in the order of the suite.</summary>
    public required IReadOnlyList<string> ProblemIds { get; init; }

    /// <summary>Cluster of each problem (problems of one cluster share a stem or source); a problem without one is its own cluster.</summary>
    public required IReadOnlyList<string> Clusters { get; init; }

    /// <summary>How many options each problem offers, null for a problem that declares none; empty where no problem does.</summary>
    public IReadOnlyList<int?> Options { get; init; } = [];

    /// <summary>What of each problem occurs in the run's training text; empty where no text was given.</summary>
    public IReadOnlyList<ProblemOverlap> Overlaps { get; init; } = [];

    /// <summary>The model before this training run, if there is one.</summary>
    public VariantAnswers? Base { get; init; }

    /// <summary>The run's checkpoints in training order; the last is the final one. At least one.</summary>
    public required IReadOnlyList<VariantAnswers> Trajectory { get; init; }

    /// <summary>Names of the two parents and the interpolations drawn, endpoints (0 and 1) included; null when none were wanted.</summary>
    public InterpolationSet? Interpolations { get; init; }

    /// <summary>The final checkpoint's samples at several temperatures, that of the trajectory first; empty where only one was tried.</summary>
    public IReadOnlyList<TemperatureAnswers> Temperatures { get; init; } = [];

    /// <summary>The final checkpoint's answers as particle methods and searches under a reward model drew them.</summary>
    public IReadOnlyList<PopulationMethodAnswers> Populations { get; init; } = [];

    /// <summary>Wanted samples per problem and variant (n of Pass@k); 0 when only greedy answers are wanted.</summary>
    public required int SamplesPerProblem { get; init; }

    /// <summary>Share of problem clusters used for choosing (the select split), in (0, 1).</summary>
    public required double SelectShare { get; init; }

    /// <summary>Seeds the split and the Monte Carlo draws.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Differences smaller than this do not matter (a share, at least 0): what "no difference" is tested against. Declared before scores are seen.</summary>
    public double Margin { get; init; } = DefaultMargin;
}

/// <summary>A checkpoint's answers at one temperature.</summary>
public sealed record TemperatureAnswers(double Temperature, VariantAnswers Answers);

/// <summary>Interpolations between two parents.</summary>
public sealed record InterpolationSet(string Early, string Late, IReadOnlyList<InterpolationAnswers> Points)
{
    /// <summary>How many early weights were tried, those without answers included; null for as many as there are points.</summary>
    public int? Tried { get; init; }
}
