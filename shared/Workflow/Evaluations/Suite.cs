using System.Globalization;
using System.Text;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>A problem of a suite.</summary>
/// <param name="Id">Unique in the suite.</param>
/// <param name="Question">The question's text; of a conversation, the last user message.</param>
/// <param name="Messages">The conversation, when the problem is given as one.</param>
/// <param name="Gold">The accepted answers.</param>
/// <param name="Grader">How an answer is compared with them.</param>
/// <param name="Cluster">Problems of one cluster are not independent and stay on one side of a split.</param>
/// <param name="Tolerance">How far a number may be from the accepted one; null where none is declared.</param>
/// <param name="Options">How many options a multiple-choice problem has, where it is said.</param>
public sealed record Problem(
    string Id, string Question, IReadOnlyList<ChatMessage>? Messages, IReadOnlyList<string> Gold, GraderKind Grader, string Cluster,
    NumberTolerance? Tolerance = null, int? Options = null)
{
    /// <summary>The problem as a conversation, before any answer.</summary>
    public IReadOnlyList<ChatMessage> Conversation => Messages ?? [new ChatMessage("user", Question)];

    /// <summary>What of it occurs in the run's training text; null where no text was looked through.</summary>
    public ProblemOverlap? Overlap { get; init; }
}

/// <summary>
/// A JSONL file of problems, one object per line: <c>id</c> (or <c>unique_id</c>, <c>index</c>; default the line number),
/// <c>question</c> (or <c>problem</c>) or <c>messages</c>, <c>answer</c> (a text, a number, or a list of them),
/// <c>grader</c> (exact, number, choice, math; default math), <c>cluster</c>; for numbers <c>absoluteTolerance</c> and
/// <c>relativeTolerance</c>, for choices <c>options</c> (a list of them or how many there are). Other fields are ignored.
/// </summary>
/// <param name="Name">The file's name without .jsonl.</param>
/// <param name="Digest">Digest of its bytes.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Problems">At least one.</param>
public sealed record Suite(string Name, string Digest, ReadOnlyMemory<byte> Content, IReadOnlyList<Problem> Problems)
{
    private const int MaxProblems = 1_000_000;

