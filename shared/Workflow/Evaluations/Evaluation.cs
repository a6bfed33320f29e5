using System.Globalization;
using System.Text.Json.Serialization;
using Hindsight.Generation;
using Hindsight.Models;
using Hindsight.Reporting;

namespace Hindsight.Workflow;

/// <summary>A complete checkpoint, by content.</summary>
/// <param name="Name">Its folder in the run.</param>
/// <param name="Step">The training step, where the name tells it.</param>
/// <param name="Files">Its files, by name.</param>
/// <param name="Base">Of a LoRA adapter the model that it was trained on; null for a whole model.</param>
public sealed record CheckpointVersion(string Name, long? Step, IReadOnlyList<CheckpointFile> Files, CheckpointVersion? Base = null)
{
    /// <summary>Whether the folder holds a LoRA adapter and no whole model.</summary>
    [JsonIgnore]
    public bool IsAdapter => CheckpointFiles.IsAdapter(Files.ToDictionary(file => file.Name, file => file.Size));

    /// <summary>Digest of every tensor file and the config, of an adapter and of its base: what answers belong to.</summary>
    [JsonIgnore]
    public string WeightsDigest => Base is null ? OwnDigest : Digest.OfJson(new { @base = Base.WeightsDigest, adapter = OwnDigest });

    /// <summary>Digest of the tokenizer.json that counts: an adapter without one uses its base's.</summary>
    [JsonIgnore]
    public string? TokenizerDigest => Files.FirstOrDefault(file => file.Name == CheckpointFiles.Tokenizer)?.Sha256 ?? Base?.TokenizerDigest;

    /// <summary>The whole model: of an adapter its base.</summary>
    [JsonIgnore]
    public CheckpointVersion Model => Base ?? this;

    private string OwnDigest => CheckpointFiles.WeightsDigest(Files.ToDictionary(file => file.Name, file => file.Sha256));
}

/// <summary>
/// A set of weights that answers are drawn from: a checkpoint (no early parent), or
/// <c>earlyWeight · early + (1 − earlyWeight) · late</c>. Of two adapters of one base, that is the base with the mean of their updates.
/// </summary>
public sealed record Variant(CheckpointVersion Late, CheckpointVersion? Early = null, double EarlyWeight = 0)
{
    /// <summary>How its answers are drawn together; null where each is drawn by itself.</summary>
    public PopulationMethod? Method { get; init; }

    /// <summary>The interpolation of two parents; the end points are the parents themselves, so that their answers are shared.</summary>
    public static Variant Interpolate(CheckpointVersion early, CheckpointVersion late, double earlyWeight) => earlyWeight switch
    {
        0 => new Variant(late),
        1 => new Variant(early),
        _ => new Variant(late, early, earlyWeight),
    };

    /// <summary>The temperature of its samples; null for the evaluation's.</summary>
    public double? Temperature { get; init; }

    /// <summary>What a person reads.</summary>
    public string Name => Method is not null ? $"{WeightsName}, {Method.Name}"
        : Temperature is { } temperature ? string.Create(CultureInfo.InvariantCulture, $"{WeightsName} at temperature {temperature}")
        : WeightsName;

    private string WeightsName => Early is null
        ? Late.Name
        : string.Create(CultureInfo.InvariantCulture, $"{EarlyWeight:0.###} × {Early.Name} + {1 - EarlyWeight:0.###} × {Late.Name}");

    /// <summary>Digest of the weights: of the checkpoint, or of both parents and the coefficient.</summary>
    public string WeightsDigest => Early is null
        ? Late.WeightsDigest
        : Digest.OfJson(new { early = Early.WeightsDigest, late = Late.WeightsDigest, EarlyWeight });
}

/// <summary>
/// An evaluation, frozen: what was asked for, and the exact contents it is asked of. Its id is the digest of all that, so the same
/// question about the same contents is the same evaluation, and a late checkpoint makes a new one that shares the answers.
/// </summary>
public sealed record Evaluation
{
    /// <summary>Version of the graders: a new one scores the stored answers again.</summary>
    public required string Graders { get; init; }

    /// <summary>The run's name.</summary>
    public required string Run { get; init; }

    /// <summary>What was asked for.</summary>
    public required EvaluationSpec Spec { get; init; }

    /// <summary>Name of the suite; its content is frozen beside this document.</summary>
    public required string Suite { get; init; }

    /// <summary>Digest of the suite's content.</summary>
    public required string SuiteDigest { get; init; }

    /// <summary>The files of training text that the problems are looked for in; null for none.</summary>
    public IReadOnlyList<TrainingFile>? TrainingText { get; init; }

    /// <summary>The model before training, if there is one.</summary>
    public CheckpointVersion? Base { get; init; }

    /// <summary>The checkpoints in training order. At least one.</summary>
    public required IReadOnlyList<CheckpointVersion> Trajectory { get; init; }

    /// <summary>The early parent of the interpolations; null when none are wanted.</summary>
    public CheckpointVersion? Early { get; init; }

