using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Checkpoints;

public sealed class MergeTests : IDisposable
{
    private static readonly string Base = TestData.PathTo("models", "qwen2-tied", "model");
    private static readonly string Finetuned = TestData.PathTo("models", "wise-ft-qwen2", "finetuned");

    private readonly string place = Directory.CreateTempSubdirectory("hindsight-").FullName;

    private string Out => Path.Combine(place, "merged");

    public void Dispose() => Directory.Delete(place, recursive: true);

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(1.0)]
    public void A_merged_folder_is_the_interpolation(double earlyWeight)
    {
        Merge.Write(Base, Finetuned, earlyWeight, Out);

        AssertSameWeights(Interpolated(Base, Finetuned, earlyWeight), Load(Out));
    }

    [Fact]
    public void The_late_folder_gives_all_but_the_weights()
    {
        Merge.Write(Base, Finetuned, 0.5, Out);

        foreach (var file in new[] { "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(Finetuned, file)), File.ReadAllBytes(Path.Combine(Out, file)));
        }

        Assert.Equal(["config.json", "generation_config.json", "merge.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
            Directory.EnumerateFileSystemEntries(Out).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.Equal([Out], Directory.EnumerateFileSystemEntries(place));
    }

    [Fact]
    public void A_bfloat16_late_checkpoint_gives_bfloat16_rounded_from_the_interpolation()
    {
        using var early = ModelFolder.CopyOf("qwen2-bf16/model");
        early.EditTensors(tensors =>
        {
            for (var index = 0; index < tensors.Count; index++)
            {
                var values = Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(tensors[index].Data).ToArray(), bits => 1.37f * BitConverter.UInt32BitsToSingle((uint)bits << 16));
                tensors[index] = RawTensor.Of(tensors[index].Name, [.. tensors[index].Shape], values);
            }
        });
        var late = TestData.PathTo("models", "qwen2-bf16", "model");
        Merge.Write(early.Path, late, 0.25, Out);

        using var merged = Load(Out);
        using var expected = Interpolated(early.Path, late, 0.25);
        foreach (var name in expected.Names)
        {
            var rounded = new ushort[expected.Span(name).Length];
            ElementWise.Narrow(expected.Span(name), rounded);
            Assert.Equal(rounded, MemoryMarshal.Cast<float, uint>(merged.Span(name)).ToArray().Select(bits => (ushort)(bits >> 16)));
        }

        using var checkpoint = Checkpoint.Open(Out);
        Assert.All(checkpoint.Names, name => Assert.Equal(StoredType.BF16, checkpoint[name].Info.Type));
    }

    [Fact]
    public void The_shards_are_those_of_the_late_checkpoint()
    {
        using var early = ModelFolder.CopyOf("qwen2-sharded/model");
        const string Shard = "model-00002-of-00004.safetensors";
        early.EditTensors(tensors => tensors[0] = RawTensor.Of(tensors[0].Name, [.. tensors[0].Shape], Array.ConvertAll(tensors[0].Floats, value => value + 1)), Shard);
        var late = TestData.PathTo("models", "qwen2-sharded", "model");
        Merge.Write(early.Path, late, 0.5, Out);

        AssertSameWeights(Interpolated(early.Path, late, 0.5), Load(Out));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse(File.ReadAllText(Path.Combine(late, "model.safetensors.index.json"))),
            JsonNode.Parse(File.ReadAllText(Path.Combine(Out, "model.safetensors.index.json")))));
    }

    [Fact]
    public void Tied_embeddings_are_written_once_and_derived_buffers_not_at_all()
    {
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        late.EditTensors(tensors => tensors.AddRange(
        [
            tensors.Single(tensor => tensor.Name == "model.embed_tokens.weight") with { Name = "lm_head.weight" },
            RawTensor.Of("model.layers.0.self_attn.rotary_emb.inv_freq", [1], 1),
        ]));
        Merge.Write(Base, late.Path, 0.5, Out);

        AssertSameWeights(Interpolated(Base, Finetuned, 0.5), Load(Out));
        using var checkpoint = Checkpoint.Open(Out);
        Assert.Equal(checkpoint.Names.Order(), checkpoint.Files.Single().Header.Tensors.Select(tensor => tensor.Name).Order());
    }

    [Fact]
    public void The_manifest_names_both_parents_by_digest()
    {
        Merge.Write(Base, Finetuned, 0.3, Out);

        var manifest = JsonNode.Parse(File.ReadAllText(Path.Combine(Out, "merge.json")))!;
        Assert.Equal(0.3, (double)manifest["earlyWeight"]!);
        Assert.Equal("finetuned", (string)manifest["late"]!["folder"]!);
        foreach (var (role, folder) in new[] { ("early", Base), ("late", Finetuned) })
        {
            var sums = Directory.EnumerateFiles(folder).ToDictionary(path => Path.GetFileName(path), path => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
            Assert.Equal(CheckpointFiles.WeightsDigest(sums), (string)manifest[role]!["weightsDigest"]!);
        }

        Assert.NotEqual((string)manifest["early"]!["weightsDigest"]!, (string)manifest["late"]!["weightsDigest"]!);
        Assert.StartsWith("Hindsight ", (string)manifest["tool"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_merge_gives_the_same_bytes()
    {
        var second = Path.Combine(place, "second");
        Merge.Write(Base, Finetuned, 0.7, Out);
        Merge.Write(Base, Finetuned, 0.7, second);

        Assert.All(Directory.EnumerateFiles(Out), path => Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(second, Path.GetFileName(path)))));
    }

    [Fact]
    public void A_folder_with_content_is_refused_and_left_as_it_is()
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, "mine"), "mine");

        Assert.Contains("not an empty folder", Assert.Throws<InvalidDataException>(() => Merge.Write(Base, Finetuned, 0.5, Out)).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Out, "mine")));
        Assert.Contains("not an empty folder", Assert.Throws<InvalidDataException>(() => Merge.Write(Base, Finetuned, 0.5, Base)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_folder_is_filled_and_missing_parents_of_it_are_made()
    {
        Directory.CreateDirectory(Out);
        Merge.Write(Base, Finetuned, 0.5, Out + "/");
        Merge.Write(Base, Finetuned, 0.5, Path.Combine(place, "a", "b"));

        Load(Out).Dispose();
        Load(Path.Combine(place, "a", "b")).Dispose();
    }

    [Fact]
    public void What_a_killed_merge_left_is_cleared_away()
    {
        var partial = Directory.CreateDirectory(Path.Combine(place, ".merged.merge.partial")).FullName;
        File.WriteAllText(Path.Combine(partial, "model.safetensors"), "half");
        File.WriteAllText(Path.Combine(place, ".merged.merge.lock"), "");

        Merge.Write(Base, Finetuned, 0.5, Out);

        Assert.Equal([Out], Directory.EnumerateFileSystemEntries(place));
        Load(Out).Dispose();
    }

    [Fact]
    public void A_second_merge_into_the_same_folder_is_refused_while_the_first_runs()
    {
        using (new FileStream(Path.Combine(place, ".merged.merge.lock"), FileMode.Create, FileAccess.Write, FileShare.None))
        {
            Assert.Contains("Another merge", Assert.Throws<InvalidDataException>(() => Merge.Write(Base, Finetuned, 0.5, Out)).Message, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public void A_merge_that_fails_or_is_stopped_leaves_nothing()
    {
        using var damaged = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        damaged.EditTensors(tensors => tensors[^1] = RawTensor.Of(tensors[^1].Name, [64], [.. Enumerable.Repeat(float.NaN, 64)]));

        Assert.Contains("not a finite number", Assert.Throws<InvalidDataException>(() => Merge.Write(Base, damaged.Path, 0.5, Out)).Message, StringComparison.Ordinal);
        Assert.Throws<OperationCanceledException>(() => Merge.Write(Base, Finetuned, 0.5, Out, new CancellationToken(canceled: true)));
        Assert.Throws<InvalidDataException>(() => Merge.Write(Base, Finetuned, 1.5, Out));
        Assert.Throws<InvalidDataException>(() => Merge.Write(Base, TestData.PathTo("models", "llama-gqa", "model"), 0.5, Out));
        Assert.Empty(Directory.EnumerateFileSystemEntries(place));
    }

    [Fact]
    public void A_result_too_large_for_the_late_type_is_refused()
    {
        using var early = ModelFolder.CopyOf("qwen2-tied/model");
        early.EditTensors(tensors => tensors[^1] = RawTensor.Of(tensors[^1].Name, [64], [.. Enumerable.Repeat(1e6f, 64)]));
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        late.EditTensors(tensors => tensors[^1] = tensors[^1].As(StoredType.F16));

        Assert.Contains("model.norm.weight has a weight too large for F16", Assert.Throws<InvalidDataException>(() => Merge.Write(early.Path, late.Path, 0.5, Out)).Message, StringComparison.Ordinal);
    }

    private static Weights Load(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return Weights.Load(checkpoint);
    }

    private static Weights Interpolated(string early, string late, double earlyWeight)
    {
        using var first = Checkpoint.Open(early);
        using var second = Checkpoint.Open(late);
        return Weights.Interpolate(first, second, earlyWeight);
    }

    private static void AssertSameWeights(Weights expected, Weights actual)
    {
        using (expected)
        using (actual)
        {
            Assert.Equal(expected.Names, actual.Names);
            Assert.All(expected.Names, name => Assert.True(MemoryMarshal.AsBytes(expected.Span(name)).SequenceEqual(MemoryMarshal.AsBytes(actual.Span(name)))));
        }
    }
}
