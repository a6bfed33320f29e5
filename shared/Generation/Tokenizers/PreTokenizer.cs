namespace Hindsight.Generation;

/// <summary>
/// A step that splits a text into the words that the model encodes one by one; the cases are the pre-tokenizers of a
/// tokenizer.json. A word may come out rewritten (blanks as ▁, bytes as characters).
/// </summary>
internal abstract record PreTokenizer
{
    /// <summary>The words of a piece. <paramref name="first"/>: the piece stands at the very start of the text.</summary>
    public abstract IEnumerable<string> Split(string piece, bool first);

    public sealed record Sequence(IReadOnlyList<PreTokenizer> Steps) : PreTokenizer
    {
        public override IEnumerable<string> Split(string piece, bool first)
        {
            IEnumerable<string> pieces = [piece];
            foreach (var step in Steps)
                pieces = pieces.SelectMany((part, index) => step.Split(part, first && index == 0));
            return pieces;
        }
    }

    public sealed record Pattern(TextPattern Separator, SplitBehavior Behavior, bool Invert) : PreTokenizer
    {
        public override IEnumerable<string> Split(string piece, bool first) => Pieces(piece, Separator, Behavior, Invert);
    }

    /// <summary>Words in the alphabet of byte-level vocabularies; <paramref name="Words"/> is null where an earlier step has split them.</summary>
    public sealed record ByteLevel(bool AddPrefixSpace, TextPattern? Words) : PreTokenizer
    {
        /// <summary>The pattern of GPT-2, built into this step.</summary>
        public const string WordPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

        public override IEnumerable<string> Split(string piece, bool first)
        {
            var text = AddPrefixSpace && !piece.StartsWith(' ') ? " " + piece : piece;
            var words = Words is null ? [text] : Pieces(text, Words, SplitBehavior.Isolated, invert: false);
            return words.Select(word => ByteAlphabet.FromText(word));
        }
    }

    /// <summary>Blanks become <paramref name="Replacement"/>, which may also be put before the text.</summary>
    public sealed record Metaspace(char Replacement, PrependScheme Prepend, bool SplitsWords) : PreTokenizer
    {
        private readonly TextPattern separator = TextPattern.Literal(Replacement.ToString());

        public override IEnumerable<string> Split(string piece, bool first)
        {
            var text = piece.Replace(' ', Replacement);
            var prepends = Prepend == PrependScheme.Always || (Prepend == PrependScheme.First && first);
            if (prepends && !text.StartsWith(Replacement))
                text = Replacement + text;
            return SplitsWords ? Pieces(text, separator, SplitBehavior.MergedWithNext, invert: false) : [text];
        }
    }

    private static List<string> Pieces(string text, TextPattern separator, SplitBehavior behavior, bool invert)
    {
        var parts = new List<(int Start, int End, bool Match)>();
        var position = 0;
        foreach (var (start, end) in separator.Matches(text))
        {
            if (start > position)
                parts.Add((position, start, invert));
            parts.Add((start, end, !invert));
            position = end;
        }
        if (position < text.Length)
            parts.Add((position, text.Length, invert));

        var joined = behavior switch
        {
            SplitBehavior.Isolated => parts,
            SplitBehavior.Removed => parts.Where(part => !part.Match),
            SplitBehavior.Contiguous => Join(parts, (before, part) => before == part),
            SplitBehavior.MergedWithPrevious => Join(parts, (before, part) => part && !before),
            _ => Enumerable.Reverse(Join(Enumerable.Reverse(parts), (after, part) => part && !after)),
        };
        return [.. joined.Where(part => part.End > part.Start).Select(part => text[part.Start..part.End])];
    }

    /// <summary>Joins each part to the one before it where <paramref name="joins"/> says so of (was that a match, is this one).</summary>
    private static List<(int Start, int End, bool Match)> Join(IEnumerable<(int Start, int End, bool Match)> parts, Func<bool, bool, bool> joins)
    {
        var joined = new List<(int Start, int End, bool Match)>();
        var before = false;
        foreach (var part in parts)
        {
            if (joined.Count > 0 && joins(before, part.Match))
                joined[^1] = (Math.Min(joined[^1].Start, part.Start), Math.Max(joined[^1].End, part.End), part.Match);
            else
                joined.Add(part);
            before = part.Match;
        }
        return joined;
    }
}

/// <summary>What becomes of the matches of a splitting pattern.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Which pieces of a text get ▁ put before them.</summary>
internal enum PrependScheme
{
    First,
    Never,
    Always,
}
