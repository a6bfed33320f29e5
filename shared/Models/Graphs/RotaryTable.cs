namespace Hindsight.Models;

/// <summary>Cosines and sines of the rotary angles, position · theta^(-2i/headSize), [positions, half] each; computed in double.</summary>
/// <remarks>Columns beyond headSize/2 belong to the zeros a head is widened with, and do not turn.</remarks>
public sealed class RotaryTable
{
    internal RotaryTable(ModelConfig config, int positions, int half)
    {
        Shape = [positions, half];
        Cosines = new float[positions * half];
        Sines = new float[positions * half];
        for (var i = 0; i < half; i++)
        {
            var frequency = 2 * i < config.HeadSize ? Math.Pow(config.RopeTheta, -2.0 * i / config.HeadSize) : 0;
            for (var position = 0; position < positions; position++)
            {
                var (sine, cosine) = Math.SinCos(position * frequency);
                Cosines[(position * half) + i] = (float)cosine;
                Sines[(position * half) + i] = (float)sine;
            }
        }
    }

    public IReadOnlyList<long> Shape { get; }

    public float[] Cosines { get; }

    public float[] Sines { get; }
}
