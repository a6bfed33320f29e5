namespace Hindsight.Scoring;

/// <summary>A number with the interval that says how much it would move on new problems of this kind (problem, or cluster, as unit; 95 %).</summary>
/// <param name="Value">The point estimate, a share in [0, 1].</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public sealed record Estimate(double Value, double Low, double High);

/// <summary>
/// Re-run noise: how well the score on these very problems is known from the samples drawn (95 %). It says nothing about other problems.
/// </summary>
public sealed record RerunInterval(double Low, double High);

/// <summary>One point of a simultaneous band: with 95 % confidence, on new problems of this kind, the whole curve lies inside at once.</summary>
public sealed record Band(double Low, double High);

/// <summary>All scores of an evaluation: what scores.json holds. Shares are in [0, 1]; reports print percent.</summary>
public sealed record EvaluationScores
{
    /// <summary>Problems in the suite.</summary>
    public required int ProblemCount { get; init; }

    /// <summary>Ids of problems left out everywhere because answers are missing at some checkpoint.</summary>
    public required IReadOnlyList<string> IncompleteProblems { get; init; }

    /// <summary>Wanted samples per problem and variant.</summary>
    public required int SamplesPerProblem { get; init; }

    /// <summary>The base model's scores, if there is one.</summary>
    public CheckpointScores? Base { get; init; }

    /// <summary>One entry per checkpoint, in training order.</summary>
    public required IReadOnlyList<CheckpointScores> Trajectory { get; init; }

    /// <summary>The heat map: one row per scored problem, from the easiest to the hardest (mean pass rate over the trajectory).</summary>
    public required IReadOnlyList<ProblemScores> Problems { get; init; }

    /// <summary>Pass@k|t, one curve for each t.</summary>
    public required IReadOnlyList<Curve> PassAtK { get; init; }

    /// <summary>Maj@k|t, one curve for each t.</summary>
    public required IReadOnlyList<Curve> MajAtK { get; init; }

    /// <summary>Forgetting, from greedy answers; null when none were drawn.</summary>
    public ForgettingScores? Forgetting { get; init; }

    /// <summary>Forgetting as sampled answers show it, beside its null reference; null without samples.</summary>
    public SampledForgetting? SampledForgetting { get; init; }

    /// <summary>The WiSE-FT curve; null when no interpolations were drawn.</summary>
    public EarlyWeightScores? EarlyWeights { get; init; }

    /// <summary>Problems solved on the way and wrong at the end, the most telling first.</summary>
    public required IReadOnlyList<LostProblem> LostProblems { get; init; }

    /// <summary>BoN@k|t by reward, one curve for each t; empty where answers have no rewards.</summary>
    public IReadOnlyList<Curve> BestOfN { get; init; } = [];

    /// <summary>Majority weighted by reward, one curve for each t; empty where answers have no rewards, or a negative one.</summary>
    public IReadOnlyList<Curve> WeightedMajority { get; init; } = [];

    /// <summary>Forgetting of sampled answers beside what it would be had nothing changed; null without samples or with one checkpoint.</summary>
    public ForgettingNull? ForgettingNull { get; init; }

    /// <summary>What changed from checkpoint to checkpoint, by sampled answers; empty without samples.</summary>
    public IReadOnlyList<SampledStep> SampledSteps { get; init; } = [];

    /// <summary>Of what is right at one checkpoint, how much is right so many checkpoints later: by sampled answers, else by greedy ones.</summary>
    public IReadOnlyList<RetentionPoint> Retention { get; init; } = [];

    /// <summary>Ids of problems forgotten on the way and right at the end again, by greedy answers, in the order of the suite.</summary>
    public IReadOnlyList<string> RecoveredProblems { get; init; } = [];

    /// <summary>The comparisons that were declared, each family corrected for its number.</summary>
    public IReadOnlyList<ComparisonFamily> Comparisons { get; init; } = [];

    /// <summary>What was chosen (a checkpoint, a t) on the select split, and what that is worth on the report split; the early weight has its own.</summary>
    public IReadOnlyList<Selection> Selections { get; init; } = [];

    /// <summary>Id of the report split of <see cref="Selections"/>, for the <see cref="LookCounter"/>; null where nothing was chosen.</summary>
    public string? ReportSplit { get; init; }

