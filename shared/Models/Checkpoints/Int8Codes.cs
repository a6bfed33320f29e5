using System.Numerics.Tensors;

namespace Hindsight.Models;

/// <summary>Weights as integers from -127 to 127, with a scale for each output: the greatest magnitude over 127.</summary>
internal static unsafe class Int8Codes
{
    /// <param name="values">Some outputs' weights: [outputs, inputs], or [inputs, outputs].</param>
    /// <param name="inputsFirst">Which of the two.</param>
    /// <param name="codes">Of the first of these outputs for the first input; the next input's is <paramref name="stride"/> further.</param>
    /// <param name="stride">Outputs of the whole weight.</param>
    /// <param name="scales">[outputs].</param>
    public static void Quantise(ReadOnlySpan<float> values, bool inputsFirst, sbyte* codes, int stride, Span<float> scales)
    {
        var outputs = scales.Length;
        var inputs = values.Length / outputs;
        var (outputStep, inputStep) = inputsFirst ? (1, outputs) : (inputs, 1);
        Span<float> factors = outputs <= 1024 ? stackalloc float[outputs] : new float[outputs];
        for (var output = 0; output < outputs; output++)
        {
            var greatest = 0f;
            if (inputsFirst)
            {
                for (var input = 0; input < inputs; input++)
                {
                    greatest = Math.Max(greatest, Math.Abs(values[(input * inputStep) + output]));
                }
            }
            else
            {
                greatest = Math.Abs(TensorPrimitives.MaxMagnitude(values.Slice(output * inputs, inputs)));
            }

            scales[output] = greatest / 127;
            // A subnormal scale has no reciprocal; such weights count for nothing.
            factors[output] = greatest > 1e-30f ? 127 / greatest : 0;
        }

        for (var input = 0; input < inputs; input++)
        {
            var row = codes + ((long)input * stride);
            for (var output = 0; output < outputs; output++)
            {
                row[output] = (sbyte)MathF.Round(values[(output * outputStep) + (input * inputStep)] * factors[output]);
            }
        }
    }
}
