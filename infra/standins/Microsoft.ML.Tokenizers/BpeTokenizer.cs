using System.Collections.Concurrent;

namespace Microsoft.ML.Tokenizers;

/// <summary>Byte pair encoding (Sennrich, Haddow and Birch, 2016) over the characters of a word.</summary>
public sealed class BpeTokenizer : Tokenizer
{
    private const int LongestCachedWord = 15;
    private const int CachedWords = 10_000;

    private readonly Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabularyBySpan;
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> merges = [];
    private readonly ConcurrentDictionary<string, int[]> cache = new(StringComparer.Ordinal);
    private readonly int? unknownId;
    private readonly bool fuseUnknown;
    private int cached;

    private BpeTokenizer(BpeOptions options)
    {
        var ids = new HashSet<int>();
        foreach (var (token, id) in options.Vocabulary)
        {
            vocabulary.Add(token, id);
            if (!ids.Add(id))
                throw new ArgumentException($"The id {id} is given twice.", nameof(options));
        }
        if (vocabulary.Count == 0)
            throw new InvalidOperationException("The vocabulary cannot be empty.");
        vocabularyBySpan = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

        var rank = 0;
        foreach (var merge in options.Merges ?? [])
        {
            var blank = merge.IndexOf(' ', StringComparison.Ordinal);
            if (blank < 0 || blank == merge.Length - 1 || merge.IndexOf(' ', blank + 1) >= 0)
                throw new InvalidOperationException($"The merge '{merge}' is not two tokens with a blank between.");
            var (left, right) = (merge[..blank], merge[(blank + 1)..]);
            merges.Add((IdOf(left), IdOf(right)), (rank++, IdOf(left + right)));
        }
        unknownId = options.UnknownToken is null ? null : IdOf(options.UnknownToken);
        fuseUnknown = options.FuseUnknownTokens;
    }

    public static BpeTokenizer Create(BpeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new BpeTokenizer(options);
    }

    private protected override IReadOnlyList<int> EncodeWord(string word)
    {
        if (word.Length > LongestCachedWord)
            return Merge(Characters(word));
        if (cache.TryGetValue(word, out var known))
            return known;
        var ids = Merge(Characters(word));
        if (Volatile.Read(ref cached) < CachedWords && cache.TryAdd(word, ids))
            Interlocked.Increment(ref cached);
        return ids;
    }

    private List<int> Characters(string word)
    {
        var ids = new List<int>(word.Length);
        var afterUnknown = false;
        for (var i = 0; i < word.Length;)
        {
            var length = char.IsSurrogatePair(word, i) ? 2 : 1;
            if (vocabularyBySpan.TryGetValue(word.AsSpan(i, length), out var id))
            {
                ids.Add(id);
                afterUnknown = false;
            }
            else if (unknownId is { } unknown)
            {
                if (!(afterUnknown && fuseUnknown))
                    ids.Add(unknown);
                afterUnknown = true;
            }
            i += length;
        }
        return ids;
    }

    /// <summary>
    /// Applies the merges, lowest rank first, leftmost first among equals. The symbols form a doubly linked list and the
    /// possible merges a heap, so a word of n characters takes O(n log n).
    /// </summary>
    private int[] Merge(List<int> symbols)
    {
        var count = symbols.Count;
        if (count < 2)
            return [.. symbols];
        var previous = new int[count];
        var next = new int[count];
        var queue = new PriorityQueue<(int At, int Id), (int Rank, int At)>();
        for (var i = 0; i < count; i++)
            (previous[i], next[i]) = (i - 1, i + 1);
        for (var i = 0; i + 1 < count; i++)
            Offer(i);

        const int Gone = -1;
        while (queue.TryDequeue(out var merge, out _))
        {
            var (left, id) = merge;
            if (symbols[left] == Gone || next[left] == count)
                continue;
            var right = next[left];
            // The queue may hold a pair that another merge has changed since.
            if (!merges.TryGetValue((symbols[left], symbols[right]), out var current) || current.Id != id)
                continue;
            symbols[left] = id;
            symbols[right] = Gone;
            next[left] = next[right];
            if (next[left] < count)
            {
                previous[next[left]] = left;
                Offer(left);
            }
            if (previous[left] >= 0)
                Offer(previous[left]);
        }
        return [.. symbols.Where(symbol => symbol != Gone)];

        void Offer(int left)
        {
            if (merges.TryGetValue((symbols[left], symbols[next[left]]), out var merge))
                queue.Enqueue((left, merge.Id), (merge.Rank, left));
        }
    }

    private int IdOf(string token) => vocabulary.TryGetValue(token, out var id)
        ? id
        : throw new InvalidOperationException($"The token '{token}' is not in the vocabulary.");
}
