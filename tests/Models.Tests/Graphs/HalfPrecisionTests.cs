using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Hindsight.Models.Onnx;
using Hindsight.Models.Tests.Checkpoints;
using Hindsight.Models.Tests.Families;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models.Tests;

/// <summary>Graphs for GPUs. ONNX Runtime computes float16 on the processor too, slowly; it has no bfloat16 there.</summary>
public class HalfPrecisionTests
{
    [Theory]
    [InlineData("stories260k-real")]
    [InlineData("llama-gqa")]
    [InlineData("llama3-rope-scaling")]
    [InlineData("mistral-sliding-window")]
    [InlineData("qwen2-tied")]
    [InlineData("qwen3-tied")]
    [InlineData("gemma2")]
    public void Logits_in_float16_stay_close_to_those_of_transformers_in_float32(string model)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", model, "model"));
        using var weights = Weights.Load(checkpoint, Precision.Float16);
        using var fused = new Transformer(weights, Target.Fused, threads: 1);
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        var (places, agreeing) = (0, 0);
        foreach (var text in Golden.Of(model, "golden"))
        {
            var logits = fused.Logits(text.Ids);
            Assert.True(Correlation(logits, text.Logits) > 0.999, $"{Correlation(logits, text.Logits)}");
            Assert.True(Correlation(logits, plain.Logits(text.Ids)) > 0.999);
            Assert.NotEqual(text.Logits, logits);
            var vocabulary = weights.Config.VocabularySize;
            for (var place = 0; place < text.Ids.Length; place++, places++)
            {
                var part = place * vocabulary;
                agreeing += TensorPrimitives.IndexOfMax(logits.AsSpan(part, vocabulary)) == TensorPrimitives.IndexOfMax(text.Logits.AsSpan(part, vocabulary)) ? 1 : 0;
            }
        }

        Assert.True(agreeing >= 0.95 * places, $"{agreeing} of {places}");
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void Every_family_has_a_graph_in_float16(string name)
    {
        using var model = FamilyCases.Of(name);
        using var checkpoint = Checkpoint.Open(model.Folder.Path);
        using var weights = Weights.Load(checkpoint, Precision.Float16);
        using var fused = new Transformer(weights, Target.Fused, threads: 1);
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        int[] ids = [.. Enumerable.Range(0, 21).Select(place => place * 11 % 48)];
        float[] expected = [.. model.ReferenceLogits(ids).Select(logit => (float)logit)];
        Assert.True(Correlation(fused.Logits(ids), expected) > 0.999);
        Assert.True(Correlation(plain.Logits(ids), expected) > 0.999);
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void Every_familys_graph_in_bfloat16_is_whole_and_lacks_only_the_kernels(string name)
    {
        using var model = FamilyCases.Of(name);
        using var checkpoint = Checkpoint.Open(model.Folder.Path);
        using var weights = Weights.Load(checkpoint, Precision.BFloat16);
        foreach (var target in Enum.GetValues<Target>())
        {
            // A graph whose types do not fit together is refused before kernels are looked for, with another error.
            var graph = ModelGraph.For(weights.Config, target, Precision.BFloat16);
            Assert.Contains("NotImplemented", Assert.Throws<OnnxRuntimeException>(() => graph.Open(weights, threads: 1)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.BFloat16)]
    public void All_weights_keys_and_values_have_the_type_and_logits_are_float32(Precision precision)
    {
        var type = precision == Precision.Float16 ? TensorProto.Types.DataType.Float16 : TensorProto.Types.DataType.Bfloat16;
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "gemma2", "model"));
        var model = ModelProto.Parser.ParseFrom(ModelGraph.For(checkpoint.Config, Target.Fused, precision).Bytes.Span).Graph;
        var inputs = model.Input.Where(input => input.Type.TensorType.ElemType is not (TensorProto.Types.DataType.Int32 or TensorProto.Types.DataType.Int64));
        Assert.All(inputs, input => Assert.Equal(type, input.Type.TensorType.ElemType));
        Assert.All(model.Initializer.Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External), tensor => Assert.Equal(type, tensor.DataType));
        Assert.All(model.Output, output => Assert.Equal(
            output.Name == ModelGraph.Logits ? TensorProto.Types.DataType.Float : type, output.Type.TensorType.ElemType));
    }

