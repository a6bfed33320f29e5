using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Models.Tests.Adapters;

public sealed class AdapterUpdateTests : IDisposable
{
    private const string Query = "model.layers.1.self_attn.q_proj";
    private const string Key = "model.layers.1.self_attn.k_proj";

    private readonly Checkpoint checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
    private readonly Weights loaded;
    private readonly AdapterFolder earlyFolder = new(1);
    private readonly AdapterFolder lateFolder = new(2);
    private readonly Adapter early;
    private readonly Adapter late;

    // The two adapt different modules with different ranks; each saves something the other does not.
    public AdapterUpdateTests()
    {
        loaded = Weights.Load(checkpoint);
        var sizes = Qwen2Sizes.Of(checkpoint.Config);
        earlyFolder.Config["target_modules"] = new JsonArray(Query);
        earlyFolder.Config["modules_to_save"] = new JsonArray("model.norm");
        early = earlyFolder.AddLinear(Query, sizes.Queries, sizes.Hidden).AddTensor("model.norm.weight", sizes.Hidden).Open(checkpoint.Config);
        lateFolder.Config["target_modules"] = new JsonArray(Query, Key);
        (lateFolder.Config["r"], lateFolder.Config["lora_alpha"]) = (7, 3);
        late = lateFolder.AddLinear(Query, sizes.Queries, sizes.Hidden, 7).AddLinear(Key, sizes.Keys, sizes.Hidden, 7).Open(checkpoint.Config);
    }

    [Fact]
    public void An_interpolation_is_the_weighted_mean_of_the_merged_weights() =>
        Prop.ForAll(Gen.Choose(1, 999).Select(share => share / 1000.0).ToArbitrary(), earlyWeight =>
        {
            using var merged = Weights.Merge(checkpoint, new AdapterUpdate(early, late, earlyWeight));
            double Mean(double ofEarly, double ofLate) => (earlyWeight * ofEarly) + ((1 - earlyWeight) * ofLate);
            var (ofEarly, ofLate, keys) = (earlyFolder.Product(Query), lateFolder.Product(Query), lateFolder.Product(Key));
            for (var index = 0; index < ofEarly.Length; index++)
            {
                AssertClose(loaded.Span($"{Query}.weight")[index] + Mean(6.0 / 4 * ofEarly[index], 3.0 / 7 * ofLate[index]), merged.Span($"{Query}.weight")[index]);
            }

            for (var index = 0; index < keys.Length; index++)
            {
                AssertClose(loaded.Span($"{Key}.weight")[index] + Mean(0, 3.0 / 7 * keys[index]), merged.Span($"{Key}.weight")[index]);
            }

            // The late adapter counts with the base's norm.
            for (var index = 0; index < loaded.Span("model.norm.weight").Length; index++)
            {
                AssertClose(Mean(earlyFolder.Values("model.norm.weight")[index], loaded.Span("model.norm.weight")[index]), merged.Span("model.norm.weight")[index]);
            }
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(10));

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    public void The_end_points_are_one_adapter_alone_bit_for_bit(double earlyWeight)
    {
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(early, late, earlyWeight));
        using var alone = Weights.Merge(checkpoint, new AdapterUpdate(earlyWeight == 0 ? late : early));
        Assert.All(alone.Names, name => Assert.True(alone.Span(name).SequenceEqual(merged.Span(name))));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void A_weight_outside_0_to_1_is_refused(double earlyWeight) =>
        Assert.Contains("must be from 0 to 1", Assert.Throws<InvalidDataException>(() => new AdapterUpdate(early, late, earlyWeight)).Message, StringComparison.Ordinal);

    [Fact]
    public void Adapters_with_different_tokenizers_cannot_be_interpolated()
    {
        File.Copy(TestData.PathTo("models", "llama-gqa", "model", "tokenizer.json"), Path.Combine(earlyFolder.Path, "tokenizer.json"));
        var update = new AdapterUpdate(early, late, 0.5);
        Assert.Contains("tokenizer.json differ at", Assert.Throws<InvalidDataException>(() => Weights.Merge(checkpoint, update)).Message, StringComparison.Ordinal);
        File.Copy(TestData.PathTo("models", "qwen2-tied", "model", "tokenizer.json"), Path.Combine(lateFolder.Path, "tokenizer.json"));
        Assert.Contains("tokenizer.json differ at", Assert.Throws<InvalidDataException>(() => new AdapterUpdate(early, late, 0.5)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        early.Dispose();
        late.Dispose();
        earlyFolder.Dispose();
        lateFolder.Dispose();
        loaded.Dispose();
        checkpoint.Dispose();
    }

    private static void AssertClose(double expected, float actual) =>
        Assert.InRange(Math.Abs(expected - actual), 0, (Math.Abs(expected) * 2.4e-7) + 5e-8);
}
