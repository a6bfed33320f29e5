using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Scoring.Tests;

public class ContaminationTests
{
    private const string Long =
        "A train leaves the station at noon with forty passengers and travels at sixty miles per hour. How far has it gone at half past three?";

    private static ProblemOverlap Find(string problem, params string[] lines) => ContaminationScan.Find([problem], lines)[0];

    [Fact]
    public void Scores_stand_with_and_without_flagged_problems()
    {
        var answers = Answers.Evaluation(4, Answers.Variant("a", Answers.Counted(4, 4), Answers.Counted(4, 1), Answers.Counted(4, 0), Answers.Counted(4, 2))) with
        {
            Overlaps =
            [
                new(OverlapKind.NGrams, 0.5, 13, 7), new(OverlapKind.None, 0, 0, null), new(OverlapKind.None, 0, 8, null),
                new(OverlapKind.Exact, 1, 8, 3) { File = "t.jsonl" },
            ],
        };
        var found = EvaluationScorer.Score(answers).Contamination!;
        Assert.Equal((3, "Pass@1"), (found.Looked, found.Score));
        Assert.Equal([new("p4", OverlapKind.Exact, 1, "t.jsonl", 3), new("p1", OverlapKind.NGrams, 0.5, null, 7)], found.Flagged);
        var row = Assert.Single(found.Checkpoints);
        Assert.Equal(7 / 16.0, row.All!.Value, 1e-12);
        Assert.Equal(1 / 8.0, row.Unflagged!.Value, 1e-12);
        Assert.Equal(6 / 8.0, row.Flagged!.Value, 1e-12);
        Assert.Null(EvaluationScorer.Score(answers with { Overlaps = [] }).Contamination);
        Assert.Throws<ArgumentException>(() => EvaluationScorer.Score(answers with { Overlaps = [new(OverlapKind.None, 0, 8, null)] }));
    }

    [Fact]
    public void A_problem_that_is_not_there_is_not_found() =>
        Assert.Equal(new ProblemOverlap(OverlapKind.None, 0, 13, null), Find(Long, "Trains leave stations every day.", "How far is it?"));

    [Theory]
    [InlineData(OverlapKind.Exact, Long)]
    [InlineData(OverlapKind.Exact, "Question: " + Long + " Answer: 210")]
    [InlineData(OverlapKind.Normalised, "a TRAIN leaves the station, at noon, with forty passengers and travels at sixty miles per hour; how far has it gone at half past three")]
    public void A_whole_problem_is_found(OverlapKind kind, string line) =>
        Assert.Equal(new ProblemOverlap(kind, 1, 13, 2), Find(Long, "something else", line, "and more"));

    [Theory]
    [InlineData(20)]
    [InlineData(45)]
    [InlineData(80)]
    public void Text_that_is_wrapped_anew_is_found(int width)
    {
        var words = Long.Split(' ');
        var lines = new List<string> { "" };
        foreach (var word in words)
        {
            if (lines[^1].Length + word.Length > width)
            {
                lines.Add("");
            }

            lines[^1] += word + " ";
        }

        Assert.Equal((OverlapKind.Normalised, 1), (Find(Long, [.. lines]).Kind, Find(Long, [.. lines]).Share));
    }

    [Fact]
    public void A_problem_of_several_lines_is_found_exactly()
    {
        var problem = "Let x be a number.\nLet y be its square.\nWhat is the sum of x and y?";
        Assert.Equal(OverlapKind.Exact, Find(problem, ["intro", .. problem.Split('\n'), "the end"]).Kind);
        Assert.Equal(OverlapKind.Normalised, Find(problem, ["intro", .. problem.Split('\n').Select(line => line + " "), "the end"]).Kind);
    }

    [Fact]
    public void The_share_counts_different_n_grams()
    {
        // 26 words are 14 n-grams of 13; the first 15 words hold 3 of them.
        var words = Long.Split(' ');
        Assert.Equal(26, words.Length);
        var overlap = Find(Long, string.Join(' ', words.Take(15)) + " and so on");
        Assert.Equal((OverlapKind.NGrams, 13, 1L), (overlap.Kind, overlap.Size, overlap.Line));
        Assert.Equal(3 / 14.0, overlap.Share, 12);
    }

    [Theory]
    [InlineData("What is the sum of one and two and three", 8)]
    [InlineData("What is two plus two", 5)]
    [InlineData("What is 2+2?", 4)]
    [InlineData("2+2?", 0)]
    [InlineData("", 0)]
    public void Short_problems_have_shorter_n_grams_and_the_shortest_none(string problem, int size)
    {
        var overlap = Find(problem, "well, " + problem.ToUpperInvariant() + " indeed");
        Assert.Equal((size, size > 0), (overlap.Size, overlap.Kind == OverlapKind.Normalised));
    }

    [Fact]
    public void Characters_of_scripts_without_spaces_are_words() =>
        Assert.Equal(OverlapKind.Exact, Find("小明有五个苹果，他吃了两个，还剩几个？", "题目：小明有五个苹果，他吃了两个，还剩几个？答案是三").Kind);

    /// <summary>Texts over a small vocabulary, so that n-grams repeat and overlap themselves.</summary>
    private static readonly Gen<string[]> Texts = Gen.Elements("a", "b", "c").ArrayOf();

    [Fact]
    public void Shares_and_whole_matches_are_those_of_a_plain_search() => Prop.ForAll(
        (from problem in Gen.ArrayOf(Gen.Elements("a", "b"), 9)
         from text in Texts
         from cut in Gen.Choose(1, 5)
         select (problem, text: (string[])[.. text, .. problem.Take(8), .. text], cut)).ToArbitrary(),
        sample =>
        {
            var (problem, text, cut) = sample;
            var overlap = Find(string.Join(' ', problem), [.. text.Chunk(cut).Select(chunk => string.Join(' ', chunk))]);
            var grams = new[] { string.Join(' ', problem[..8]), string.Join(' ', problem[1..]) }.Distinct().ToList();
            var all = $" {string.Join(' ', text)} ";
            var whole = all.Contains($" {string.Join(' ', problem)} ", StringComparison.Ordinal);
            return overlap.Share == grams.Count(gram => all.Contains($" {gram} ", StringComparison.Ordinal)) / (double)grams.Count
                && overlap.Kind is OverlapKind.Normalised or OverlapKind.Exact == whole;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Every_canary_is_found_and_no_other_problem_among_a_million_words()
    {
        var random = new Random(5);
        var vocabulary = Enumerable.Range(0, 2000).Select(i => $"w{i:x}").ToArray();
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => vocabulary[random.Next(vocabulary.Length)]));
        var problems = Enumerable.Range(0, 400).Select(_ => Words(random.Next(8, 60))).ToList();
        var lines = Enumerable.Range(0, 20_000).Select(_ => Words(50)).ToList();
        for (var i = 0; i < 200; i++)
        {
            lines[random.Next(lines.Count)] += $" {problems[i].ToUpperInvariant()} {Words(5)}";
        }

        var overlaps = ContaminationScan.Find(problems, lines);
        Assert.True(overlaps.Take(200).Count(overlap => overlap is { Kind: OverlapKind.Normalised, Share: 1 }) == 200);
        Assert.All(overlaps.Skip(200), overlap => Assert.Equal(OverlapKind.None, overlap.Kind));
    }
}
