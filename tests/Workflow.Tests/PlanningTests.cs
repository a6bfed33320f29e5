using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Workflow.Tests;

public class PlanningTests
{
    [Fact]
    public void Gaps_are_exactly_what_is_wanted_and_not_stored() => Prop.ForAll<int[], byte>((stored, count) =>
    {
        var have = stored.Select(index => Math.Abs(index % 40)).ToHashSet();
        var gaps = EvaluationPlanner.Gaps(have, count % 40).ToList();
        var missing = gaps.SelectMany(gap => Enumerable.Range(gap.First, gap.Count)).ToList();
        return missing.SequenceEqual(Enumerable.Range(0, count % 40).Where(index => !have.Contains(index)))
            && gaps.Zip(gaps.Skip(1)).All(pair => pair.First.First + pair.First.Count < pair.Second.First);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("checkpoint-500", 500L)]
    [InlineData("step_20", 20L)]
    [InlineData("global_step7", 7L)]
    [InlineData("100", 100L)]
    [InlineData("v2-final", null)]
    [InlineData("base", null)]
    public void The_step_is_the_number_a_name_ends_in(string name, long? step) => Assert.Equal(step, Names.Step(name));

    [Theory]
    [InlineData("checkpoint-500", true)]
    [InlineData("Qwen2.5-0.5B_a+b=c", true)]
    [InlineData("", false)]
    [InlineData("..", false)]
    [InlineData(".hidden", false)]
    [InlineData("a/b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a b", false)]
    [InlineData("ends.", false)]
    [InlineData("tab\t", false)]
    public void Only_plain_names_are_safe(string name, bool safe) => Assert.Equal(safe, Names.IsSafe(name));

    [Theory]
    [InlineData("""{"subject": "/blobServices/default/containers/checkpoints/blobs/run/checkpoint-1/config.json"}""", "run/checkpoint-1/config.json")]
    [InlineData("""[{"subject": "/blobServices/default/containers/checkpoints/blobs/run/evaluation.json"}]""", "run/evaluation.json")]
    [InlineData("""{"subject": 3}""", null)]
    [InlineData("""[]""", null)]
    [InlineData("hello", null)]
    public void An_event_names_its_blob(string message, string? blob) => Assert.Equal(blob, BlobCreated.Parse(new BinaryData(message))?.Blob);
}
