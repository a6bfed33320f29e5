namespace Hindsight.Models;

/// <summary>Cosines and sines of a rotary embedding's angles, [lengths·positions, half] each; computed in double.</summary>
/// <remarks>Columns beyond the embedding's Size/2 belong to the zeros a head is widened with, and do not turn.</remarks>
public sealed class RotaryTable
{
    internal RotaryTable(RotaryEmbedding rotary, int positions, ReadOnlySpan<int> lengths, int half)
    {
        Shape = [(long)lengths.Length * positions, half];
        Cosines = new float[lengths.Length * positions * half];
        Sines = new float[Cosines.Length];
        for (var table = 0; table < lengths.Length; table++)
        {
            for (var pair = 0; pair < half; pair++)
            {
                var frequency = pair < rotary.Size / 2 ? rotary.Frequency(pair, lengths[table]) : 0;
                for (var position = 0; position < positions; position++)
                {
                    var place = (((table * positions) + position) * half) + pair;
                    var (sine, cosine) = Math.SinCos(position * frequency);
                    (Cosines[place], Sines[place]) = ((float)(cosine * rotary.Magnitude), (float)(sine * rotary.Magnitude));
                }
            }
        }
    }

    public IReadOnlyList<long> Shape { get; }

    public float[] Cosines { get; }

    public float[] Sines { get; }
}
