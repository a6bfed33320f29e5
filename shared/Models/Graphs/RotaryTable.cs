namespace Hindsight.Models;

/// <summary>Cosines and sines of the rotary angles, position · theta^(-2i/size), [positions, size/2] each; computed in double.</summary>
public sealed class RotaryTable
{
    public RotaryTable(ModelConfig config, int positions)
    {
        Positions = positions;
        Half = config.HeadSize / 2;
        Cosines = new float[positions * Half];
        Sines = new float[positions * Half];
        for (var i = 0; i < Half; i++)
        {
            var frequency = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadSize);
            for (var position = 0; position < positions; position++)
            {
                var (sine, cosine) = Math.SinCos(position * frequency);
                Cosines[(position * Half) + i] = (float)cosine;
                Sines[(position * Half) + i] = (float)sine;
            }
        }
    }

    public int Positions { get; }

    public int Half { get; }

    public float[] Cosines { get; }

    public float[] Sines { get; }
}