    [Theory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.BFloat16)]
    public void Weights_are_the_nearest_numbers_of_the_type(Precision precision)
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var late = Checkpoint.Open(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        using var exact = Weights.Interpolate(early, late, 0.3);
        using var narrow = Weights.Interpolate(early, late, 0.3, precision);
        Assert.Equal(exact.Names, narrow.Names);
        foreach (var name in exact.Names)
        {
            // The interpolation is computed in float32 and rounded once.
            var values = exact.Span(name).ToArray();
            if (precision == Precision.Float16)
            {
                Assert.Equal(values.Select(value => BitConverter.HalfToUInt16Bits((Half)value)), Bits(narrow[name]));
            }
            else
            {
                var rounded = new ushort[values.Length];
                Assert.True(ElementWise.Narrow(values, rounded));
                Assert.Equal(rounded, Bits(narrow[name]));
            }
        }

        Assert.Equal(exact.OwnedBytes / 2.0, narrow.OwnedBytes, exact.Names.Count * 64.0);
        Assert.Throws<InvalidOperationException>(() => narrow.Span(narrow.Names.First()).Length);
    }

    [Fact]
    public void Bfloat16_files_are_used_where_they_lie()
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-bf16", "model"));
        using var weights = Weights.Load(checkpoint, Precision.BFloat16);
        Assert.Equal(0, weights.OwnedBytes);
        Assert.All(weights.Names, name => Assert.Equal(MemoryMarshal.Cast<byte, ushort>(checkpoint[name].Bytes(0, (int)checkpoint[name].Info.Elements)).ToArray(), Bits(weights[name])));
    }

    [Fact]
    public void A_weight_too_large_for_float16_is_refused_by_name()
    {
        using var folder = ModelFolder.CopyOf("qwen2-tied/model");
        folder.EditTensors(tensors =>
        {
            var (index, floats) = (tensors.FindIndex(tensor => tensor.Name == "model.norm.weight"), tensors.Single(tensor => tensor.Name == "model.norm.weight").Floats);
            floats[5] = -65_520;
            tensors[index] = RawTensor.Of("model.norm.weight", [floats.Length], floats);
        });
        using var checkpoint = Checkpoint.Open(folder.Path);
        var refusal = Assert.Throws<InvalidDataException>(() => Weights.Load(checkpoint, Precision.Float16)).Message;
        Assert.Contains("model.norm.weight", refusal, StringComparison.Ordinal);
        Assert.Contains(folder.Path, refusal, StringComparison.Ordinal);
        Assert.Contains("bfloat16", refusal, StringComparison.Ordinal);
        Weights.Load(checkpoint, Precision.BFloat16).Dispose();
    }

    [Theory]
    [InlineData(Target.Fused)]
    [InlineData(Target.Plain)]
    public void Rows_under_adapters_in_float16_are_near_those_in_float32(Target target)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var adapter = Adapter.Open(TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter"), checkpoint.Config);
        AdapterUpdate[] slots = [new(adapter)];
        using var stack = AdapterStack.Create(checkpoint.Config, slots, Precision.Float16);
        Assert.Equal(stack.Bytes, AdapterStack.BytesFor(checkpoint.Config, slots, Precision.Float16));
        using var weights = Weights.Load(checkpoint, Precision.Float16);
        using var merged = Weights.Merge(checkpoint, slots[0]);
        using var narrow = new Transformer(weights, target, threads: 1, stack);
        using var exact = new Transformer(merged, target, threads: 1);
        int[] ids = [5, 9, 31, 2, 77, 13];
        Assert.True(Correlation(narrow.Logits(ids, 0), exact.Logits(ids)) > 0.999);
        Assert.NotEqual(narrow.Logits(ids, null), narrow.Logits(ids, 0));
    }

    [Fact]
    public void Numbers_beyond_a_type_are_told()
    {
        Assert.True(ElementWise.Narrow([1, -65_519.9f, .. new float[70]], DType.Float16, new ushort[72]));
        Assert.False(ElementWise.Narrow([.. new float[40], 65_520, 1], DType.Float16, new ushort[42]));
        Assert.False(ElementWise.Narrow([1, 65_520], DType.Float16, new ushort[2]));
        Assert.True(ElementWise.Narrow([1, 65_520], DType.BFloat16, new ushort[2]));
        Assert.False(ElementWise.Narrow([1, float.MaxValue], DType.BFloat16, new ushort[2]));
    }

    private static ushort[] Bits(OrtValue tensor) => MemoryMarshal.Cast<byte, ushort>(tensor.GetTensorMutableRawData()).ToArray();

    private static double Correlation(float[] a, float[] b)
    {
        var (meanA, meanB) = (a.Average(), b.Average());
        var (x, y) = (a.Select(value => value - meanA).ToArray(), b.Select(value => value - meanB).ToArray());
        return TensorPrimitives.CosineSimilarity<float>(x, y);
    }
}
