using FsCheck;
using FsCheck.Fluent;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class ScoresJsonTests
{
    [Fact]
    public void What_is_read_back_writes_the_same_bytes()
    {
        foreach (var data in Degenerate.Reports.Append(SampleReport.Make()).Append(Hostile.Report()))
        {
            var json = ScoresJson.Write(data.Scores);
            Assert.Equal(json, ScoresJson.Write(ScoresJson.Read(json)));
        }
    }

    [Fact]
    public void Every_finite_double_reads_back_as_itself() => Prop.ForAll(
        ArbMap.Default.ArbFor<NormalFloat>(),
        value => ScoresJson.Read(ScoresJson.Write(With(value.Get))).Trajectory[0].PassAt1!.Value.Equals(value.Get)).QuickCheckThrowOnFailure();

    [Fact]
    public void Names_are_camel_case_and_lines_end_with_LF()
    {
        var json = ScoresJson.Write(SampleReport.Make().Scores);
        Assert.Contains("\n  \"problemCount\": 64,\n", json, StringComparison.Ordinal);
        Assert.Contains("\"passAtK\": [", json, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", json, StringComparison.Ordinal);
        Assert.EndsWith("}\n", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"problemCount\": 3}")]
    [InlineData("{\"problemCount\": 1e400}")]
    public void A_broken_file_is_refused_with_what_to_do(string json)
    {
        var refusal = Assert.Throws<InvalidDataException>(() => ScoresJson.Read(json));
        Assert.StartsWith("scores.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_given_twice_is_refused()
    {
        var json = ScoresJson.Write(With(0.5)).Replace("\"problemCount\": 1,", "\"problemCount\": 1,\n  \"problemCount\": 2,", StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => ScoresJson.Read(json));
    }

    private static EvaluationScores With(double value) => new()
    {
        ProblemCount = 1,
        IncompleteProblems = [],
        SamplesPerProblem = 1,
        Trajectory = [new("checkpoint-1", 1, new(value, 0, 1), null, new(0, 1, 0, 0, 0, 0))],
        Problems = [],
        PassAtK = [],
        MajAtK = [],
        LostProblems = [],
    };
}
