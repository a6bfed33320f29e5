using System.Text.Json;

namespace Hindsight.Scoring.Tests;

/// <summary>
/// Verdicts that other projects expect of their own graders. They contradict each other in places (10 % and 10, the order of a list), and no
/// grader satisfies all. Where they do, mathematics decides.
/// </summary>
public class GradingAgreementTests
{
    private sealed record Case(string Id, string Gold, string Prediction, bool Equal, string Source, bool Letters)
    {
        public bool Holds()
        {
            // Rows without an extraction are answers already taken out of their text.
            var text = Letters || Prediction.Contains("boxed", StringComparison.Ordinal) || !IsExtracted ? Prediction : $@"\boxed{{{Prediction} }}";
            var kind = Letters ? GraderKind.Choice : GraderKind.Math;
            return (Graders.Grade(kind, [Gold], text, truncated: false, 0, 0).Verdict == Verdict.Correct) == Equal;
        }

        private bool IsExtracted => Source.StartsWith("QwenLM", StringComparison.Ordinal)
            || Source.StartsWith("hendrycks", StringComparison.Ordinal)
            || Source.StartsWith("NVIDIA", StringComparison.Ordinal);
    }

    private static readonly List<Case> Cases =
    [
        .. File.ReadLines(TestData.PathTo("grading", "cases.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).Select(row => new Case(
            row.GetProperty("id").GetString()!,
            row.GetProperty("gold").GetString()!,
            row.GetProperty("prediction").GetString()!,
            row.GetProperty("equal").GetBoolean(),
            row.GetProperty("source").GetString()!,
            row.TryGetProperty("extraction", out var extraction) && extraction.GetString()!.Contains("NativeLetters", StringComparison.Ordinal))),
    ];

    /// <summary>The verdicts that ours contradicts, each with the reason.</summary>
    private static readonly Dictionary<string, string> Contradicted = new()
    {
        ["g0029"] = "a 9 alone between dollar signs counts as no answer there, because they span lines; we read it",
        ["g0155"] = "the same with TeX's parentheses",
        ["g0109"] = "10{,}000 is 10000; the recorded verdict is a failure to read the braces",
        ["g0119"] = "an inequality and its interval are the same set, whichever of them is gold",
        ["g0150"] = "f(x) and f(y) are equal there only in a mode that ignores names",
        ["g0175"] = "the texts are unevaluated source code of that test, not answers",
    };

    [Theory]
    [InlineData("hendrycks/math", 8, 0.95)]
    [InlineData("QwenLM/Qwen2.5-Math", 55, 0.90)]
    [InlineData("huggingface/Math-Verify", 130, 0.90)]
    [InlineData("huggingface/lighteval", 22, 0.95)]
    [InlineData("NVIDIA-NeMo/Skills", 16, 0.95)]
    [InlineData("UKGovernmentBEIS/inspect_ai", 12, 0.95)]
    public void Verdicts_agree_with_those_of_other_projects(string source, int count, double share)
    {
        var cases = Cases.Where(one => one.Source.StartsWith(source, StringComparison.Ordinal)).ToList();
        Assert.Equal(count, cases.Count);
        var missed = cases.Where(one => !one.Holds()).Select(one => one.Id).ToList();
        Assert.True(1 - (missed.Count / (double)count) >= share, $"{missed.Count} of {count} missed: {string.Join(' ', missed)}");
    }

    [Fact]
    public void Every_verdict_that_we_contradict_has_its_reason() =>
        Assert.Equal(Contradicted.Keys.Order(), Cases.Where(one => !one.Holds()).Select(one => one.Id).Order());
}
