using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hindsight.Generation;
using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>The file <c>answers.jsonl</c>: every graded answer of a report, a line each.</summary>
public static class AnswerLines
{
    /// <summary>Lines have more fields than are read.</summary>
    private static readonly JsonSerializerOptions Lenient = new(Json.Compact)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads one variant's answers as far as they are needed to show each problem's: the greedy one, the first right and the first other sample.</summary>
    /// <param name="content">The file's content.</param>
    /// <param name="variant">The name of the variant.</param>
    /// <param name="file">What to call the file in a refusal.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="InvalidDataException">A line is no answer.</exception>
    public static async Task<IReadOnlyList<ShownAnswer>> ReadExamplesAsync(Stream content, string variant, string file, CancellationToken cancellation)
    {
        var examples = new Dictionary<(string Problem, AnswerKind Kind, bool IsRight), ShownAnswer>();
        await foreach (var line in ReadAsync(content, variant, file, cancellation))
        {
            if (line.Variant == variant)
            {
                examples.TryAdd((line.Problem, line.Kind, line.Verdict == Verdict.Correct), new ShownAnswer(
                    variant, line.Problem, line.Kind == AnswerKind.Greedy ? null : line.Sample, line.Verdict, line.Extracted, Name(line.FinishReason), line.Tokens, line.Text));
            }
        }

        return [.. examples.Values];
    }

    /// <summary>Reads the lines in which a text occurs: most are of other variants, and need not be parsed.</summary>
    /// <exception cref="InvalidDataException">Such a line is no answer.</exception>
    internal static async IAsyncEnumerable<AnswerLine> ReadAsync(
        Stream content, string mark, string file, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var lines = new StreamReader(content, leaveOpen: true);
        for (var number = 1; await lines.ReadLineAsync(cancellation) is { } text; number++)
        {
            if (text.Contains(mark, StringComparison.Ordinal))
            {
                yield return Parse(text, number, file);
            }
        }
    }

    internal static string Write(Suite suite, IEnumerable<GradedVariant> variants)
    {
        var lines = new StringBuilder();
        foreach (var variant in variants)
        {
            foreach (var (problem, kind, answer, verdict) in variant.Completions)
            {
                lines.Append(JsonSerializer.Serialize(
                    new
                    {
                        variant = variant.Variant.Name,
                        problem = suite.Problems[problem].Id,
                        kind,
                        answer.Sample,
                        verdict.Verdict,
                        extracted = verdict.Answer,
                        answer.FinishReason,
                        tokens = answer.Ids.Count,
                        answer.LogProbability,
                        answer.Seed,
                        answer.Weights,
                        answer.Decoding,
                        answer.Prompt,
                        answer.Text,
                    },
                    Json.Compact)).Append('\n');
            }
        }

        return lines.ToString();
    }

    /// <summary>How an answer ended, as a reader of reports sees it.</summary>
    internal static string Name(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";

    private static AnswerLine Parse(string text, int number, string file)
    {
        try
        {
            return JsonSerializer.Deserialize<AnswerLine>(text, Lenient) ?? throw new JsonException("It is null.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException(
                $"{file}, line {number.ToString(CultureInfo.InvariantCulture)}, is no answer; make the report again to get a whole file. {exception.Message}", exception);
        }
    }
}

/// <summary>What is read of a line.</summary>
internal sealed record AnswerLine(
    string Variant, string Problem, AnswerKind Kind, int Sample, Verdict Verdict, FinishReason FinishReason, int Tokens, string Text, string? Extracted = null,
    string? Weights = null);