    /// <summary>Problems that occur in the training text, and the scores without them; null where no text was given.</summary>
    public ContaminationScores? Contamination { get; init; }

    /// <summary>What other methods reach with the tokens of plain samples; null without populations and rewards, and where there are not two clusters to split.</summary>
    public BudgetScores? Budget { get; init; }

    /// <summary>Which estimator each score is, how its interval is made, and what that covers.</summary>
    public IReadOnlyList<ScoreMethod> Methods { get; init; } = [];
}

/// <summary>One checkpoint's scores and the health of its answers.</summary>
/// <param name="Name">Folder name.</param>
/// <param name="Step">Training step, where the name tells it.</param>
/// <param name="PassAt1">Mean share of correct samples; null without samples.</param>
/// <param name="Greedy">Share of problems whose greedy answer is correct; null without greedy answers.</param>
/// <param name="Health">Counts over all its answers, greedy and sampled, incomplete problems included.</param>
public sealed record CheckpointScores(string Name, long? Step, Estimate? PassAt1, Estimate? Greedy, AnswerCounts Health)
{
    /// <summary>Re-run noise of <see cref="PassAt1"/>; null without samples, or with a single one per problem.</summary>
    public RerunInterval? PassAt1Rerun { get; init; }

    /// <summary>The simultaneous band of <see cref="PassAt1"/> over the checkpoints of the trajectory; null without samples.</summary>
    public Band? PassAt1Band { get; init; }

    /// <summary>
    /// Accuracy above guessing, 0 for guessing and 1 for all correct, over the problems that declare their options: of <see cref="PassAt1"/>,
    /// without samples of <see cref="Greedy"/>; null where no problem declares options.
    /// </summary>
    public Estimate? ChanceCorrected { get; init; }

    /// <summary>How different its answers to one problem are; null without samples.</summary>
    public DiversityScores? Diversity { get; init; }
}

/// <summary>How a checkpoint's answers ended.</summary>
public sealed record AnswerCounts(int Correct, int Wrong, int NoAnswer, int Truncated, int Missing, double MeanTokens);

/// <summary>One row of the heat map.</summary>
/// <param name="Id">The problem.</param>
/// <param name="PassRates">Share of correct samples at each checkpoint, in training order; empty without samples.</param>
/// <param name="Greedy">Whether the greedy answer is correct at each checkpoint; empty without greedy answers.</param>
/// <param name="BasePassRate">The base model's share of correct samples.</param>
/// <param name="BaseGreedy">Whether the base model's greedy answer is correct.</param>
public sealed record ProblemScores(string Id, IReadOnlyList<double> PassRates, IReadOnlyList<bool> Greedy, double? BasePassRate, bool? BaseGreedy)
{
    /// <summary>Its cluster.</summary>
    public string? Cluster { get; init; }

    /// <summary>Samples drawn at each checkpoint, in training order; empty without samples.</summary>
    public IReadOnlyList<int> Drawn { get; init; } = [];

    /// <summary>What became of it on the way, by greedy answers; null without.</summary>
    public ProblemHistory? History { get; init; }
}

/// <summary>A score against the sample budget k, over the t newest checkpoints.</summary>
/// <param name="T">Number of checkpoints the k samples are spread over, newest first, the remainder to the newest.</param>
/// <param name="Points">By increasing k. A k for which some quota exceeds the samples drawn has no point.</param>
public sealed record Curve(int T, IReadOnlyList<CurvePoint> Points);

/// <summary>One point of a curve.</summary>
/// <param name="K">Samples in all.</param>
/// <param name="Score">The score with its interval.</param>
/// <param name="MonteCarloError">Standard error of the Monte Carlo part, where the value is not exact.</param>
public sealed record CurvePoint(int K, Estimate Score, double? MonteCarloError)
{
    /// <summary>The band that holds for all points of this curve at once.</summary>
    public Band? Band { get; init; }

    /// <summary>Re-run noise: closed for Pass@k|t, simulated for Maj@k|t and BoN@k|t; null for others, and where a problem has a single sample.</summary>
    public RerunInterval? Rerun { get; init; }
}

