using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>A step from tokens back to text; the cases are the decoders of a tokenizer.json.</summary>
internal abstract record TokenDecoder
{
    /// <summary>The pieces of text, to be joined, that the tokens (or the pieces of an earlier step) stand for.</summary>
    public abstract IReadOnlyList<string> Decode(IReadOnlyList<string> tokens);

    public sealed record Sequence(IReadOnlyList<TokenDecoder> Steps) : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) =>
            Steps.Aggregate(tokens, (current, step) => step.Decode(current));
    }

    public sealed record ByteLevel : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [ByteAlphabet.ToText(tokens)];
    }

    public sealed record Replace(TextPattern Pattern, string Content) : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) =>
            [.. tokens.Select(token => Pattern.Replace(token, Content))];
    }

    /// <summary>Runs of tokens like &lt;0x0A&gt; become the text of their bytes, or one U+FFFD a byte where that is not UTF-8.</summary>
    public sealed record ByteFallback : TokenDecoder
    {
        private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        public static string TokenOf(byte value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens)
        {
            var pieces = new List<string>(tokens.Count);
            var bytes = new List<byte>();
            foreach (var token in tokens)
            {
                if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
                    && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                {
                    bytes.Add(value);
                    continue;
                }
                Flush();
                pieces.Add(token);
            }
            Flush();
            return pieces;

            void Flush()
            {
                if (bytes.Count == 0)
                    return;
                try
                {
                    pieces.Add(Strict.GetString([.. bytes]));
                }
                catch (DecoderFallbackException)
                {
                    pieces.AddRange(Enumerable.Repeat("\uFFFD", bytes.Count));
                }
                bytes.Clear();
            }
        }
    }

    public sealed record Fuse : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [string.Concat(tokens)];
    }

    /// <summary>Takes up to <paramref name="Start"/> and <paramref name="Stop"/> copies of a character off the ends of each piece.</summary>
    public sealed record Strip(char Character, int Start, int Stop) : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [.. tokens.Select(Stripped)];

        private string Stripped(string token)
        {
            var (start, end) = (0, token.Length);
            while (start < Start && start < end && token[start] == Character)
                start++;
            while (token.Length - end < Stop && end > start && token[end - 1] == Character)
                end--;
            return token[start..end];
        }
    }

    public sealed record Metaspace(char Replacement, PrependScheme Prepend) : TokenDecoder
    {
        public override IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [.. tokens.Select((token, index) =>
            index == 0 && Prepend != PrependScheme.Never
                ? token.Replace(Replacement.ToString(), "", StringComparison.Ordinal)
                : token.Replace(Replacement, ' '))];
    }
}
