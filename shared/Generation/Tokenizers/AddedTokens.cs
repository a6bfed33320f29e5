using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>A token that is found in the text before anything else is done to it.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether <c>skipSpecialTokens</c> leaves it out.</param>
/// <param name="SingleWord">Found only where no letter, digit or mark touches it.</param>
/// <param name="StripLeft">Takes the whitespace before it along.</param>
/// <param name="StripRight">Takes the whitespace after it along.</param>
/// <param name="Normalized">Found in the normalised text and not in the text as given.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized);

/// <summary>Finds added tokens in a text: the leftmost first, the longest of those that start at one place.</summary>
internal sealed class AddedTokens
{
    private readonly Node root = new();

    /// <param name="tokens">Each with the text to look for.</param>
    public AddedTokens(IEnumerable<(AddedToken Token, string Text)> tokens)
    {
        foreach (var (token, text) in tokens)
        {
            var node = root;
            foreach (var character in text)
                node = node.Next.TryGetValue(character, out var next) ? next : node.Next[character] = new Node();
            if (node != root)
                node.Token = token;
        }
    }

    /// <summary>The text in pieces: added tokens (with their id) and what lies between (null).</summary>
    public List<(string Piece, int? Id)> Split(string text)
    {
        var pieces = new List<(string, int?)>();
        var done = 0;
        for (var i = 0; i < text.Length;)
        {
            if (Longest(text, i) is not var (token, length))
            {
                i++;
                continue;
            }
            var (start, end) = (i, i + length);
            i = end;
            if (token.SingleWord && (EndsWithWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(end))))
                continue;
            if (token.StripLeft)
            {
                while (start > done && char.IsWhiteSpace(text[start - 1]))
                    start--;
            }
            if (token.StripRight)
            {
                while (end < text.Length && char.IsWhiteSpace(text[end]))
                    end++;
            }
            if (start > done)
                pieces.Add((text[done..start], null));
            pieces.Add((text[start..end], token.Id));
            i = done = end;
        }
        if (done < text.Length)
            pieces.Add((text[done..], null));
        return pieces;
    }

    private (AddedToken Token, int Length)? Longest(string text, int start)
    {
        (AddedToken, int)? longest = null;
        var node = root;
        for (var i = start; i < text.Length && node.Next.TryGetValue(text[i], out var next); i++)
        {
            node = next;
            if (node.Token is { } token)
                longest = (token, i + 1 - start);
        }
        return longest;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeLastFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    /// <summary>What \w matches in the Rust library: letters, marks, decimal digits, connectors, joiners and circled letters.</summary>
    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
        or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber
        || rune.Value is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    private sealed class Node
    {
        public Dictionary<char, Node> Next { get; } = [];

        public AddedToken? Token { get; set; }
    }
}
