using System.Text;
using Hindsight.Reporting;

namespace Hindsight.Workflow.Tests;

public class DevicePriceTests
{
    [Fact]
    public void A_spec_without_a_price_keeps_its_evaluation_and_one_with_a_price_keeps_its_answers()
    {
        var (without, with) = (Parse("{}"), Parse("""{"pricePerDeviceHour": 2.5}"""));

        Assert.Equal(2.5, with.PricePerDeviceHour);
        Assert.DoesNotContain("price", Encoding.UTF8.GetString(without.ToJson()), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(Of(without).Id, Of(with with { PricePerDeviceHour = null }).Id);
        Assert.NotEqual(Of(without).Id, Of(with).Id);
        Assert.Equal(Digest.OfJson(without.Sampling), Digest.OfJson(with.Sampling));
        Assert.Equal(Digest.OfJson(without.GreedyDecoding), Digest.OfJson(with.GreedyDecoding));
    }

    [Theory]
    [InlineData("-0.01", "field 'pricePerDeviceHour' must be a number of 0 or more")]
    [InlineData("1e999", "field 'pricePerDeviceHour'")]
    [InlineData("\"2\"", "field 'pricePerDeviceHour' cannot be read")]
    public void A_price_that_is_none_is_refused(string price, string why) =>
        Assert.Contains(why, Assert.Throws<InvalidDataException>(() => Parse($$"""{"pricePerDeviceHour": {{price}}}""")).Message, StringComparison.Ordinal);

    private static Evaluation Of(EvaluationSpec spec) => new()
    {
        Graders = "1",
        Run = "r",
        Spec = spec,
        Suite = "s",
        SuiteDigest = "d",
        Trajectory = [new("checkpoint-1", 1, [])],
        Refused = Array.Empty<RefusedCheckpoint>(),
    };

    private static EvaluationSpec Parse(string json) => EvaluationSpec.Parse(Encoding.UTF8.GetBytes(json), "evaluation.json");
}
