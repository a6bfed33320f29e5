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

    /// <summary>Expressions in two unknowns, as LaTeX and as the function they stand for.</summary>
    private static Gen<(string Text, Func<double, double, double> Value)> Expression(int depth)
    {
        var leaf = Gen.OneOf(
            Gen.Choose(0, 12).Select(n => ($"{n}", (Func<double, double, double>)((_, _) => n))),
            Gen.Constant(("x", (Func<double, double, double>)((x, _) => x))),
            Gen.Constant(("y", (Func<double, double, double>)((_, y) => y))));
        if (depth == 0)
        {
            return leaf;
        }

        var two = from a in Expression(depth - 1) from b in Expression(depth - 1) select (a, b);
        return Gen.OneOf(
            leaf,
            two.Select(p => ($"({p.a.Text}+{p.b.Text})", (Func<double, double, double>)((x, y) => p.a.Value(x, y) + p.b.Value(x, y)))),
            two.Select(p => ($@"\left({p.a.Text} - {p.b.Text}\right)", (Func<double, double, double>)((x, y) => p.a.Value(x, y) - p.b.Value(x, y)))),
            two.Select(p => ($@"{p.a.Text}\cdot {p.b.Text}", (Func<double, double, double>)((x, y) => p.a.Value(x, y) * p.b.Value(x, y)))),
            two.Select(p => ($@"\frac{{{p.a.Text}}}{{({p.b.Text})^2+1}}", (Func<double, double, double>)((x, y) => p.a.Value(x, y) / (Math.Pow(p.b.Value(x, y), 2) + 1)))),
            Expression(depth - 1).Select(a => ($@"\cos({a.Text})", (Func<double, double, double>)((x, y) => Math.Cos(a.Value(x, y))))));
    }

    [Fact]
    public void Expressions_are_equal_where_their_values_are() => Prop.ForAll(
        Expression(3).Two().ToArbitrary(),
        pair =>
        {
            var (a, b) = pair;
            var points = new[] { (0.3, -1.7), (1.9, 0.6), (-2.2, 1.3), (0.8, 2.9) };
            var differ = points.Any(p => Math.Abs(a.Value(p.Item1, p.Item2) - b.Value(p.Item1, p.Item2)) > 1e-3 * (1 + Math.Abs(a.Value(p.Item1, p.Item2))));
            var same = $"{b.Text}+{a.Text}-{b.Text}";
            return AreEqual(a.Text, a.Text) && AreEqual(a.Text, same) && !(differ && AreEqual(a.Text, b.Text)) && AreEqual(a.Text, b.Text) == AreEqual(b.Text, a.Text);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    /// <summary>Commands, brackets and words that mean something to the parser, in any order.</summary>
    private static readonly string[] Notation =
    [
        "1", "2", "x", "y", "+", "-", "*", "/", "^", "_", "!", "%", "=", "<", @"\le ", ",", ";", ":", "|", "(", ")", "[", "]", @"\{", @"\}", "{", "}", @"\frac", @"\sqrt", "[3]",
        @"\pm ", @"\cup ", @"\infty ", @"\emptyset ", @"\in ", @"\mid ", @"\pi ", @"^\circ", @"\text{ cm}", @"\text{or}", @"\begin{pmatrix}", @"\end{pmatrix}", "&", @"\\",
        @"\sin", @"\log_", @"\lfloor ", @"\rfloor ", @"\overline{3}", "0.1", "…", "e", "i", "½", "²", @"\mathbb{R}", @"\setminus ", @"\pmod", @"\over ", @"\choose ", " ", "E9", "max",
    ];

    [Fact]
    public void Any_notation_equals_itself_and_equality_is_symmetric() => Prop.ForAll(
        Gen.Elements(Notation).ListOf().Select(pieces => string.Concat(pieces)).Two().ToArbitrary(),
        texts =>
        {
            var (a, b) = texts;
            return AreEqual(a, b) == AreEqual(b, a) && (MathWords.Folded(MathNotation.Simplify(a)).Length == 0 || AreEqual(a, a));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    private static bool AreEqual(string gold, string answer) => MathEquality.AreEqual(gold, answer);

    [Fact]
    public void Digits_of_other_scripts_are_no_numbers() =>
        Assert.Equal(Verdict.Wrong, Graders.Grade(GraderKind.Number, ["3"], "2 or ٣", truncated: false, 0, 1).Verdict);
}
