using System.Text.Json;
using System.Text.Json.Serialization;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>The file scores.json: camelCase, indented, LF line ends, shares in [0, 1] that read back to the same doubles.</summary>
public static class ScoresJson
{
    /// <summary>The file's text.</summary>
    public static string Write(EvaluationScores scores) => JsonSerializer.Serialize(scores, ScoresContext.Default.EvaluationScores) + "\n";

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The text is not such a file.</exception>
    public static EvaluationScores Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ScoresContext.Default.EvaluationScores)
                ?? throw new InvalidDataException("scores.json holds null; make the report again to get a whole file.");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"scores.json cannot be read; make the report again to get a whole file. {problem.Message}", problem);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EvaluationScores))]
internal sealed partial class ScoresContext : JsonSerializerContext;
