using System.Numerics.Tensors;

namespace Hindsight.Models.Tests;

public class Int8Tests
{
    [Theory]
    [InlineData("stories260k-real", 0.9995)]
    [InlineData("qwen2-tied", 0.998)]
    [InlineData("gemma2", 0.99)]
    public void Logits_stay_close_to_those_of_float32(string model, double leastCorrelation)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", model, "model"));
        using var exact = Weights.Load(checkpoint);
        using var quantised = Weights.Load(checkpoint, Precision.Int8);
        foreach (var text in Golden.Of(model, "golden"))
        {
            var reference = Logits(exact, Target.Fused, text.Ids);
            var (fused, plain) = (Logits(quantised, Target.Fused, text.Ids), Logits(quantised, Target.Plain, text.Ids));

            // The integers are the same in both forms unless a float before them was rounded to the other side.
            Assert.True(Correlation(fused, plain) > 0.9999);
            Assert.True(Correlation(fused, reference) > leastCorrelation, $"{Correlation(fused, reference)}");
            Assert.NotEqual(reference, fused);
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_among_others()
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "stories260k-real", "model"));
        using var weights = Weights.Load(checkpoint, Precision.Int8);
        using var transformer = new Transformer(weights, Target.Fused, threads: 2);
        var texts = Enumerable.Range(0, 33).Select(row => (int[])[1, 10 + row, 40 + (3 * row), 7]).ToList();
        var together = transformer.Logits(texts, [.. texts.Select(_ => (int?)null)]);
        var size = together.Length / texts.Count;
        for (var row = 0; row < texts.Count; row++)
        {
            Assert.Equal(together[(row * size)..((row + 1) * size)], transformer.Logits(texts[row]));
        }
    }

    [Fact]
    public void Codes_are_the_nearest_to_the_weights_in_either_orientation()
    {
        const int Inputs = 37;
        const int Outputs = 70;
        var random = new Random(4);
        var rows = Enumerable.Range(0, Outputs)
            .Select(output => Enumerable.Range(0, Inputs).Select(_ => output == 3 ? 0 : (float)(random.NextDouble() - 0.5) * (output + 1)).ToArray()).ToArray();
        float[] outputsFirst = [.. rows.SelectMany(row => row)];
        float[] inputsFirst = [.. Enumerable.Range(0, Inputs).SelectMany(input => rows.Select(row => row[input]))];
        var (codes, scales) = Quantise(outputsFirst, inputsFirst: false);
        var (others, otherScales) = Quantise(inputsFirst, inputsFirst: true);
        Assert.Equal(codes, others);
        Assert.Equal(scales, otherScales);
        for (var output = 0; output < Outputs; output++)
        {
            Assert.Equal(rows[output].Max(Math.Abs) / 127, scales[output]);
            for (var input = 0; input < Inputs; input++)
            {
                Assert.InRange(Math.Abs(rows[output][input] - (codes[(input * Outputs) + output] * scales[output])), 0, scales[output] * 0.50001);
            }
        }

        static unsafe (sbyte[] Codes, float[] Scales) Quantise(float[] values, bool inputsFirst)
        {
            var (codes, scales) = (new sbyte[Inputs * Outputs], new float[Outputs]);
            fixed (sbyte* first = codes)
            {
                Int8Codes.Quantise(values, inputsFirst, first, Outputs, scales);
            }

            return (codes, scales);
        }
    }

    private static float[] Logits(Weights weights, Target target, int[] ids)
    {
        using var transformer = new Transformer(weights, target, threads: 1);
        return transformer.Logits(ids);
    }

    private static double Correlation(float[] a, float[] b)
    {
        var (meanA, meanB) = (a.Average(), b.Average());
        var (x, y) = (a.Select(value => value - meanA).ToArray(), b.Select(value => value - meanB).ToArray());
        return TensorPrimitives.CosineSimilarity<float>(x, y);
    }
}
