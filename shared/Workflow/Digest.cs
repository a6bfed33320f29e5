using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hindsight.Workflow;

/// <summary>Content digests: the first 128 bits of SHA-256 in lower-case hexadecimal, which name blobs and answers.</summary>
public static class Digest
{
    /// <summary>The digest of a text's UTF-8 bytes.</summary>
    public static string Of(string text) => Short(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The digest of a value's JSON, whose property order is the order of declaration.</summary>
    public static string OfJson<T>(T value) => Of(JsonSerializer.Serialize(value, Json.Compact));

    /// <summary>The digest of a prompt: its token ids as little-endian 32-bit integers.</summary>
    public static string OfIds(IReadOnlyList<int> ids)
    {
        var bytes = new byte[ids.Count * sizeof(int)];
        for (var i = 0; i < ids.Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * sizeof(int)), ids[i]);
        }

        return Short(SHA256.HashData(bytes));
    }

    /// <summary>A 64-bit seed from a text, for random streams.</summary>
    public static ulong Seed(string text) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Short(byte[] hash) => Convert.ToHexStringLower(hash.AsSpan(0, 16));
}
