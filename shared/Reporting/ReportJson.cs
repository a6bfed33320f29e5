using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>How a report's JSON files are written and read: camelCase, indented, LF line ends.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EvaluationScores))]
[JsonSerializable(typeof(ReportSummary))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>A file's text.</summary>
    public static string Write<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.Serialize(value, type) + "\n";

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="type">What it holds.</param>
    /// <param name="file">What to call the file in a refusal.</param>
    /// <exception cref="InvalidDataException">The text is not such a file.</exception>
    public static T Read<T>(string json, JsonTypeInfo<T> type, string file)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidDataException($"{file} holds null; make the report again to get a whole file.");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{file} cannot be read; make the report again to get a whole file. {problem.Message}", problem);
        }
    }
}
