using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

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

    [Theory]
    [InlineData("llama-gqa/model")]
    [InlineData("stories260k-real/model")]
    public void Float32_weights_are_those_of_the_file_even_after_the_checkpoint_is_closed(string name)
    {
        using var model = ModelFolder.CopyOf(name);
        using var weights = model.Load();

        foreach (var tensor in model.Tensors())
        {
            Assert.True(tensor.Floats.AsSpan().SequenceEqual(weights.Span(tensor.Name)));
            Assert.True(tensor.Floats.AsSpan().SequenceEqual(weights[tensor.Name].GetTensorDataAsSpan<float>()));
        }
    }

    [Fact]
    public void A_tensor_handed_to_ONNX_Runtime_is_not_a_copy()
    {
        using var weights = Load("llama-gqa/model");

        Assert.True(weights.Span("model.norm.weight") == weights["model.norm.weight"].GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Bfloat16_weights_are_widened_exactly()
    {
        using var model = ModelFolder.CopyOf("qwen2-bf16/model");
        using var weights = model.Load();

        foreach (var tensor in model.Tensors())
        {
            var expected = Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(tensor.Data).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));
            Assert.True(expected.AsSpan().SequenceEqual(weights.Span(tensor.Name)));
        }
    }

    [Fact]
    public void Float16_weights_are_widened_exactly_beside_tensors_of_other_types()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditTensors(tensors =>
        {
            for (var index = 0; index < tensors.Count; index += 2)
            {
                tensors[index] = tensors[index].As(StoredType.F16);
            }
        });
        using var weights = model.Load();

        foreach (var tensor in model.Tensors())
        {
            var expected = tensor.Type == StoredType.F32 ? tensor.Floats
                : Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(tensor.Data).ToArray(), half => (float)half);
            Assert.True(expected.AsSpan().SequenceEqual(weights.Span(tensor.Name)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Float32_weights_at_odd_places_of_the_file_are_the_same(int shift)
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        var bytes = File.ReadAllBytes(model.PathOf("model.safetensors"));
        var end = (int)SafetensorsHeader.Parse(bytes, bytes.Length, "").DataStart;
        byte[] moved = [.. bytes[..end], .. Enumerable.Repeat((byte)' ', shift), .. bytes[end..]];
        BitConverter.TryWriteBytes(moved, (long)end - 8 + shift);
        File.WriteAllBytes(model.PathOf("model.safetensors"), moved);
        using var weights = model.Load();

        Assert.All(model.Tensors(), tensor => Assert.True(tensor.Floats.AsSpan().SequenceEqual(weights.Span(tensor.Name))));
    }

    [Theory]
    [InlineData(StoredType.F32, float.NaN)]
    [InlineData(StoredType.F16, float.NaN)]
    [InlineData(StoredType.BF16, float.PositiveInfinity)]
    [InlineData(StoredType.F16, float.NegativeInfinity)]
    public void A_weight_that_is_not_finite_is_refused_with_its_tensor_and_file(StoredType type, float value)
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditTensors(tensors =>
        {
            var index = tensors.FindIndex(tensor => tensor.Name == "model.layers.1.mlp.up_proj.weight");
            var values = tensors[index].Floats;
            values[5000] = value;
            var damaged = RawTensor.Of(tensors[index].Name, [.. tensors[index].Shape], values);
            tensors[index] = type == StoredType.F32 ? damaged : damaged.As(type);
        });

        Assert.Equal($"{model.PathOf("model.safetensors")} has a weight in model.layers.1.mlp.up_proj.weight that is not a finite number; the checkpoint is damaged.", model.Refusal());
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void An_interpolation_is_the_weighted_mean_of_its_parents(double earlyWeight)
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var late = Checkpoint.Open(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        using var ofEarly = Weights.Load(early);
        using var ofLate = Weights.Load(late);
        using var weights = Weights.Interpolate(early, late, earlyWeight);

        Assert.Equal(ofLate.Names, weights.Names);
        foreach (var name in weights.Names)
        {
            for (var index = 0; index < weights.Span(name).Length; index++)
            {
                var (a, b, value) = (ofEarly.Span(name)[index], ofLate.Span(name)[index], weights.Span(name)[index]);
                var exact = (earlyWeight * a) + ((1 - earlyWeight) * b);
                if (Math.Abs(value - exact) > 3.01 * Math.Pow(2, -24) * Math.Max(Math.Abs(a), Math.Abs(b)))
                {
                    Assert.Fail($"{name}[{index}] is {value}, not {exact}");
                }
            }
        }
    }

    [Fact]
    public void The_end_points_are_the_parents_bit_for_bit_down_to_the_sign_of_zero()
    {
        using var early = ModelFolder.CopyOf("qwen2-tied/model");
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        foreach (var model in new[] { early, late })
        {
            model.EditTensors(tensors => tensors[^1] = RawTensor.Of(tensors[^1].Name, [64], [.. Enumerable.Repeat(-0f, 64)]));
        }

        using var first = Checkpoint.Open(early.Path);
        using var second = Checkpoint.Open(late.Path);
        foreach (var (earlyWeight, parent) in new[] { (0.0, second), (-0.0, second), (1.0, first) })
        {
            using var expected = Weights.Load(parent);
            using var weights = Weights.Interpolate(first, second, earlyWeight);
            Assert.All(expected.Names, name => Assert.True(
                MemoryMarshal.AsBytes(expected.Span(name)).SequenceEqual(MemoryMarshal.AsBytes(weights.Span(name)))));
        }
    }

    [Theory]
    [InlineData(-0.001)]
    [InlineData(1.001)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_early_weight_outside_0_to_1_is_refused(double earlyWeight)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));

        Assert.Contains("must be from 0 to 1", Assert.Throws<InvalidDataException>(() => Weights.Interpolate(checkpoint, checkpoint, earlyWeight)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_of_different_shape_are_refused_with_the_first_difference()
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var late = Checkpoint.Open(TestData.PathTo("models", "qwen2-bf16", "model"));

        Assert.Contains("TieWordEmbeddings is True in the first and False in the second",
            Assert.Throws<InvalidDataException>(() => Weights.Interpolate(early, late, 0.5)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.vocab.A", "vocab")]
    [InlineData("model.merges[0]", "merges")]
    [InlineData("the length of added_tokens", "added")]
    [InlineData("normalizer", "normalizer")]
    [InlineData("extra", "extra")]
    public void Different_tokenizers_are_refused_with_the_first_difference(string difference, string change)
    {
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        late.EditJson("tokenizer.json", root =>
        {
            switch (change)
            {
                case "vocab":
                    root["model"]!["vocab"]!["A"] = 0;
                    break;
                case "merges":
                    root["model"]!["merges"]!.AsArray().RemoveAt(0);
                    break;
                case "added":
                    root["added_tokens"]!.AsArray().RemoveAt(root["added_tokens"]!.AsArray().Count - 1);
                    break;
                default:
                    root[change] = new JsonObject { ["type"] = "Lowercase" };
                    break;
            }
        });

        Assert.Contains($"their tokenizer.json differ at {difference}", InterpolationRefusal(late), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_written_in_another_form_is_the_same()
    {
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        late.EditJson("tokenizer.json", root =>
        {
            root["padding"] = new JsonObject { ["strategy"] = "BatchLongest" };
            var model = root["model"]!;
            root.Remove("model");
            root["model"] = model;
        });
        using var early = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var second = Checkpoint.Open(late.Path);

        Weights.Interpolate(early, second, 0.5).Dispose();
    }

    [Fact]
    public void A_damaged_parent_is_named()
    {
        using var late = ModelFolder.CopyOf("wise-ft-qwen2/finetuned");
        late.EditTensors(tensors => tensors[^1] = RawTensor.Of(tensors[^1].Name, [64], [.. Enumerable.Repeat(float.NaN, 64)]));

        Assert.Contains($"{late.PathOf("model.safetensors")} has a weight in model.norm.weight that is not a finite number", InterpolationRefusal(late), StringComparison.Ordinal);
    }

    private static Weights Load(string model)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", model));
        return Weights.Load(checkpoint);
    }

    private static string InterpolationRefusal(ModelFolder late)
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var second = Checkpoint.Open(late.Path);
        return Assert.Throws<InvalidDataException>(() => Weights.Interpolate(early, second, 0.5)).Message;
    }
}