    /// <summary>Reads a suite.</summary>
    /// <exception cref="InvalidDataException">A line is not a problem, an id is there twice, or there is no problem at all.</exception>
    public static Suite Parse(string name, ReadOnlyMemory<byte> jsonLines)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(jsonLines.Span).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException($"The suite {name}.jsonl is not UTF-8 text; save it as UTF-8.", exception);
        }

        var problems = new List<Problem>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var problem = ParseLine(line, number, $"The suite {name}.jsonl, line {number.ToString(CultureInfo.InvariantCulture)},");
            if (!ids.Add(problem.Id))
            {
                throw new InvalidDataException($"The suite {name}.jsonl, line {number}, has the id '{problem.Id}' a second time; ids must be unique.");
            }

            problems.Add(problem);
        }

        return problems.Count switch
        {
            0 => throw new InvalidDataException($"The suite {name}.jsonl has no problems; write one JSON object per line with id, question and answer."),
            > MaxProblems => throw new InvalidDataException($"The suite {name}.jsonl has more than {MaxProblems} problems; split it."),
            _ => new Suite(name, Workflow.Digest.Of(text), jsonLines, problems),
        };
    }

    /// <summary>
    /// A fixed sample of the problems: those whose ids have the smallest digests, so that a problem more or less changes one place of it. The
    /// other lines are left blank, since a problem without an id is named by its line.
    /// </summary>
    internal Suite Sample(int size)
    {
        var chosen = Problems.Select((problem, index) => (Digest: Workflow.Digest.Of(problem.Id), Index: index))
            .OrderBy(item => item.Digest, StringComparer.Ordinal).Take(size).Select(item => item.Index).ToHashSet();
        var next = 0;
        var lines = Encoding.UTF8.GetString(Content.Span).Split('\n').Select(line => string.IsNullOrWhiteSpace(line.TrimStart('\uFEFF')) || !chosen.Contains(next++) ? "" : line);
        return Parse(Name, Encoding.UTF8.GetBytes(string.Join('\n', lines)));
    }

    private static Problem ParseLine(string line, int number, string where)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 16 });
            root = document.RootElement.Clone();
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{where} is not JSON; write one JSON object per line.", exception);
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{where} is not a JSON object.");
        }

        var id = Text(Field(root, "id", "unique_id", "index"), where, "id") ?? number.ToString(CultureInfo.InvariantCulture);
        var messages = Messages(Field(root, "messages"), where);
        var question = Text(Field(root, "question", "problem"), where, "question")
            ?? messages?.LastOrDefault(message => message.Role == "user")?.Content
            ?? throw new InvalidDataException($"{where} has no question; give it a 'question' (or 'messages').");
        var gold = Gold(Field(root, "answer", "answers", "gold"), where);
        GraderKind grader;
        try
        {
            grader = Field(root, "grader") is { } kind ? Graders.Parse(Text(kind, where, "grader") ?? "") : GraderKind.Math;
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{where} names an unknown grader: {exception.Message}", exception);
        }

        return new Problem(
            id, question, messages, gold, grader, Text(Field(root, "cluster"), where, "cluster") ?? id,
            grader == GraderKind.Number ? Tolerance(root, where) : null, grader == GraderKind.Choice ? Options(Field(root, "options"), where) : null);
    }

    private static NumberTolerance? Tolerance(JsonElement root, string where)
    {
        var (absolute, relative) = (Bound("absoluteTolerance"), Bound("relativeTolerance"));
        try
        {
            return absolute is null && relative is null ? null : NumberTolerance.Of(absolute ?? 0, relative ?? 0);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{where} cannot be graded: {exception.Message}", exception);
        }

        decimal? Bound(string name) => Field(root, name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Number } value when value.TryGetDecimal(out var bound) => bound,
            _ => throw new InvalidDataException($"{where} has a '{name}' that is not a number."),
        };
    }

    private static int? Options(JsonElement? value, string where)
    {
        int? options = value switch
        {
            // Options written out as one text are not counted.
            null or { ValueKind: JsonValueKind.String } => null,
            { ValueKind: JsonValueKind.Array } list => list.GetArrayLength(),
            { ValueKind: JsonValueKind.Object } named => named.EnumerateObject().Count(),
            { ValueKind: JsonValueKind.Number } count when count.TryGetInt32(out var number) => number,
            _ => 0,
        };
        return options is null or >= 2 ? options : throw new InvalidDataException($"{where} has 'options' that are neither a list nor a number of at least 2.");
    }

    private static JsonElement? Field(JsonElement problem, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (problem.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            {
                return value;
            }
        }

        return null;
    }

    private static string? Text(JsonElement? value, string where, string field) => value switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => String(text, where, field),
        { ValueKind: JsonValueKind.Number } scalar => scalar.GetRawText(),
        _ => throw new InvalidDataException($"{where} has a '{field}' that is neither a text nor a number."),
    };

    private static string String(JsonElement text, string where, string field)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"{where} has a '{field}' with a broken Unicode escape.", exception);
        }
    }

    private static List<string> Gold(JsonElement? value, string where)
    {
        var gold = value switch
        {
            { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Select(item => Text(item, where, "answer") ?? "").ToList(),
            null => [],
            _ => [Text(value, where, "answer")!],
        };
        return gold.Count > 0
            ? gold
            : throw new InvalidDataException($"{where} has no answer; give it an 'answer' to grade against.");
    }

    private static List<ChatMessage>? Messages(JsonElement? value, string where)
    {
        if (value is not { } list)
        {
            return null;
        }

        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw new InvalidDataException($"{where} has 'messages' that are not a list of {{role, content}} objects.");
        }

        return list.EnumerateArray().Select(message => message.ValueKind == JsonValueKind.Object
                && Text(Field(message, "role"), where, "role") is { } role && Text(Field(message, "content"), where, "content") is { } content
            ? new ChatMessage(role, content)
            : throw new InvalidDataException($"{where} has a message without role or content.")).ToList();
    }
}
