using System.Text;

namespace Hindsight.Scoring;

/// <summary>
/// A seeded stream of random numbers (SplitMix64) and the stable hash that keys it. Both are written out here because scores must not
/// change with the version of the runtime.
/// </summary>
internal struct RandomStream(ulong state)
{
    /// <summary>A stream of its own for each seed and name, whatever the order in which streams are used.</summary>
    public static RandomStream For(ulong seed, string name) => new(Hash(seed, name));

    /// <summary>A 64-bit hash (FNV-1a over UTF-8, then mixed), uniform enough to split by.</summary>
    public static ulong Hash(ulong seed, string name)
    {
        var hash = 14695981039346656037UL ^ Mix(seed);
        foreach (var b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return Mix(hash);
    }

    public ulong Next() => Mix(state += 0x9E3779B97F4A7C15UL);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Standard normal (Box and Muller).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Uniform in [0, bound). The bias of the multiply-and-shift reduction is below bound / 2⁶⁴.</summary>
    public int Next(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
