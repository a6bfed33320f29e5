using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

/// <summary>The reference models of tests/data, with the greedy answers that Hugging Face transformers gives.</summary>
internal static class Reference
{
    public static Weights Load(params string[] parts)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo(["models", .. parts]));
        return Weights.Load(checkpoint);
    }

    public static IReadOnlyList<(int[] Prompt, int[] Greedy)> Answers(params string[] parts)
    {
        using var json = Golden(parts);
        return
        [
            .. json.RootElement.GetProperty("prompts").EnumerateArray()
                .Select(prompt => (Numbers(prompt.GetProperty("input_ids")), Numbers(prompt.GetProperty("greedy_32")))),
        ];
    }

    public static JsonDocument Golden(params string[] parts) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.PathTo(["models", .. parts, "golden.json"])));

    public static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetInt32())];

    /// <summary>Text in which every token is a letter, so that texts can be read off ids.</summary>
    public static string Letters(IReadOnlyList<int> ids) => string.Concat(ids.Select(id => (char)('a' + (id % 26))));
}