    /// <summary>The late parent.</summary>
    public CheckpointVersion? Late { get; init; }

    /// <summary>The reward model that scores answers; null for none.</summary>
    public CheckpointVersion? RewardModel { get; init; }

    /// <summary>Checkpoints that were left out, and why.</summary>
    public required IReadOnlyList<RefusedCheckpoint> Refused { get; init; }

    /// <summary>The evaluation's id.</summary>
    [JsonIgnore]
    public string Id => Digest.OfJson(this)[..16];

    /// <summary>Digest of the reward model and of how answers are shown to it; null without one.</summary>
    [JsonIgnore]
    public string? RewardDigest => RewardModel is null ? null : Digest.OfJson(new
    {
        RewardScoring.Version,
        // The template is in tokenizer_config.json: every file counts.
        RewardModel.Files,
        Spec.RewardModel!.Separator,
        Spec.RewardModel.Label,
        Spec.RewardModel.Delimiter,
        whole = Spec.RewardModel.Aggregation == Aggregation.Model,
    });

    /// <summary>Early weights to draw from, end points included, ascending; empty when no interpolation is wanted.</summary>
    [JsonIgnore]
    public IReadOnlyList<double> EarlyWeights => Early is null ? [] : [.. Spec.EarlyWeights.Append(0).Append(1).Distinct().Order()];

    /// <summary>The variants whose answers a stage wants.</summary>
    public IReadOnlyList<Variant> Variants(Stage stage) => stage switch
    {
        Stage.Trajectory => [.. (Base is null ? Trajectory : Trajectory.Prepend(Base)).Select(checkpoint => new Variant(checkpoint))],
        Stage.Temperatures => [.. OtherTemperatures.Select(temperature => new Variant(Trajectory[^1]) { Temperature = temperature })],
        Stage.Rewards => [.. Trajectory.Select(checkpoint => new Variant(checkpoint))],
        Stage.Particles => [.. Populations],
        Stage.Interpolation => [.. EarlyWeights.Select(weight => Variant.Interpolate(Early!, Late!, weight))],
        _ => throw new ArgumentOutOfRangeException(nameof(stage)),
    };

    /// <summary>The stages of this evaluation, in order.</summary>
    [JsonIgnore]
    public IReadOnlyList<Stage> Stages =>
    [
        Stage.Trajectory,
        .. EarlyWeights.Count > 0 ? [Stage.Interpolation] : (Stage[])[],
        .. OtherTemperatures.Count > 0 ? [Stage.Temperatures] : (Stage[])[],
        .. RewardModel is not null && Spec.SamplesPerProblem > 0 ? [Stage.Rewards] : (Stage[])[],
        .. Spec.Particles is not null ? [Stage.Particles] : (Stage[])[],
    ];

    [JsonIgnore]
    private IReadOnlyList<double> OtherTemperatures => [.. (Spec.Temperatures ?? []).Where(temperature => temperature != Spec.Temperature).Distinct().Order()];

    /// <summary>Plain samples of the final checkpoint that are wanted for each problem: those of the trajectory, or more for what is compared at equal budget.</summary>
    [JsonIgnore]
    public int PlainSamples => Spec.Particles is not { } particles ? Spec.SamplesPerProblem
        : Math.Max(Spec.SamplesPerProblem, particles.PlainSamples ?? Math.Max(Spec.SamplesPerProblem, particles.Budget) * (RewardModel is null ? 1 : particles.LookAhead ? 4 : 3));

    /// <summary>The final checkpoint by each method, the budget spread over the whole trajectory, and more plain samples of the final checkpoint.</summary>
    private IEnumerable<Variant> Populations
    {
        get
        {
            var particles = Spec.Particles!;
            foreach (var method in particles.ToMethods())
            {
                yield return new Variant(Trajectory[^1]) { Method = method };
            }

            // Late checkpoints first where the budget does not go round.
            for (var back = 0; particles.Mixture && Trajectory.Count > 1 && back < Math.Min(Trajectory.Count, particles.Budget); back++)
            {
                var share = (particles.Budget / Trajectory.Count) + (back < particles.Budget % Trajectory.Count ? 1 : 0);
                yield return new Variant(Trajectory[Trajectory.Count - 1 - back]) { Method = new PopulationMethod(PopulationKind.ParticleFilter, share) { IsMixture = true } };
            }

            // Last: plans of before there were any count the others from the first.
            if (PlainSamples > Spec.SamplesPerProblem)
            {
                yield return new Variant(Trajectory[^1]);
            }
        }
    }
}

/// <summary>One round of an evaluation.</summary>
public enum Stage
{
    /// <summary>Answers from the base model and every checkpoint.</summary>
    Trajectory,

    /// <summary>Answers from interpolations of the early and the late parent.</summary>
    Interpolation,

    /// <summary>Samples of the final checkpoint at other temperatures.</summary>
    Temperatures,

    /// <summary>The reward model's scores of the trajectory's sampled answers.</summary>
    Rewards,

    /// <summary>Answers of particle methods under the reward model.</summary>
    Particles,
}
