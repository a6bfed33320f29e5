namespace Hindsight.Generation.Tests;

public class StepRuleTests
{
    private static readonly StepRule Rule = new();

    [Fact]
    public void A_stop_text_ends_an_answer_in_the_step_that_completes_it_and_in_no_other()
    {
        var rule = Rule with { Stop = ["\\boxed", "####"] };
        Assert.False(rule.EndsAnswer(["We add 1 and 2.\n\n"]));
        Assert.True(rule.EndsAnswer(["We add 1 and 2.\n\n", "It is $\\boxed{3}$.\n\n"]));
        Assert.True(rule.EndsAnswer(["#### 3\n\n"]));
        Assert.False(rule.EndsAnswer(["It is $\\boxed{3}$.\n\n", "That was easy.\n\n"]));
        Assert.False(rule.EndsAnswer(["It is boxed.\n\n"]));
        // Cut by the most tokens of a step.
        Assert.False(rule.EndsAnswer(["It is \\bo"]));
        Assert.True(rule.EndsAnswer(["It is \\bo", "xed{3}"]));
        Assert.True(rule.EndsAnswer(["It is \\b", "o", "xed{3}"]));
    }

    [Fact]
    public void A_stop_pattern_stands_in_for_the_texts()
    {
        var rule = Rule with { Stop = ["####"], StopPattern = @"(?i)\banswer\s+is\b.*\d" };
        Assert.True(rule.EndsAnswer(["The Answer  is 12."]));
        Assert.False(rule.EndsAnswer(["The answer is", "12."]));
        Assert.False(rule.EndsAnswer(["#### 12"]));
    }

    [Theory]
    [InlineData("So we add 3 to both sides again.\n\n", "so  we ADD 17 to\nboth sides again.", true)]
    [InlineData("Step 1: we add the numbers up.", "Step 12: we add the numbers up.", true)]
    [InlineData("So we add 3 to both sides again.", "So we add 3 to both sides again!", false)]
    [InlineData("So we add 3 to both sides again.", "Now we add 3 to both sides again.", false)]
    [InlineData("This gives us:", "This gives us:", false)]
    [InlineData(@"\[\frac{3}{4} = \frac{6}{8}\]", @"\[\frac{1}{2} = \frac{2}{4}\]", false)]
    public void A_step_repeats_an_earlier_one_whatever_the_digits_white_space_and_capitals(string earlier, string step, bool repeats)
    {
        Assert.Equal(repeats, (Rule with { StopOnRepeat = true }).EndsAnswer([earlier, "Something between.", step]));
        Assert.False(Rule.EndsAnswer([earlier, step]));
    }

    [Fact]
    public void What_all_else_allows_a_repeat_still_ends()
    {
        var rule = Rule with { StopOnRepeat = true, Stop = ["\\boxed"], StopPattern = "nothing of the kind" };
        Assert.True(rule.EndsAnswer(["The same sentence again and again.", "The same sentence again and again."]));
    }

    [Theory]
    [InlineData("", "1 to 1024 characters")]
    [InlineData("(", "not a regular expression (InsufficientClosingParentheses at character 1)")]
    [InlineData("[z-a]", "not a regular expression")]
    [InlineData("(?=.*x)y", "without lookaround")]
    [InlineData(@"(a)\1", "without lookaround, backreferences")]
    [InlineData("(a{1000}){1000}", "large counts")]
    [InlineData("(a|b|ab|ba){1,900}z", "large counts")]
    [InlineData("((a{9}){9,}){2,9}", "large counts")]
    public void A_pattern_that_cannot_be_matched_in_linear_time_is_refused_by_name(string pattern, string expected)
    {
        var refusal = Assert.Throws<InvalidDataException>((Rule with { StopPattern = pattern }).Validate).Message;
        Assert.StartsWith("The stop pattern ", refusal, StringComparison.Ordinal);
        Assert.Contains(expected, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_with_as_many_states_as_are_allowed_looks_through_a_long_step_in_time()
    {
        var random = new Random(1);
        var step = new string([.. Enumerable.Range(0, 20_000).Select(_ => "ab"[random.Next(2)])]);
        var rule = Rule with { StopPattern = "(a|b|ab|ba){1,100}z" };
        rule.Validate();
        Assert.False(rule.EndsAnswer([step]));
        Assert.True(rule.EndsAnswer([step + "z"]));
    }

    [Fact]
    public void Fields_out_of_range_are_refused()
    {
        Rule.Validate();
        (Rule with { Delimiters = [] }).Validate();
        Assert.All(
            [Rule with { Delimiters = [".", ""] }, Rule with { MostTokens = 0 }, Rule with { Stop = [""] }, Rule with { Stop = [.. Enumerable.Repeat("x", 17)] }],
            rule => Assert.Throws<InvalidDataException>(rule.Validate));
    }
}
