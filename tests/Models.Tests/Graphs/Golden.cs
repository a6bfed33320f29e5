using System.Runtime.InteropServices;
using System.Text.Json;

namespace Hindsight.Models.Tests;

/// <summary>Logits and greedy continuations of a model, computed with Hugging Face transformers.</summary>
internal sealed record Golden(int[] Ids, float[] Logits, int[] Greedy)
{
    public static IEnumerable<Golden> Of(params string[] parts)
    {
        var folder = TestData.PathTo(["models", .. parts]);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json")));
        return [.. json.RootElement.GetProperty("prompts").EnumerateArray().Select(prompt => new Golden(
            Numbers(prompt.GetProperty("input_ids")),
            MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(folder, prompt.GetProperty("logits_file").GetString()!))).ToArray(),
            Numbers(prompt.GetProperty("greedy_32"))))];
    }

    private static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetInt32())];
}
