using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Hindsight.Generation;

/// <summary>
/// The model of a tokenizer.json: words to ids. The merging is <see cref="BpeTokenizer"/>'s; whole words and single bytes,
/// which it has no notion of, are looked up here.
/// </summary>
internal sealed class BpeModel
{
    private readonly IReadOnlyDictionary<string, int> vocabulary;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabularyBySpan;
    private readonly BpeTokenizer merger;
    private readonly bool ignoreMerges;
    private readonly int[]? byteIds;

    /// <param name="vocabulary">Tokens and ids, no id twice.</param>
    /// <param name="merges">Pairs of tokens, the first to merge first.</param>
    /// <param name="ignoreMerges">Whether a word that is a token as it stands becomes that token, whatever the merges make of it.</param>
    /// <param name="byteFallback">Whether a character that the vocabulary lacks becomes the tokens of its bytes.</param>
    /// <exception cref="ArgumentException">The parts do not fit together; the message says how.</exception>
    public BpeModel(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges,
        string? unknownToken, bool fuseUnknown, bool ignoreMerges, bool byteFallback)
    {
        this.vocabulary = vocabulary;
        this.ignoreMerges = ignoreMerges;
        vocabularyBySpan = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        if (byteFallback)
            byteIds = [.. Enumerable.Range(0, 256).Select(value => IdOf(TokenDecoder.ByteFallback.TokenOf((byte)value), "byte_fallback"))];

        // Words are cut at characters that become bytes, so a merge of bytes would be passed over.
        var bytes = byteIds?.ToHashSet() ?? [];
        var pairs = new HashSet<(string, string)>();
        foreach (var (left, right) in merges)
        {
            if (bytes.Contains(IdOf(left, "a merge")) || bytes.Contains(IdOf(right, "a merge")))
                throw new ArgumentException($"the merge of '{left}' and '{right}' joins tokens of byte_fallback, which is not supported");
            _ = IdOf(left + right, "a merge");
            if (left.Contains(' ', StringComparison.Ordinal) || right.Contains(' ', StringComparison.Ordinal))
                throw new ArgumentException($"the merge of '{left}' and '{right}' contains a blank, which is not supported");
            if (!pairs.Add((left, right)))
                throw new ArgumentException($"the merge of '{left}' and '{right}' is listed twice");
        }
        if (unknownToken is not null)
            _ = IdOf(unknownToken, "unk_token");
        merger = BpeTokenizer.Create(new BpeOptions(vocabulary)
        {
            Merges = merges.Select(merge => $"{merge.Left} {merge.Right}"),
            UnknownToken = unknownToken,
            FuseUnknownTokens = fuseUnknown,
        });
    }

    public void Encode(string word, List<int> ids)
    {
        if (ignoreMerges && vocabulary.TryGetValue(word, out var whole))
            ids.Add(whole);
        else if (byteIds is null)
            ids.AddRange(Merge(word));
        else
            EncodeWithBytes(word, byteIds, ids);
    }

    /// <summary>No merge reaches over an unknown character, so the runs of known ones between them are words of their own.</summary>
    private void EncodeWithBytes(string word, int[] byteIds, List<int> ids)
    {
        var known = 0;
        Span<byte> bytes = stackalloc byte[4];
        for (var i = 0; i < word.Length;)
        {
            Rune.DecodeFromUtf16(word.AsSpan(i), out var rune, out var length);
            if (!vocabularyBySpan.ContainsKey(word.AsSpan(i, length)))
            {
                if (i > known)
                    ids.AddRange(Merge(word[known..i]));
                foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
                    ids.Add(byteIds[value]);
                known = i + length;
            }
            i += length;
        }
        if (known < word.Length)
            ids.AddRange(Merge(known == 0 ? word : word[known..]));
    }

    private IReadOnlyList<int> Merge(string word) => merger.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false);

    private int IdOf(string token, string asker) => vocabulary.TryGetValue(token, out var id)
        ? id
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{asker} names the token '{token}', which is not in the vocabulary"));
}
