using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Adapters;

public sealed class AdapterMergeTests : IDisposable
{
    private readonly string place = Directory.CreateTempSubdirectory("hindsight-").FullName;
    private readonly AdapterFolder folder = new();

    private string Out => Path.Combine(place, "merged");

    [Theory]
    [InlineData("qwen2-tied/model")]
    [InlineData("qwen2-sharded/model")]
    public void A_base_written_with_its_adapter_loads_as_the_merged_weights(string model)
    {
        var baseFolder = TestData.PathTo("models", model);
        using var checkpoint = Checkpoint.Open(baseFolder);
        folder.AddQueryAndValue(Qwen2Sizes.Of(checkpoint.Config));
        using var adapter = folder.Open(checkpoint.Config);
        Merge.WriteAdapted(baseFolder, folder.Path, Out);

        AssertEqual(checkpoint, new AdapterUpdate(adapter));
        var manifest = JsonNode.Parse(File.ReadAllText(Path.Combine(Out, Merge.Manifest)))!;
        Assert.Equal(Path.GetFileName(folder.Path), (string)manifest["adapter"]!["folder"]!);
        Assert.Equal(64, ((string)manifest["adapter"]!["weightsDigest"]!).Length);
        Assert.NotEqual((string)manifest["base"]!["weightsDigest"]!, (string)manifest["adapter"]!["weightsDigest"]!);
    }

    [Fact]
    public void Two_adapters_are_written_with_their_weight_and_the_late_ones_tokenizer()
    {
        var baseFolder = TestData.PathTo("models", "qwen2-bf16", "model");
        using var checkpoint = Checkpoint.Open(baseFolder);
        using var lateFolder = new AdapterFolder(2).AddQueryAndValue(Qwen2Sizes.Of(checkpoint.Config));
        using var early = folder.AddQueryAndValue(Qwen2Sizes.Of(checkpoint.Config)).Open(checkpoint.Config);
        using var late = lateFolder.Open(checkpoint.Config);
        File.Copy(Path.Combine(baseFolder, "tokenizer.json"), Path.Combine(lateFolder.Path, "tokenizer.json"));
        File.WriteAllText(Path.Combine(lateFolder.Path, "chat_template.jinja"), "of the late adapter");
        Merge.WriteAdapted(baseFolder, folder.Path, lateFolder.Path, 0.25, Out);

        using var merged = Checkpoint.Open(Out);
        using var written = Weights.Load(merged);
        using var expected = Weights.Merge(checkpoint, new AdapterUpdate(early, late, 0.25));
        foreach (var name in expected.Names)
        {
            for (var index = 0; index < expected.Span(name).Length; index++)
            {
                // To the nearest bfloat16: half a step of eight bits.
                Assert.InRange(Math.Abs(expected.Span(name)[index] - written.Span(name)[index]), 0, Math.Abs(expected.Span(name)[index]) / 256);
            }
        }

        Assert.Equal("of the late adapter", File.ReadAllText(Path.Combine(Out, "chat_template.jinja")));
        Assert.Equal(0.25, (double)JsonNode.Parse(File.ReadAllText(Path.Combine(Out, Merge.Manifest)))!["earlyWeight"]!);
    }

    [Fact]
    public void Embeddings_that_an_adapter_unties_are_written_as_two()
    {
        var baseFolder = TestData.PathTo("models", "qwen2-tied", "model");
        using var checkpoint = Checkpoint.Open(baseFolder);
        folder.Config["target_modules"] = new JsonArray("lm_head");
        using var adapter = folder.AddLinear("lm_head", checkpoint.Config.VocabularySize, checkpoint.Config.HiddenSize).Open(checkpoint.Config);
        Merge.WriteAdapted(baseFolder, folder.Path, Out);

        AssertEqual(checkpoint, new AdapterUpdate(adapter));
    }

    public void Dispose()
    {
        folder.Dispose();
        Directory.Delete(place, recursive: true);
    }

    private void AssertEqual(Checkpoint checkpoint, AdapterUpdate update)
    {
        using var merged = Checkpoint.Open(Out);
        using var written = Weights.Load(merged);
        using var expected = Weights.Merge(checkpoint, update);
        Assert.Equal(expected.Config, written.Config);
        Assert.Equal(expected.Names.Order(), written.Names.Order());
        Assert.All(expected.Names, name => Assert.True(expected.Span(name).SequenceEqual(written.Span(name))));
    }
}
