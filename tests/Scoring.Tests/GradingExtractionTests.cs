namespace Hindsight.Scoring.Tests;

public class GradingExtractionTests
{
    [Theory]
    [InlineData(@"First \boxed{1}, at last \boxed{2}.", ExtractionRule.Boxed, "2")]
    [InlineData(@"$\boxed{1}$ and $\boxed{2}$", ExtractionRule.Boxed, "1, 2")]
    [InlineData(@"\boxed{\boxed{7}}", ExtractionRule.Boxed, "7")]
    [InlineData("9 * 2 = $18 every day.\n#### 18", ExtractionRule.Hash, "18")]
    [InlineData("The answer is 12 of the 50 apples.", ExtractionRule.Announced, "12")]
    [InlineData("The answer is 35 + 70 = 105 in all.", ExtractionRule.Announced, "105")]
    [InlineData("Answer: x = 4", ExtractionRule.Announced, "x = 4")]
    [InlineData("réponse : 12", ExtractionRule.Announced, "12")]
    [InlineData("Hence $x = 4$ holds.", ExtractionRule.LastFormula, "x = 4")]
    [InlineData("She has 4 apples.", ExtractionRule.LastNumber, "4")]
    [InlineData(@"\frac{1}{2}", ExtractionRule.Whole, @"\frac{1}{2}")]
    public void A_mathematical_answer_names_the_rule_that_found_it(string text, ExtractionRule rule, string answer)
    {
        var extraction = Graders.Extract(GraderKind.Math, text);
        Assert.Equal((rule, answer), (extraction.Rule, extraction.Answer));
    }

    [Theory]
    [InlineData("the answer is (C)", ExtractionRule.Announced)]
    [InlineData(@"\boxed{C}", ExtractionRule.Boxed)]
    [InlineData("Hence I choose C.", ExtractionRule.Letter)]
    public void A_choice_names_the_rule_that_found_it(string text, ExtractionRule rule) =>
        Assert.Equal((rule, "C"), (Graders.Extract(GraderKind.Choice, text).Rule, Graders.Extract(GraderKind.Choice, text).Answer));

    [Theory]
    [InlineData("#### 18\n\nQuestion: Tom has 5 apples", ExtractionRule.Hash, "18")]
    [InlineData("in all 18", ExtractionRule.LastNumber, "18")]
    public void A_number_is_looked_for_after_its_mark_first(string text, ExtractionRule rule, string answer) =>
        Assert.Equal((rule, answer), (Graders.Extract(GraderKind.Number, text).Rule, Graders.Extract(GraderKind.Number, text).Answer));

    [Theory]
    [InlineData(@"The answer is $\frac{1}{2}$, so \boxed{0.5}.", true)]
    [InlineData(@"The answer is 3. Or rather \boxed{4}.", false)]
    [InlineData(@"So \boxed{4}, from 3 and 1.", null)]
    [InlineData("The answer is 4\n#### 4", true)]
    [InlineData("The answer is 4\n#### 5", false)]
    [InlineData("4", null)]
    [InlineData("", null)]
    public void Marks_of_the_writer_agree_when_their_answers_are_equal(string text, bool? agree) => Assert.Equal(agree, Graders.Extract(GraderKind.Math, text).Agree);

    [Fact]
    public void An_open_box_leaves_no_answer_but_shows_what_others_find()
    {
        var extraction = Graders.Extract(GraderKind.Math, @"The answer is 5, \boxed{5");
        Assert.Null(extraction.Answer);
        Assert.Contains(new ExtractedAnswer(ExtractionRule.Announced, "5"), extraction.Found);
    }

    [Theory]
    [InlineData("in all 18", true)]
    [InlineData("#### 18", false)]
    [InlineData("", false)]
    public void A_guess_is_told_from_an_answer_that_was_marked(string text, bool guess) => Assert.Equal(guess, Graders.Extract(GraderKind.Number, text).IsGuess);

    [Theory]
    [InlineData("(A) 5", "A", true)]
    [InlineData("B", "(B) 7", true)]
    [InlineData("B", "(A) 7", false)]
    public void An_option_is_its_letter(string gold, string answer, bool equal) =>
        Assert.Equal(equal, Graders.Grade(GraderKind.Math, [gold], $@"\boxed{{{answer}}}", truncated: false, 0, 0).Verdict == Verdict.Correct);

    [Theory]
    [InlineData("1,2", "2, 1")]
    [InlineData("x = 5", "5.0")]
    [InlineData(@"\pm 3", "-3, 3")]
    [InlineData("twelve", "12")]
    [InlineData(@"1\frac12", "3/2")]
    public void Equal_exact_answers_vote_together(string one, string other) =>
        Assert.Equal(Vote(one), Vote(other));

    private static string? Vote(string answer) => Graders.Grade(GraderKind.Math, ["?"], $@"\boxed{{{answer}}}", truncated: false, 0, 0).Answer;
}
