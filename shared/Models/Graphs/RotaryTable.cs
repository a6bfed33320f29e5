namespace Hindsight.Models;

/// <summary>Cosines and sines of a rotary embedding's angles, [positions, half] each; computed in double.</summary>
/// <remarks>Columns beyond the embedding's Size/2 belong to the zeros a head is widened with, and do not turn.</remarks>
public sealed class RotaryTable
{
    internal RotaryTable(RotaryEmbedding rotary, int positions, int length, int half)
    {
        Shape = [positions, half];
        Cosines = new float[positions * half];
        Sines = new float[positions * half];
        for (var pair = 0; pair < half; pair++)
        {
            var frequency = pair < rotary.Size / 2 ? rotary.Frequency(pair, length) : 0;
            for (var position = 0; position < positions; position++)
            {
                var (sine, cosine) = Math.SinCos(position * frequency);
                Cosines[(position * half) + pair] = (float)(cosine * rotary.Magnitude);
                Sines[(position * half) + pair] = (float)(sine * rotary.Magnitude);
            }
        }
    }

    public IReadOnlyList<long> Shape { get; }

    public float[] Cosines { get; }

    public float[] Sines { get; }
}
