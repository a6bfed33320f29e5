using System.Buffers;
using System.Text;

namespace Hindsight.Generation;

/// <summary>
/// The one-to-one map between bytes and printable characters with which byte-level vocabularies are written (Radford et al.,
/// GPT-2): printable Latin-1 bytes stand for themselves, the other 68 are numbered from U+0100.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = new char[256];
    private static readonly short[] Bytes = new short[256 + 68];

    static ByteAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        var others = 0;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
            Characters[value] = printable ? (char)value : (char)(256 + others++);
            Bytes[Characters[value]] = (short)value;
        }
    }

    /// <summary>The UTF-8 bytes of a text, each as its character.</summary>
    public static string FromText(ReadOnlySpan<char> text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var count = Encoding.UTF8.GetBytes(text, bytes);
        var word = string.Create(count, bytes, (characters, source) =>
        {
            for (var i = 0; i < characters.Length; i++)
                characters[i] = Characters[source[i]];
        });
        ArrayPool<byte>.Shared.Return(bytes);
        return word;
    }

    /// <summary>
    /// The text of byte-level tokens; bytes that are not UTF-8 become U+FFFD. A token with a character outside the alphabet
    /// (an added token with a blank, say) stands for itself.
    /// </summary>
    public static string ToText(IEnumerable<string> tokens)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var token in tokens)
        {
            if (token.AsSpan().ContainsAnyExceptInRange('\0', (char)(Bytes.Length - 1)) || token.Any(character => Bytes[character] < 0))
            {
                Encoding.UTF8.GetBytes(token, bytes);
                continue;
            }
            var span = bytes.GetSpan(token.Length);
            for (var i = 0; i < token.Length; i++)
                span[i] = (byte)Bytes[token[i]];
            bytes.Advance(token.Length);
        }
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
