using System.Diagnostics;

namespace Hindsight.Scoring.Tests;

public class GradersTests
{
    private static GradedAnswer Grade(GraderKind kind, string gold, string text, bool truncated = false) =>
        Graders.Grade(kind, [gold], text, truncated, sample: 3, tokens: 17);

    private static void AssertVerdict(bool equal, GraderKind kind, string gold, string text) =>
        Assert.Equal(equal ? Verdict.Correct : Verdict.Wrong, Grade(kind, gold, text).Verdict);

    [Theory]
    [InlineData("exact", GraderKind.Exact)]
    [InlineData("number", GraderKind.Number)]
    [InlineData("choice", GraderKind.Choice)]
    [InlineData("math", GraderKind.Math)]
    public void A_suite_names_its_grader(string name, GraderKind kind) => Assert.Equal(kind, Graders.Parse(name));

    [Fact]
    public void An_unknown_grader_is_refused_with_the_ones_there_are()
    {
        var refusal = Assert.Throws<InvalidDataException>(() => Graders.Parse("Maths"));
        Assert.Contains("\"Maths\"", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("exact, number, choice or math", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"It is \boxed{42}. And then", true, Verdict.Correct)]
    [InlineData(@"It is \boxed{41}. And then", true, Verdict.Truncated)]
    [InlineData(@"It is \boxed{4", true, Verdict.Truncated)]
    [InlineData(@"It is \boxed{42} or rather \boxed{4", false, Verdict.NoAnswer)]
    [InlineData("I do not know.", false, Verdict.NoAnswer)]
    [InlineData("I do not know.", true, Verdict.Truncated)]
    [InlineData("", false, Verdict.NoAnswer)]
    [InlineData(@"It is \boxed{41}.", false, Verdict.Wrong)]
    public void A_cut_off_text_counts_as_truncated_unless_it_holds_the_correct_answer(string text, bool truncated, Verdict verdict)
    {
        var graded = Grade(GraderKind.Math, "42", text, truncated);
        Assert.Equal((3, verdict, 17), (graded.Sample, graded.Verdict, graded.Tokens));
    }

    [Fact]
    public void One_of_several_gold_answers_is_enough() =>
        Assert.Equal(Verdict.Correct, Graders.Grade(GraderKind.Exact, ["no", "yes"], "yes", false, 0, 0).Verdict);

    [Theory]
    [InlineData("forty two", "  forty \n two ", true)]
    [InlineData("forty two", "Forty two", false)]
    [InlineData("forty two", "It is forty two", false)]
    public void Exact_compares_the_whole_text_with_blanks_folded(string gold, string text, bool equal) =>
        AssertVerdict(equal, GraderKind.Exact, gold, text);

    [Theory]
    [InlineData("18", "16 - 3 - 4 = 9, so she makes 9 * 2 = $18 every day.\n#### 18", true)]
    [InlineData("18", "She makes $18.", true)]
    [InlineData("18", "18 or 19", false)]
    [InlineData("-3", "x = -3", true)]
    [InlineData("3", "x = -3", false)]
    [InlineData("-3", "minus is −3", true)]
    [InlineData("3", "that is 10-3", true)]
    [InlineData("3", "that is 10 - 3", true)]
    [InlineData("1234567.5", "in all 1,234,567.5 tons", true)]
    [InlineData("1,000", "1000", true)]
    [InlineData("0.5", "1/2", true)]
    [InlineData("1/3", "0.333333", true)]
    [InlineData("1/3", "0.3333", false)]
    [InlineData("50%", "0.5", true)]
    [InlineData("50", "50%", true)]
    [InlineData("50", "0.5", false)]
    [InlineData("1200", "1.2e3", true)]
    [InlineData(".5", "0.50", true)]
    [InlineData("7", "7.0", true)]
    [InlineData("12345678901234567890", "12345678901234567891", false)]
    [InlineData("1", "1/0", false)]
    [InlineData("1", "1e999999", false)]
    public void Number_takes_the_last_number_and_compares_values(string gold, string text, bool equal) =>
        AssertVerdict(equal, GraderKind.Number, gold, text);

    [Theory]
    [InlineData("the answer is (C)", "C")]
    [InlineData("The correct answer is: **B**.", "B")]
    [InlineData(@"so \boxed{C}.", "C")]
    [InlineData(@"so \boxed{\text{(d)}}.", "D")]
    [InlineData("Answer: D, since it is not A or B", "D")]
    [InlineData("D. it can't be A or B", "D")]
    [InlineData("We rule out A and B.\nC", "C")]
    [InlineData("b", "B")]
    [InlineData("(C) Cecile", "C")]
    [InlineData("I would go with option E because A is wrong", "E")]
    [InlineData("First (A), but then (B) fits", "B")]
    [InlineData("Hence I choose C.", "C")]
    [InlineData("the answer is A or rather: the answer is B", "B")]
    public void Choice_finds_the_letter(string text, string letter)
    {
        var graded = Grade(GraderKind.Choice, letter, text);
        Assert.Equal((letter, Verdict.Correct), (graded.Answer, graded.Verdict));
        Assert.Equal(Verdict.Wrong, Grade(GraderKind.Choice, letter == "Z" ? "Y" : "Z", text).Verdict);
    }

    [Theory]
    [InlineData("The answer is a matter of taste")]
    [InlineData("I am not sure.")]
    [InlineData("A man walks into a bar")]
    [InlineData(@"\boxed{12}")]
    [InlineData("")]
    public void Choice_takes_no_word_for_a_letter(string text) =>
        Assert.Equal(Verdict.NoAnswer, Grade(GraderKind.Choice, "A", text).Verdict);

    [Theory]
    [InlineData(@"First \boxed{1}, at last \boxed{2}.", "2")]
    [InlineData(@"\boxed{\frac{1}{2}} is it", "1/2")]
    [InlineData(@"The set is \boxed{\{1, 2\}}.", @"\{1,2\}")]
    [InlineData(@"So \fbox{7}", "7")]
    [InlineData(@"So $\boxed 5$ it is", "5")]
    [InlineData("The final answer is $12$. I hope it is correct.", "12")]
    [InlineData("Final Answer: The largest $n$ is 34.", "34")]
    [InlineData("We get $x = 4$ and so 5 apples", "5")]
    [InlineData("5 apples cost $x = 4$.", "4")]
    [InlineData("it costs $3 or rather $4 in all", "4")]
    [InlineData("4a-2", "4a-2")]
    [InlineData("The answer is blue.", "blue")]
    public void Math_finds_the_answer(string text, string answer) => AssertVerdict(true, GraderKind.Math, answer, text);

    [Theory]
    [InlineData("0.5", @"\frac{1}{2}", true)]
    [InlineData("0.5", @"\dfrac12", true)]
    [InlineData("1/2", @"\frac{2}{4}", true)]
    [InlineData("1/3", "0.33", false)]
    [InlineData("11111111100", @"11,\! 111,\! 111,\! 100", true)]
    [InlineData("11111111100", "11111111101", false)]
    [InlineData(@"11\sqrt2", @"11\sqrt{2}", true)]
    [InlineData(@"\sqrt{50}", @"5\sqrt{2}", true)]
    [InlineData(@"\sqrt{50}", "7.0710678", true)]
    [InlineData(@"\sqrt{50}", "7.07", false)]
    [InlineData(@"\frac{\pi}{2}", @"\pi/2", true)]
    [InlineData(@"1\frac{4}{5}", "9/5", true)]
    [InlineData(@"90^\circ", "90", true)]
    [InlineData(@"\$18.90", "18.9", true)]
    [InlineData("10%", "10", true)]
    [InlineData("10%", "0.1", true)]
    [InlineData("10%", "1", false)]
    [InlineData(@"5.4 \text{ cents}", "5.4", true)]
    [InlineData(@"864 \mbox{ inches}^2", "864", true)]
    [InlineData("125 miles", "125", true)]
    [InlineData("x=5", "5", true)]
    [InlineData("5", "y = 5", true)]
    [InlineData("y = 2x + 3", "2x+3", true)]
    [InlineData("2x + z = 1", "1", false)]
    [InlineData(@"\left( 3, \frac{\pi}{2} \right)", @"(3,\pi/2)", true)]
    [InlineData("(1,2)", "(2,1)", false)]
    [InlineData("1,2", "2, 1", true)]
    [InlineData("1,2", "1,2,3", false)]
    [InlineData("1,1,2", "1,2,2", false)]
    [InlineData(@"\{1,2\}", @"\{2,1\}", true)]
    [InlineData("[0,9)", "(0,9)", false)]
    [InlineData("[0,9)", "[0, 9.0)", true)]
    [InlineData(@"(0,9) \cup (9,36)", @"(9,36)\cup(0,9)", true)]
    [InlineData(@"(2,\infty)", "x > 2", true)]
    [InlineData(@"(2,\infty)", @"x \ge 2", false)]
    [InlineData(@"(-\infty, 0]", @"x \le 0", true)]
    [InlineData(@"x \in [-2,7]", @"-2 \le x \le 7", true)]
    [InlineData(@"1 \pm \sqrt{19}", @"1-\sqrt{19}, 1+\sqrt{19}", true)]
    [InlineData("(a+5)(b+2)", "ab + 2a + 5b + 10", true)]
    [InlineData("6r^2-4r-24", "2(3r^2-2r-12)", true)]
    [InlineData("6r^2-4r-24", "6r^2-4r+24", false)]
    [InlineData("x", @"\sqrt{x^2}", false)]
    [InlineData("x^2-1", "y^2-1", false)]
    [InlineData(@"\cot x", @"\frac{\cos x}{\sin x}", true)]
    [InlineData(@"2 \sin b \cos a", @"2\cos(a)\sin(b)", true)]
    [InlineData("6 - 5i", "-5i+6", true)]
    [InlineData(@"\begin{pmatrix} 1 & 0 \\ 0 & 1/2 \end{pmatrix}", @"\begin{bmatrix}1&0\\0&0.5\end{bmatrix}", true)]
    [InlineData(@"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}", @"\begin{pmatrix}1&0\\0&-1\end{pmatrix}", false)]
    [InlineData("52_8", "52_{8}", true)]
    [InlineData("52_8", "52_9", false)]
    [InlineData(@"\text{(C)}", "C", true)]
    [InlineData(@"\text{even}", "Even", true)]
    [InlineData("silent", "listen", false)]
    [InlineData("3^{2025}", "2^{2025}", false)]
    [InlineData(@"\binom{2026}{1013}", @"\binom{2026}{1012}", false)]
    [InlineData("5!", "120", true)]
    [InlineData("2^{-3}", "1/8", true)]
    [InlineData("2^3^2", "512", true)]
    [InlineData("-2^2", "-4", true)]
    [InlineData("5x - 7y = 4", "10x - 14y = 8", true)]
    [InlineData("|x|", "x", false)]
    public void Math_compares_values(string gold, string answer, bool equal) => AssertVerdict(equal, GraderKind.Math, gold, $@"So \boxed{{{answer}}}.");

    [Theory]
    [InlineData("0.5", @"\frac{1}{2}")]
    [InlineData("1,000", "1000")]
    [InlineData("x + 1", "x+1")]
    [InlineData(@"\text{Even}", "even")]
    [InlineData(@"\left(1,\frac{1}{2}\right)", @"(1, \dfrac{1}{2})")]
    public void Different_ways_to_write_an_answer_are_one_voting_class(string one, string other) => Assert.Equal(
        Grade(GraderKind.Math, "?", $@"\boxed{{{one}}}").Answer,
        Grade(GraderKind.Math, "?", $@"\boxed{{{other}}}").Answer);

    private static string HostileText(string name)
    {
        const int megabytes = 10_000_000;
        return name switch
        {
            "open braces" => new string('{', megabytes),
            "boxed open braces" => @"\boxed{" + new string('{', megabytes),
            "many boxes" => string.Concat(Enumerable.Repeat(@"\boxed{", megabytes / 7)),
            "brackets" => @"\boxed{" + new string('(', 100_000) + "}",
            "deep fractions" => @"\boxed{" + string.Concat(Enumerable.Repeat(@"\frac{", 150)) + new string('}', 150) + "}",
            "a tower of powers" => @"\boxed{9^9^9^9}",
            "a tower of factorials" => @"\boxed{9!!!!!!!!!!}",
            "a long power" => @"\boxed{(((9^{9999})^{9999})^{9999})^{9999}}",
            "digits" => new string('7', megabytes),
            "boxed digits" => @"\boxed{" + new string('7', megabytes) + "}",
            "dollars" => new string('$', megabytes),
            "dollars and text" => string.Concat(Enumerable.Repeat("$a", megabytes / 2)),
            "open formulas" => string.Concat(Enumerable.Repeat(@"\(", megabytes / 2)),
            "minus signs" => @"\boxed{" + new string('-', 900) + "1}",
            "plus-minus signs" => @"\boxed{" + string.Concat(Enumerable.Repeat("±1", 450)) + "}",
            "bars" => @"\boxed{" + new string('|', 900) + "}",
            "commas" => @"\boxed{" + string.Concat(Enumerable.Repeat("1,", 450)) + "}",
            "text commands" => string.Concat(Enumerable.Repeat(@"\text{", megabytes / 6)),
            "boxed text commands" => @"\boxed{" + string.Concat(Enumerable.Repeat(@"\text{a}", megabytes / 8)) + "}",
            "answers" => string.Concat(Enumerable.Repeat("answer is ", megabytes / 10)),
            "blanks" => new string(' ', megabytes),
            "boxed blanks" => @"\boxed{1" + new string(' ', megabytes) + "a}",
            "sets of sets" => @"\boxed{" + string.Concat(Enumerable.Repeat(@"\{", 35)) + string.Concat(Enumerable.Repeat("1,", 400)) + "1" + string.Concat(Enumerable.Repeat(@"\}", 35)) + "}",
            "sets by conditions" => @"\boxed{" + string.Concat(Enumerable.Repeat(@"\{x:", 38)) + "x" + string.Concat(Enumerable.Repeat(@"\}", 38)) + "}",
            "mixed numbers within" => @"\boxed{" + string.Concat(Enumerable.Repeat(@"1\frac{", 38)) + "1" + string.Concat(Enumerable.Repeat("}{x}", 38)) + "}",
            "lists of sets" => @"\boxed{" + string.Join(",", Enumerable.Range(0, 36).Select(i => $@"\{{x_{i % 7},y_{i % 5},z_{i % 3}\}}")) + "}",
            "large factorials" => @"\boxed{" + string.Concat(Enumerable.Repeat("2005!+", 160)) + "1}",
            "small and large" => @"\boxed{" + string.Concat(Enumerable.Repeat("1.5E2999*", 80)) + "1}",
            "letters" => @"\boxed{" + new string('x', 900) + "}",
            "nulls and lone surrogates" => "\\boxed{\0\ud800" + new string('\udfff', 1000) + "}",
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }

    [Theory]
    [InlineData("open braces")]
    [InlineData("boxed open braces")]
    [InlineData("many boxes")]
    [InlineData("brackets")]
    [InlineData("deep fractions")]
    [InlineData("a tower of powers")]
    [InlineData("a tower of factorials")]
    [InlineData("a long power")]
    [InlineData("digits")]
    [InlineData("boxed digits")]
    [InlineData("dollars")]
    [InlineData("dollars and text")]
    [InlineData("open formulas")]
    [InlineData("minus signs")]
    [InlineData("plus-minus signs")]
    [InlineData("bars")]
    [InlineData("commas")]
    [InlineData("text commands")]
    [InlineData("boxed text commands")]
    [InlineData("answers")]
    [InlineData("blanks")]
    [InlineData("boxed blanks")]
    [InlineData("sets of sets")]
    [InlineData("sets by conditions")]
    [InlineData("mixed numbers within")]
    [InlineData("lists of sets")]
    [InlineData("large factorials")]
    [InlineData("small and large")]
    [InlineData("letters")]
    [InlineData("nulls and lone surrogates")]
    public void Hostile_text_is_judged_in_bounded_time(string name)
    {
        var text = HostileText(name);
        var watch = Stopwatch.StartNew();
        foreach (var kind in Enum.GetValues<GraderKind>())
        {
            Assert.NotEqual(Verdict.Correct, Grade(kind, "42", text).Verdict);
            Graders.Extract(kind, text);
            if (text.Length < 2000)
            {
                Grade(kind, text, text);
            }
        }

        // Linear work on 10 MB takes a fraction of this even on a busy machine; quadratic work would take hours.
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{name}: {watch.Elapsed}");
    }
}