/// <summary>Forgetting scores over greedy answers (arXiv 2505.20196), as shares of all scored problems.</summary>
/// <param name="Final">P_FT: correct at the final checkpoint.</param>
/// <param name="Base">P_Base; null without a base model.</param>
/// <param name="EverCorrect">P_ECS: correct at some checkpoint of the run.</param>
/// <param name="Lost">P_Lost: correct before training, wrong at the end; null without a base model.</param>
/// <param name="TemporalForgetting">P_TFS = P_ECS − P_FT.</param>
/// <param name="RecoverableErrorShare">P_TFS / (1 − P_FT): the share of final errors solved at some earlier checkpoint; null when there are no final errors.</param>
/// <param name="Steps">What changed between adjacent checkpoints.</param>
public sealed record ForgettingScores(
    Estimate Final,
    Estimate? Base,
    Estimate EverCorrect,
    Estimate? Lost,
    Estimate TemporalForgetting,
    double? RecoverableErrorShare,
    IReadOnlyList<StepDynamics> Steps)
{
    /// <summary>P_TFS beside what it would be had the order of the checkpoints no meaning; null with one checkpoint.</summary>
    public ForgettingNull? Null { get; init; }
}

/// <summary>Shares of problems by what happened from one checkpoint to the next; they sum to 1.</summary>
public sealed record StepDynamics(string From, string To, double Forget, double Improve, double KeptCorrect, double KeptWrong);

/// <summary>Ever-correct as one sample from each checkpoint shows it, against what it would be had nothing been forgotten.</summary>
/// <param name="ExpectedEverCorrect">Mean over problems of 1 − ∏ⱼ(1 − Cᵢⱼ/Nᵢⱼ): equal to Pass@T|T.</param>
/// <param name="NullEverCorrect">Pass@T of the final checkpoint alone; null when T exceeds the samples drawn.</param>
/// <param name="Excess">Their difference with its paired interval; null with the null reference.</param>
public sealed record SampledForgetting(double ExpectedEverCorrect, double? NullEverCorrect, Estimate? Excess);

/// <summary>The WiSE-FT curve. What chooses sees the select split only; what is claimed comes from the report split.</summary>
/// <param name="Early">The early parent.</param>
/// <param name="Late">The late parent.</param>
/// <param name="SelectProblems">Problems in the select split.</param>
/// <param name="ReportProblems">Problems in the report split.</param>
/// <param name="K">The larger k for which Pass@k is shown beside Pass@1.</param>
/// <param name="Points">By increasing early weight.</param>
/// <param name="Chosen">The early weight with the best Pass@1 on the select split (ties: the smaller weight).</param>
/// <param name="GainOverLate">Pass@1 of the chosen weight minus that of the late parent, on the report split, paired by problem.</param>
public sealed record EarlyWeightScores(
    string Early, string Late, int SelectProblems, int ReportProblems, int K,
    IReadOnlyList<EarlyWeightPoint> Points, double Chosen, Estimate GainOverLate)
{
    /// <summary>The choice: configurations tried, winner's curse, and on the report split the gains over both parents with what can be said of them.</summary>
    public Selection? Selection { get; init; }

    /// <summary>Id of its report split, for the <see cref="LookCounter"/>.</summary>
    public string? ReportSplit { get; init; }
}

/// <summary>One early weight's scores on both splits.</summary>
public sealed record EarlyWeightPoint(
    double EarlyWeight, double SelectPassAt1, double SelectPassAtK, Estimate ReportPassAt1, Estimate ReportPassAtK);

/// <summary>A problem solved on the way and lost at the end.</summary>
/// <param name="ProblemId">The problem.</param>
/// <param name="SolvedAt">Index into the trajectory of the checkpoint that solved it best (latest among equals).</param>
/// <param name="SolvedRate">Its pass rate there.</param>
/// <param name="FinalRate">Its pass rate at the final checkpoint.</param>
/// <param name="SolvedByGreedy">Whether the solving answer to show is the greedy one; otherwise it is sample <paramref name="SolvedSample"/>.</param>
/// <param name="SolvedSample">The lowest index of a correct sample there.</param>
/// <param name="LostByGreedy">Whether the final answer to show is the greedy one; otherwise it is sample <paramref name="LostSample"/>.</param>
/// <param name="LostSample">The lowest index of an incorrect sample at the final checkpoint.</param>
public sealed record LostProblem(
    string ProblemId, int SolvedAt, double SolvedRate, double FinalRate,
    bool SolvedByGreedy, int SolvedSample, bool LostByGreedy, int LostSample);
