using System.Numerics.Tensors;
using Hindsight.Models.Tests.Families;

namespace Hindsight.Models.Tests;

public class TransformerTests
{
    public static TheoryData<string> Models => [
        "llama-gqa", "llama3-rope-scaling", "stories260k-real", "qwen2-tied", "qwen2-sharded", "qwen2-bf16", "qwen3-tied", "mistral-sliding-window", "gemma2",
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_equal_the_reference_at_every_position(string model)
    {
        using var weights = Load(model, "model");
        AssertReference(weights, Golden.Of(model, "golden"));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Greedy_continuations_equal_the_reference(string model)
    {
        using var weights = Load(model, "model");
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        var golden = Golden.Of(model, "golden").ToList();
        using var cached = new CachedTransformer(weights, rows: 1, capacity: golden.Max(text => text.Ids.Length) + 32);
        foreach (var text in golden)
        {
            var (ids, read) = (text.Ids.ToList(), 0);
            while (ids.Count < text.Ids.Length + text.Greedy.Length)
            {
                var logits = cached.Read([[.. ids[read..]]], [read], ids.Count);
                read = ids.Count;
                ids.Add(Likeliest(logits.AsSpan(^weights.Config.VocabularySize..)));
            }

            Assert.Equal(text.Greedy, ids[text.Ids.Length..]);
            var whole = plain.Logits(ids);
            for (var place = text.Ids.Length; place < ids.Count; place++)
            {
                Assert.Equal(ids[place], Likeliest(whole.AsSpan((place - 1) * weights.Config.VocabularySize, weights.Config.VocabularySize)));
            }
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void Logits_of_interpolated_weights_equal_the_reference(double delta)
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        using var late = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var weights = Weights.Interpolate(early, late, earlyWeight: delta);
        AssertReference(weights, Golden.Of("wise-ft-qwen2", "golden", $"delta_{delta:0.0}"));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_fused_form_equals_the_plain_form(string model)
    {
        using var weights = Load(model, "model");
        using var fused = new Transformer(weights, Target.Fused, threads: 1);
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        foreach (var length in (int[])[1, 2, 17, 130, 420])
        {
            var random = new Random(length);
            int[] ids = [.. Enumerable.Range(0, length).Select(_ => random.Next(weights.Config.VocabularySize))];
            Assert.InRange(Furthest(fused.Logits(ids), plain.Logits(ids)), 0, 1e-4);
        }
    }

    [Theory]
    [InlineData("gemma2")]
    [InlineData("mistral-sliding-window")]
    [InlineData("qwen3-tied")]
    public void A_long_text_in_pieces_equals_the_plain_form(string model)
    {
        using var weights = Load(model, "model");
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        using var cached = new CachedTransformer(weights, rows: 1, capacity: 512);
        var random = new Random(3);
        int[] ids = [.. Enumerable.Range(0, 500).Select(_ => random.Next(weights.Config.VocabularySize))];
        var (logits, start) = (new List<float>(), 0);
        foreach (var length in (int[])[150, 1, 1, 260, 87, 1])
        {
            logits.AddRange(cached.Read([ids[start..(start + length)]], [start], ids.Length));
            start += length;
        }

        Assert.InRange(Furthest(plain.Logits(ids), [.. logits]), 0, 1e-4);
    }

    [Fact]
    public void Ids_the_model_cannot_read_are_refused_by_number()
    {
        using var weights = Load("qwen2-tied", "model");
        using var transformer = new Transformer(weights, Target.Fused, threads: 1);
        Assert.Contains("Token id 384", Assert.Throws<InvalidDataException>(() => transformer.Logits([1, 384])).Message, StringComparison.Ordinal);
        Assert.Contains("513 tokens", Assert.Throws<InvalidDataException>(() => transformer.Logits(new int[513])).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => transformer.Logits([]));
    }

    private static void AssertReference(Weights weights, IEnumerable<Golden> golden)
    {
        foreach (var target in Enum.GetValues<Target>())
        {
            using var transformer = new Transformer(weights, target, threads: 1);
            Assert.All(golden, text => Assert.InRange(Furthest(text.Logits, transformer.Logits(text.Ids)), 0, 5e-4));
        }
    }

    private static int Likeliest(ReadOnlySpan<float> logits) => TensorPrimitives.IndexOfMax(logits);

    private static double Furthest(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        return expected.Zip(actual, (a, b) => Math.Abs((double)a - b)).Max();
    }

    private static Weights Load(params string[] parts)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo(["models", .. parts]));
        return Weights.Load(checkpoint);
    }
}
