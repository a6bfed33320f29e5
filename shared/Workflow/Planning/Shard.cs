namespace Hindsight.Workflow;

/// <summary>How answers are drawn, or what is wanted of them.</summary>
public enum AnswerKind
{
    /// <summary>One answer at temperature 0.</summary>
    Greedy,

    /// <summary>The spec's temperature, top_p and top_k.</summary>
    Sampled,

    /// <summary>The reward model's scores of sampled answers.</summary>
    Rewards,

    /// <summary>Answers that grew together, by the variant's method.</summary>
    Particles,
}

/// <summary>Answers wanted of one variant to one problem.</summary>
/// <param name="Variant">Index into the variants of the plan's stage.</param>
/// <param name="Problem">Index into the suite.</param>
/// <param name="Kind">How they are drawn.</param>
/// <param name="First">First sample index.</param>
/// <param name="Count">How many, from there.</param>
public sealed record WantedAnswers(int Variant, int Problem, AnswerKind Kind, int First, int Count);

/// <summary>
/// The unit of work one worker takes: some problems and sample indices of one variant, or of all that share a batch (see
/// <see cref="StagePlan.Together"/>).
/// </summary>
/// <param name="Wanted">What is wanted, by problem, then variant; a worker draws what is still missing of it.</param>
public sealed record Shard(IReadOnlyList<WantedAnswers> Wanted);

/// <summary>All shards of a stage. Written once; what it leaves out was stored already.</summary>
/// <param name="Shards">The shards.</param>
/// <param name="Together">
/// The variants that are low-rank updates of one base, by index: their answers are drawn in one batch, beside those of the bare base.
/// </param>
public sealed record StagePlan(IReadOnlyList<Shard> Shards, IReadOnlyList<int> Together);

/// <summary>Written when a shard's answers are all stored. Times are measured and take no part in any score.</summary>
/// <param name="Answers">Answers drawn by the worker that finished it.</param>
/// <param name="Tokens">Tokens drawn for them; of a reward model's scores, tokens it read of the answers.</param>
/// <param name="Seconds">Device time, from the weights being there to the last answer being stored.</param>
public sealed record ShardDone(int Answers, long Tokens, double Seconds);

/// <summary>Written when a shard is given up.</summary>
/// <param name="Why">One sentence.</param>
/// <param name="Final">Whether bad input is the reason, which trying again does not mend.</param>
public sealed record ShardFailed(string Why, bool Final);

/// <summary>What the attempts at a shard that reported back came to. Attempts whose worker just died are not among them.</summary>
/// <param name="Times">How many failed.</param>
/// <param name="Why">What the latest failed with.</param>
public sealed record ShardAttempts(int Times, string Why);

/// <summary>Written by the watchdog when it offers a lost shard again.</summary>
/// <param name="Times">How often by now.</param>
public sealed record ShardOffered(int Times);
