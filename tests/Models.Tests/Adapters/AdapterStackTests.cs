namespace Hindsight.Models.Tests.Adapters;

public sealed class AdapterStackTests : IDisposable
{
    private static readonly int[] Text = [54, 71, 289, 304, 220, 16, 17, 332];

    private readonly Checkpoint checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
    private readonly Weights weights;
    private readonly List<IDisposable> opened = [];

    public AdapterStackTests() => weights = Weights.Load(checkpoint);

    [Theory]
    [InlineData(Target.Plain)]
    [InlineData(Target.Fused)]
    public void Each_row_of_a_mixed_batch_has_the_logits_of_its_merged_weights(Target target)
    {
        var (early, late) = (Random(1, rank: 3), Random(2, rank: 20, ["down_proj", "k_proj", "q_proj"]));
        AdapterUpdate[] slots = [new(early), new(late), new(early, late, 0.3)];
        using var stack = AdapterStack.Create(checkpoint.Config, slots);
        using var transformer = new Transformer(weights, target, threads: 1, stack);
        int?[] rows = [2, null, 0, 1, 2];

        var logits = transformer.Logits(Repeated(rows.Length), rows);
        var size = logits.Length / rows.Length;
        for (var row = 0; row < rows.Length; row++)
        {
            using var merged = rows[row] is { } slot ? Weights.Merge(checkpoint, slots[slot]) : Weights.Load(checkpoint);
            using var alone = new Transformer(merged, target, threads: 1);
            Assert.InRange(AdapterLogitsTests.Furthest(alone.Logits(Text), logits.AsSpan(row * size, size)), 0, 2e-4);
        }
    }

    [Fact]
    public void A_stack_tells_its_bytes_and_owns_its_memory()
    {
        var adapter = Random(1, rank: 4);
        AdapterUpdate[] slots = [new(adapter), new(adapter)];
        using var stack = AdapterStack.Create(checkpoint.Config, slots);

        Assert.Equal(stack.Bytes, AdapterStack.BytesFor(checkpoint.Config, slots));
        Assert.Equal(stack.Bytes, stack.Tensors.Sum(tensor => tensor.Value.GetTensorSizeInBytes() is var bytes ? (bytes + 63) / 64 * 64 : 0));
        Assert.Equal(1 + (2 * stack.Modules.Count), stack.Tensors.Count);
        Assert.Equal(2 * checkpoint.Config.Layers, stack.Modules.Count);
    }

    [Fact]
    public void An_adapter_of_more_than_linear_maps_is_refused_with_its_folder()
    {
        var sizes = Qwen2Sizes.Of(checkpoint.Config);
        using var folder = new AdapterFolder().AddQueryAndValue(sizes).AddTensor("model.norm.weight", sizes.Hidden);
        folder.Config["modules_to_save"] = new System.Text.Json.Nodes.JsonArray("norm");
        using var adapter = folder.Open(checkpoint.Config);

        Assert.False(adapter.IsLowRank);
        var refusal = Assert.Throws<InvalidDataException>(() => AdapterStack.Create(checkpoint.Config, [new AdapterUpdate(adapter)]));
        Assert.StartsWith($"{folder.Path} changes more than linear maps", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_output_head_can_be_adapted_in_a_batch_where_it_has_a_weight_of_its_own()
    {
        using var llama = Checkpoint.Open(TestData.PathTo("models", "llama-gqa", "model"));
        using var folder = new AdapterFolder().AddLinear("lm_head", llama.Config.VocabularySize, llama.Config.HiddenSize);
        folder.Config["target_modules"] = new System.Text.Json.Nodes.JsonArray("lm_head");
        using var adapter = folder.Open(llama.Config);
        using var stack = AdapterStack.Create(llama.Config, [new AdapterUpdate(adapter)]);
        using var loaded = Weights.Load(llama);
        using var merged = Weights.Merge(llama, new AdapterUpdate(adapter));
        using var batched = new Transformer(loaded, Target.Fused, threads: 1, stack);
        using var alone = new Transformer(merged, Target.Fused, threads: 1);

        Assert.True(adapter.IsLowRank);
        Assert.InRange(AdapterLogitsTests.Furthest(alone.Logits([1, 2, 3]), batched.Logits([1, 2, 3], 0)), 0, 2e-4);
        Assert.True(AdapterLogitsTests.Furthest(alone.Logits([1, 2, 3]), batched.Logits([1, 2, 3], null)) > 0.1);
    }

    public void Dispose()
    {
        opened.ForEach(item => item.Dispose());
        weights.Dispose();
        checkpoint.Dispose();
    }

    private static int[][] Repeated(int rows) => [.. Enumerable.Repeat(Text, rows)];

    private Adapter Random(int seed, int rank, params string[] modules)
    {
        var sizes = Qwen2Sizes.Of(checkpoint.Config);
        var folder = new AdapterFolder(seed + 100);
        opened.Add(folder);
        string[] targets = modules.Length > 0 ? modules : ["q_proj", "v_proj"];
        folder.Config["target_modules"] = new System.Text.Json.Nodes.JsonArray([.. targets.Select(name => (System.Text.Json.Nodes.JsonNode)name)]);
        (folder.Config["r"], folder.Config["lora_alpha"]) = (rank, 1.5);
        foreach (var linear in ModelGraph.For(checkpoint.Config, Target.Fused).Adaptable.Linears.Where(linear => targets.Contains(linear.Name.Split('.')[^1])))
        {
            folder.AddLinear(linear.Name, (int)linear.To, (int)linear.From, rank);
        }

        var adapter = folder.Open(checkpoint.Config);
        opened.Insert(0, adapter);
        return adapter;
    }
}
