namespace Hindsight.Scoring;

/// <summary>
/// Text as words: runs of letters and digits in lower case; what stands between them parts words and does not count. Characters of scripts
/// without spaces, as Chinese, are words by themselves. A word is its hash.
/// </summary>
internal static class WordHash
{
    private const ulong Start = 14695981039346656037UL, Prime = 1099511628211UL;

    /// <summary>Hands every word of a text over, in order.</summary>
    public static void ForEach(ReadOnlySpan<char> text, Action<ulong> word)
    {
        var hash = Start;
        foreach (var c in text)
        {
            if (char.IsAscii(c) ? char.IsAsciiLetterOrDigit(c) : char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                if (c is >= '\u2e80' and < '\uac00')
                {
                    hash = Ended(hash, word);
                    word(Spread((Start ^ c) * Prime));
                }
                else
                {
                    hash = (hash ^ (char.IsAscii(c) ? (char)(c | (c >= 'A' ? 0x20 : 0)) : char.ToLowerInvariant(c))) * Prime;
                }
            }
            else if (hash != Start)
            {
                hash = Ended(hash, word);
            }
        }

        Ended(hash, word);
    }

    private static ulong Ended(ulong hash, Action<ulong> word)
    {
        if (hash != Start)
        {
            word(Spread(hash));
        }

        return Start;
    }

    /// <summary>Spreads a hash over all bits (the finaliser of SplitMix64).</summary>
    public static ulong Spread(ulong hash)
    {
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return hash ^ (hash >> 31);
    }
}
