using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Hindsight.Generation;

/// <summary>
/// The random numbers of one answer. They are a function of (seed, prompt, sample index, token position), so an answer is the same
/// whatever is drawn beside it, before it or on another machine.
/// </summary>
/// <remarks>
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): a block cipher with weak
/// rounds that turns a 128-bit counter under a 64-bit key into 128 random bits. Key and half of the counter are the SHA-256 of seed and
/// prompt ids; the rest of the counter is (position, sample).
/// </remarks>
internal readonly struct RandomStream
{
    private readonly ulong key;
    private readonly ulong prompt;
    private readonly uint sample;

    private RandomStream(ulong key, ulong prompt, uint sample) => (this.key, this.prompt, this.sample) = (key, prompt, sample);

    public RandomStream(ulong seed, IReadOnlyList<int> promptIds)
    {
        var bytes = new byte[sizeof(ulong) + (sizeof(int) * promptIds.Count)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, seed);
        for (var i = 0; i < promptIds.Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(sizeof(ulong) + (sizeof(int) * i)), promptIds[i]);
        }

        var digest = SHA256.HashData(bytes);
        key = BinaryPrimitives.ReadUInt64LittleEndian(digest);
        prompt = BinaryPrimitives.ReadUInt64LittleEndian(digest.AsSpan(sizeof(ulong)));
    }

    public RandomStream OfSample(int sample) => new(key, prompt, (uint)sample);

    /// <summary>Further streams of a sample below 65 536, for an answer that begins as another's copy; that of epoch 0 is the sample's own.</summary>
    public RandomStream OfSample(int sample, int epoch) => OfSample(checked((ushort)sample | (checked((ushort)epoch) << 16)));

    /// <summary>The number for the token at that position of the answer, uniform over the multiples of 2⁻⁵³ in [0, 1).</summary>
    public double At(int position)
    {
        var (first, second, _, _) = Philox(((uint)position, sample, (uint)prompt, (uint)(prompt >> 32)), ((uint)key, (uint)(key >> 32)));
        return ((((ulong)first << 32) | second) >> 11) * (1.0 / (1UL << 53));
    }

    internal static (uint, uint, uint, uint) Philox((uint, uint, uint, uint) counter, (uint, uint) key)
    {
        var (a, b, c, d) = counter;
        var (left, right) = key;
        for (var round = 0; round < 10; round++)
        {
            var (p, q) = ((ulong)a * 0xD2511F53, (ulong)c * 0xCD9E8D57);
            (a, b, c, d) = ((uint)(q >> 32) ^ b ^ left, (uint)q, (uint)(p >> 32) ^ d ^ right, (uint)p);
            left = unchecked(left + 0x9E3779B9);
            right = unchecked(right + 0xBB67AE85);
        }

        return (a, b, c, d);
    }
}
