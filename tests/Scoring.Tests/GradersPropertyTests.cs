using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Scoring.Tests;

public class GradersPropertyTests
{
    /// <summary>Pieces that graders look for, among digits and signs of other scripts that only look like them.</summary>
    private static readonly string[] Pieces =
    [
        "1", "23", ".", ",", "-", "−", "/", "%", "e5", "$", "\\boxed{", "}", "{", "\\frac{", "\\sqrt", "answer is ", "(C)", " ", "\n", "٣", "५", "²", "①", "½", "Ⅷ", "𝟙", "\ud800", "\0", "x", "=",
    ];

    [Fact]
    public void Whatever_a_model_writes_is_graded() => Prop.ForAll(
        Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces)).Two().ToArbitrary(),
        texts =>
        {
            foreach (var kind in Enum.GetValues<GraderKind>())
            {
                Graders.Grade(kind, [texts.Item1, "42"], texts.Item2, truncated: false, 0, 1);
                Graders.Grade(kind, ["٣"], $"the answer is {texts.Item2}", truncated: true, 0, 1);
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Digits_of_other_scripts_are_no_numbers() =>
        Assert.Equal(Verdict.Wrong, Graders.Grade(GraderKind.Number, ["3"], "2 or ٣", truncated: false, 0, 1).Verdict);
}
