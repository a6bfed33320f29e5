namespace Hindsight.Models.Tests.Adapters;

public class AdapterLogitsTests
{
    private static readonly string Base = TestData.PathTo("models", "qwen2-tied", "model");
    private static readonly string Folder = TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter");

    [Theory]
    [InlineData(Target.Plain)]
    [InlineData(Target.Fused)]
    public void Merged_weights_give_the_reference_logits(Target target)
    {
        using var checkpoint = Checkpoint.Open(Base);
        using var adapter = Adapter.Open(Folder, checkpoint.Config);
        using var weights = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var transformer = new Transformer(weights, target, threads: 1);

        Assert.All(Golden.Of("lora-qwen2-qv-r4", "golden"), text => Assert.InRange(Furthest(text.Logits, transformer.Logits(text.Ids)), 0, 5e-4));
    }

    [Fact]
    public void Merged_weights_go_on_as_the_reference_does()
    {
        using var checkpoint = Checkpoint.Open(Base);
        using var adapter = Adapter.Open(Folder, checkpoint.Config);
        using var weights = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var transformer = new Transformer(weights, Target.Fused, threads: 1);

        foreach (var text in Golden.Of("lora-qwen2-qv-r4", "golden"))
        {
            var ids = text.Ids.ToList();
            foreach (var expected in text.Greedy)
            {
                var logits = transformer.Logits(ids).AsSpan()[^checkpoint.Config.VocabularySize..];
                Assert.Equal(expected, System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits));
                ids.Add(expected);
            }
        }
    }

    [Theory]
    [InlineData(Target.Plain)]
    [InlineData(Target.Fused)]
    public void A_stack_gives_the_reference_logits_and_the_base_its_own(Target target)
    {
        using var checkpoint = Checkpoint.Open(Base);
        using var weights = Weights.Load(checkpoint);
        using var adapter = Adapter.Open(Folder, checkpoint.Config);
        using var stack = AdapterStack.Create(checkpoint.Config, [new AdapterUpdate(adapter)]);
        using var transformer = new Transformer(weights, target, threads: 1, stack);

        Assert.All(Golden.Of("lora-qwen2-qv-r4", "golden"), text => Assert.InRange(Furthest(text.Logits, transformer.Logits(text.Ids, 0)), 0, 5e-4));
        Assert.All(Golden.Of("qwen2-tied", "golden"), text => Assert.InRange(Furthest(text.Logits, transformer.Logits(text.Ids, null)), 0, 5e-4));
    }

    internal static double Furthest(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var furthest = 0.0;
        for (var index = 0; index < expected.Length; index++)
        {
            furthest = Math.Max(furthest, Math.Abs((double)expected[index] - actual[index]));
        }

        return furthest;
    }
}
