using System.Text;

namespace Hindsight.Workflow.Tests;

public class EvaluationSpecTests
{
    [Fact]
    public void An_empty_object_gives_the_defaults() => Assert.Equivalent(new EvaluationSpec(), Parse("{}"));

    [Fact]
    public void What_is_written_reads_back()
    {
        var spec = new EvaluationSpec { Suite = "s", SamplesPerProblem = 3, Checkpoints = ["checkpoint-1"], EarlyWeights = [0.1], Stop = ["\n"], Seed = ulong.MaxValue };

        Assert.Equivalent(spec, EvaluationSpec.Parse(spec.ToJson(), "evaluation.json"), strict: true);
    }

    [Theory]
    [InlineData("""{"samples": 3}""", "unknown field 'samples'")]
    [InlineData("""{"samplesPerProblem": "3"}""", "field 'samplesPerProblem' cannot be read")]
    [InlineData("""{"samplesPerProblem": -1}""", "field 'samplesPerProblem' must be between")]
    [InlineData("""{"samplesPerProblem": 0, "greedy": false}""", "nothing to draw")]
    [InlineData("""{"temperature": 0}""", "field 'temperature'")]
    [InlineData("""{"topP": 1.5}""", "field 'topP'")]
    [InlineData("""{"topK": -2}""", "field 'topK'")]
    [InlineData("""{"maxTokens": 0}""", "field 'maxTokens'")]
    [InlineData("""{"stop": [""]}""", "field 'stop'")]
    [InlineData("""{"prompt": "no place"}""", "field 'prompt' must contain {question}")]
    [InlineData("""{"checkpoints": []}""", "field 'checkpoints'")]
    [InlineData("""{"checkpoints": ["../x"]}""", "field 'checkpoints'")]
    [InlineData("""{"checkpoints": [null]}""", "field 'checkpoints'")]
    [InlineData("""{"prompt": null}""", "cannot be read")]
    [InlineData("""{"checkpoints": ["a", "a"]}""", "names a checkpoint twice")]
    [InlineData("""{"earlyWeights": [1.1]}""", "field 'earlyWeights'")]
    [InlineData("""{"early": "a/b"}""", "field 'early'")]
    [InlineData("""{"selectShare": 1}""", "field 'selectShare'")]
    [InlineData("""{"precision": "float8"}""", "field 'precision' must be one of float32, int8, float16, bfloat16")]
    [InlineData("""{"nightly": {"sentinel": 1}}""", "field 'nightly.sentinel' must be between")]
    [InlineData("""{"nightly": {"margin": 1}}""", "field 'nightly.margin'")]
    [InlineData("""{"nightly": {"falseAlertRate": 0}}""", "field 'nightly.falseAlertRate'")]
    [InlineData("""{"nightly": {"window": 0}}""", "field 'nightly.window'")]
    [InlineData("""{"nightly": {"webhook": "http://example.com/x"}}""", "field 'nightly.webhook' must be an absolute address that starts with https://")]
    [InlineData("""{"nightly": {"webhook": "https://user:word@example.com/x"}}""", "field 'nightly.webhook'")]
    [InlineData("""{"nightly": {}, "samplesPerProblem": 0}""", "field 'nightly' redraws sampled answers")]
    [InlineData("""{"nightly": {"hook": 1}}""", "unknown field 'nightly.hook'")]
    [InlineData("""{"precision": 32}""", "field 'precision' cannot be read")]
    [InlineData("""{"seed": -1}""", "field 'seed' cannot be read")]
    [InlineData("""{"seed": 1, "seed": 2}""", "cannot be read")]
    [InlineData("""{"seed": 1""", "cannot be read")]
    [InlineData("null", "holds null")]
    public void A_bad_spec_is_refused_with_the_field_named(string json, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => Parse(json));

        Assert.Contains("evaluation.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private static EvaluationSpec Parse(string json) => EvaluationSpec.Parse(Encoding.UTF8.GetBytes(json), "evaluation.json");
}
