namespace Hindsight.Reporting;

/// <summary>
/// The answers as the page carries them: columns of numbers and lists of strings, as JSON in base64 of gzip. All text in it was made inert here.
/// </summary>
internal static class PackedAnswers
{
    // Text beyond this would make a page that is slow to open; longer texts are cut as little as that allows.
    private const long MostText = 32_000_000;
    private static readonly int[] Lengths = [Inert.BlockLength, 2000, 1000, 500, 300, 200, 100, 50];

    /// <summary>The length beyond which texts are cut.</summary>
    public static int Longest(IReadOnlyList<ShownAnswer> answers) =>
        Lengths.FirstOrDefault(length => answers.Sum(answer => (long)Math.Min(length, answer.Text.Length)) <= MostText, Lengths[^1]);

    /// <summary>Packs a report's answers, by problem in the order given, then variant, then greedy before samples.</summary>
    public static string Of(ReportData data)
    {
        var texts = data.Problems.DistinctBy(problem => problem.Id).ToDictionary(problem => problem.Id, StringComparer.Ordinal);
        var problems = Numbered(data.Problems.Select(problem => problem.Id).Concat(data.Answers.Select(answer => answer.ProblemId)));
        var variants = Numbered(data.Answers.Select(answer => answer.Variant));
        var finishes = Numbered(data.Answers.Select(answer => answer.FinishReason));
        var answers = data.Answers.OrderBy(answer => problems[answer.ProblemId]).ThenBy(answer => variants[answer.Variant]).ThenBy(answer => answer.Sample ?? -1).ToArray();
        var most = Longest(answers);
        return Packed.Json(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("problems");
            foreach (var id in problems.Keys)
            {
                texts.TryGetValue(id, out var text);
                json.WriteStartArray();
                json.WriteStringValue(Inert.Line(id));
                json.WriteStringValue(Inert.Block(text?.Question ?? ""));
                json.WriteStringValue(Inert.Line(text?.Gold ?? "", 1000));
                json.WriteEndArray();
            }
            json.WriteEndArray();
            Strings("variants", variants.Keys.Select(name => Inert.Line(name)));
            Strings("finishes", finishes.Keys.Select(name => Inert.Line(name)));
            Column("problem", answer => problems[answer.ProblemId]);
            Column("variant", answer => variants[answer.Variant]);
            Column("sample", answer => answer.Sample ?? -1);
            Column("verdict", answer => (int)answer.Verdict);
            Column("finish", answer => finishes[answer.FinishReason]);
            Column("tokens", answer => answer.Tokens);
            Strings("extracted", answers.Select(answer => answer.Extracted is null ? "" : Inert.Line(answer.Extracted)));
            Strings("text", answers.Select(answer => Inert.Block(answer.Text, most)));
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
                    json.WriteStringValue(value);
                }
                json.WriteEndArray();
            }
        });
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
