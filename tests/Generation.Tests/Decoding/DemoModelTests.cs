using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

/// <summary>The run that ships with the project, against logits and ids computed by the program that trained it.</summary>
public class DemoModelTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden().GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_and_greedy_ids_equal_those_of_the_training_program(int index)
    {
        var golden = Golden()[index];
        var ids = golden.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32()).ToList();
        var expected = golden.GetProperty("last_logits").EnumerateArray().Select(logit => logit.GetSingle()).ToArray();
        using var checkpoint = Checkpoint.Open(TestData.PathTo("demo", "run", golden.GetProperty("checkpoint").GetString()!));
        using var weights = Weights.Load(checkpoint);

        using (var transformer = new Transformer(weights, Target.Fused, 1))
        {
            var last = transformer.Logits(ids)[^expected.Length..];
            Assert.All(expected.Zip(last), pair => Assert.Equal(pair.First, pair.Second, 5e-4f));
        }

        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = 128, MostRows = 4, Threads = 1 });
        var greedy = new GenerationRequest(ids, [0], new Decoding { MaxTokens = 16, IgnoreEos = true });
        var drawn = Assert.Single(engine.Generate([greedy], _ => "", checkpoint.Generation.EosTokenIds)).Ids;
        Assert.Equal(golden.GetProperty("greedy_ids").EnumerateArray().Select(id => id.GetInt32()), drawn);
    }

    private static JsonElement Golden()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(TestData.PathTo("demo", "golden.json")));
        var root = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement : document.RootElement.GetProperty("cases");
        return root.Clone();
    }
}
