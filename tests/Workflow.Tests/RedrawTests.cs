using System.Text;
using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

/// <summary>What a night draws again of an evaluation that asks for everything, and what it compares that with.</summary>
public class RedrawTests
{
    private static readonly Suite Suite = Suite.Parse("s", Encoding.UTF8.GetBytes("""{"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}"""));
    private static readonly CheckpointVersion Final = new("checkpoint-2", 2, [new CheckpointFile("model.safetensors", 1, "b")]);

    private static readonly Evaluation Asked = new()
    {
        Graders = Graders.Version,
        Run = "run",
        Suite = "s",
        SuiteDigest = Suite.Digest,
        Trajectory = [new CheckpointVersion("checkpoint-1", 1, [new CheckpointFile("model.safetensors", 1, "a")]), Final],
        Refused = [],
        RewardModel = new CheckpointVersion("prm", null, []),
        Spec = new EvaluationSpec { Temperature = 1, Temperatures = [0.5], RewardModel = new RewardModelSpec { Name = "prm" }, Particles = new ParticleSpec() },
    };

    [Fact]
    public void A_night_draws_the_samples_of_one_checkpoint_and_nothing_else()
    {
        Assert.Equal([Stage.Trajectory, Stage.Temperatures, Stage.Rewards, Stage.Particles], Asked.Stages);

        var redrawn = NightlyCheck.Redrawn(Asked, Suite, Final, seed: 7);

        Assert.Equal([Stage.Trajectory], redrawn.Stages);
        Assert.Equal([Final], redrawn.Trajectory);
        Assert.Equal((1, 7UL, false), (redrawn.Spec.Temperature, redrawn.Spec.Seed, redrawn.Spec.Greedy));
    }

    [Fact]
    public async Task Samples_at_other_temperatures_and_particles_are_not_counted_with_a_baseline()
    {
        var lines = AnswerLines.Write(Suite,
        [
            Variant(new Variant(Asked.Trajectory[0]), AnswerKind.Sampled, "2", "2"),
            Variant(new Variant(Final), AnswerKind.Sampled, "2", "3", "4"),
            Variant(new Variant(Final) { Temperature = 0.5 }, AnswerKind.Sampled, "2", "2", "2"),
            Variant(new Variant(Final) { Method = new PopulationMethod(PopulationKind.ParticleFilter, 2) }, AnswerKind.Particles, "2", "2"),
        ]);

        var counts = await ReportedAnswers.CountAsync(new MemoryStream(Encoding.UTF8.GetBytes(lines)), "answers.jsonl", Asked, Suite, CancellationToken.None);

        Assert.Equal([("a", 3, 1)], counts.Select(count => (count.ProblemId, count.Drawn, count.Correct)));
    }

    private static GradedVariant Variant(Variant variant, AnswerKind kind, params string[] texts) => new(
        variant,
        [.. texts.Select((text, sample) => new GradedCompletion(
            0, kind, new Answer(variant.WeightsDigest, "d", "p", sample, 0, [1], text, 0, FinishReason.Stop, "CPU"),
            Graders.Grade(GraderKind.Number, ["2"], text, truncated: false, sample, 1)))],
        new Dictionary<int, (int, string?)>(), null);
}
