using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

public class DeviceTimesTests
{
    private static readonly Evaluation Evaluation = new()
    {
        Graders = "1",
        Run = "run",
        Suite = "s",
        SuiteDigest = "d",
        Trajectory = [Checkpoint("checkpoint-1"), Checkpoint("checkpoint-2")],
        Refused = [],
        RewardModel = Checkpoint("prm"),
        Spec = new EvaluationSpec
        {
            RewardModel = new RewardModelSpec { Name = "prm" },
            SamplesPerProblem = 16,
            Particles = new ParticleSpec { Budget = 8, PlainSamples = 16, Methods = [PopulationKind.BeamSearch], Allocations = [new Allocation(8, 1, 1)] },
            PricePerDeviceHour = 7,
        },
    };

    private static readonly Dictionary<Stage, StageProgress> Progress = new()
    {
        [Stage.Trajectory] = Measured((0, 1_000, 2), (1, 3_000, 6)),
        [Stage.Rewards] = Measured((0, 50_000, 5), (1, 50_000, 5)),
        // The filter, the beam search, and the mixture's two.
        [Stage.Particles] = Measured((0, 500, 10), (0, 500, 20), (1, 100, 4), (2, 100, 1), (3, 300, 1)),
    };

    [Theory]
    [InlineData("greedy", BudgetSource.Checkpoints, 40, 0, 40 * 0.002)]
    [InlineData("best-of-4", BudgetSource.Checkpoints, 160, 1_000, (160 * 0.002) + (1_000 * 0.0001))]
    [InlineData("WiSE-FT", BudgetSource.Interpolations, 160, 0, 160 * 0.002)]
    [InlineData("particle filter of 8", BudgetSource.Populations, 300, 9_999, 300 * 0.03)]
    [InlineData("beam search of 8", BudgetSource.Populations, 200, 9_999, 200 * 0.04)]
    [InlineData("particle filters over 2 checkpoints", BudgetSource.Populations, 400, 9_999, 400 * 0.005)]
    public void A_method_takes_its_tokens_at_the_pace_of_the_shards_that_drew_them(string name, BudgetSource source, double drawn, double read, double seconds)
    {
        Assert.Equal(4, Evaluation.Variants(Stage.Particles).Count);
        var timings = DeviceTimes.Of(Evaluation, 9, Budget(new BudgetMethod(name, name, true, new Estimate(0.5, 0, 1), drawn, read) { Source = source }), Progress, default);
        var time = Assert.Single(timings.Methods);
        Assert.Equal(name, time.Method);
        Assert.Equal(seconds, time.Seconds, 1e-12);
    }

    [Fact]
    public void What_was_drawn_for_another_evaluation_has_no_time_here()
    {
        var nothing = Progress.ToDictionary(stage => stage.Key, stage => stage.Value with { Done = stage.Value.Done.ToDictionary(shard => shard.Key, _ => new ShardDone(0, 0, 0)) });
        var method = new BudgetMethod("particle filter of 8", "particle filter", true, new Estimate(0.5, 0, 1), 300, 100) { Source = BudgetSource.Populations };
        Assert.Empty(DeviceTimes.Of(Evaluation, 9, Budget(method), nothing, default).Methods);
        Assert.Equal(0, DeviceTimes.Of(Evaluation, 9, null, nothing, default).TokensPerSecond);
    }

    [Fact]
    public void Plain_samples_that_were_all_there_take_the_pace_of_those_drawn_beside_the_methods()
    {
        var evaluation = Evaluation with { Spec = Evaluation.Spec with { Particles = Evaluation.Spec.Particles! with { PlainSamples = 48 } } };
        Assert.Null(evaluation.Variants(Stage.Particles)[4].Method);
        var progress = new Dictionary<Stage, StageProgress> { [Stage.Trajectory] = Measured(), [Stage.Particles] = Measured((0, 500, 10), (4, 1_000, 3)) };
        var method = new BudgetMethod("self-consistency, Maj@4", "self-consistency", true, new Estimate(0.5, 0, 1), 200, 0);
        Assert.Equal(200 * 0.003, Assert.Single(DeviceTimes.Of(evaluation, 9, Budget(method), progress, default).Methods).Seconds, 1e-12);
    }

    [Fact]
    public void Tokens_that_a_reward_model_read_of_stored_answers_are_not_tokens_drawn()
    {
        var timings = DeviceTimes.Of(Evaluation, 9, null, Progress, default);
        Assert.Equal((5_500L, 5_500 / 44.0, 7.0), (timings.Tokens, timings.TokensPerSecond, timings.PricePerDeviceHour!.Value));
        // Seven shards of answers have one each.
        Assert.Equal(2, timings.Unmeasured);
        Assert.Equal([("Trajectory", 8.0), ("Rewards", 10), ("Particles", 36)], timings.Stages.Select(stage => (stage.Stage, stage.Seconds)));
    }

    private static CheckpointVersion Checkpoint(string name) => new(name, null, [new CheckpointFile("model.safetensors", 1, name)]);

    private static StageProgress Measured(params (int Variant, long Tokens, double Seconds)[] shards) => new(
        new StagePlan([.. shards.Select(shard => new Shard([new WantedAnswers(shard.Variant, 0, AnswerKind.Sampled, 0, 1)]))], []),
        shards.Index().ToDictionary(shard => shard.Index, shard => new ShardDone(1, shard.Item.Tokens, shard.Item.Seconds)),
        new Dictionary<int, ShardFailed>(), new Dictionary<int, DateTimeOffset>());

    private static BudgetScores Budget(BudgetMethod method) => new(1, 1, "", [], [method], [], new ComparisonFamily("", 0, []), [], []);
}
