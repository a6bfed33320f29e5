using Hindsight.Models;

namespace Hindsight.Models.Tests.Checkpoints;

public class WeightsTests
{
    [Theory]
    [InlineData("llama-gqa/model", 21)]
    [InlineData("qwen2-tied/model", 38)]
    [InlineData("qwen2-sharded/model", 27)]
    [InlineData("qwen2-bf16/model", 39)]
    [InlineData("stories260k-real/model", 47)]
    [InlineData("wise-ft-qwen2/finetuned", 38)]
    public void A_reference_model_loads_with_every_tensor_its_config_demands(string folder, int tensors)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", folder));
        using var weights = Weights.Load(checkpoint);

        Assert.Equal(tensors, weights.Names.Count);
        Assert.Equal([checkpoint.Config.VocabularySize, checkpoint.Config.HiddenSize], weights.Shape("model.embed_tokens.weight"));
        Assert.All(weights.Names, name => Assert.Equal(weights.Shape(name), weights[name].GetTensorTypeAndShape().Shape));
    }

    [Fact]
    public void Float32_weights_are_the_bytes_of_the_file_even_after_the_checkpoint_is_closed()
    {
        var path = TestData.PathTo("models", "llama-gqa", "model");
        var checkpoint = Checkpoint.Open(path);
        using var weights = Weights.Load(checkpoint);
        checkpoint.Dispose();

        var file = File.ReadAllBytes(Path.Combine(path, "model.safetensors"));
        var header = SafetensorsHeader.Parse(file, file.Length, path);
        foreach (var tensor in header.Tensors)
        {
            var stored = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.AsSpan((int)tensor.Start, (int)tensor.ByteLength));
            Assert.True(stored.SequenceEqual(weights.Span(tensor.Name)));
            Assert.True(stored.SequenceEqual(weights[tensor.Name].GetTensorDataAsSpan<float>()));
        }
    }
}
