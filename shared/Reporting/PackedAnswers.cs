namespace Hindsight.Reporting;

/// <summary>
/// The answers as the page carries them: columns of numbers, by which it finds and lists them, and apart from these the texts, of which it unpacks
/// only the parts that are read. All text was made inert here.
/// </summary>
/// <param name="Columns">Ids of problems, names of variants and finishes, and of each answer its numbers.</param>
/// <param name="Texts">Of each answer its text and what was read from it, in parts.</param>
/// <param name="Problems">Of each problem its question and the right answer, in parts.</param>
internal sealed record PackedAnswers(string Columns, string Texts, string Problems)
{
    // Text beyond this would make a page that is slow to open; longer texts are cut as little as that allows.
    private const long MostText = 32_000_000;
    private static readonly int[] Lengths = [Inert.BlockLength, 2000, 1000, 500, 300, 200, 100, 50];

    /// <summary>The length beyond which texts are cut.</summary>
    public static int Longest(IReadOnlyList<ShownAnswer> answers) =>
        Lengths.FirstOrDefault(length => answers.Sum(answer => (long)Math.Min(length, answer.Text.Length)) <= MostText, Lengths[^1]);

    /// <summary>Packs a report's answers, by problem in the order given, then variant, then greedy before samples.</summary>
    public static PackedAnswers Of(ReportData data)
    {
        var texts = data.Problems.DistinctBy(problem => problem.Id).ToDictionary(problem => problem.Id, StringComparer.Ordinal);
        var problems = Numbered(data.Problems.Select(problem => problem.Id).Concat(data.Answers.Select(answer => answer.ProblemId)));
        var variants = Numbered(data.Answers.Select(answer => answer.Variant));
        var finishes = Numbered(data.Answers.Select(answer => answer.FinishReason));
        var answers = data.Answers.OrderBy(answer => problems[answer.ProblemId]).ThenBy(answer => variants[answer.Variant]).ThenBy(answer => answer.Sample ?? -1).ToArray();
        var most = Longest(answers);
        var columns = Packed.Json(json =>
        {
            json.WriteStartObject();
            Strings("problems", problems.Keys);
            Strings("variants", variants.Keys);
            Strings("finishes", finishes.Keys);
            Column("problem", answer => problems[answer.ProblemId]);
            Column("variant", answer => variants[answer.Variant]);
            Column("sample", answer => answer.Sample ?? -1);
            Column("verdict", answer => (int)answer.Verdict);
            Column("finish", answer => finishes[answer.FinishReason]);
            Column("tokens", answer => answer.Tokens);
            json.WriteEndObject();

            void Column(string name, Func<ShownAnswer, int> value)
            {
                json.WriteStartArray(name);
                foreach (var answer in answers)
                {
                    json.WriteNumberValue(value(answer));
                }
                json.WriteEndArray();
            }

            void Strings(string name, IEnumerable<string> values)
            {
                json.WriteStartArray(name);
                foreach (var value in values)
                {
                    json.WriteStringValue(Inert.Line(value));
                }
                json.WriteEndArray();
            }
        });
        return new(
            columns,
            Packed.Parts(answers.Select(answer => new[] { Inert.Block(answer.Text, most), answer.Extracted is null ? "" : Inert.Line(answer.Extracted) })),
            Packed.Parts(problems.Keys.Select(id => texts.GetValueOrDefault(id)).Select(text => new[] { Inert.Block(text?.Question ?? ""), Inert.Line(text?.Gold ?? "", 1000) })));
    }

    private static Dictionary<string, int> Numbered(IEnumerable<string> names)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            numbers.TryAdd(name, numbers.Count);
        }
        return numbers;
    }
}
