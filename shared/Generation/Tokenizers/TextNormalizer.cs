namespace Hindsight.Generation;

/// <summary>A step that rewrites a text before it is split into words; the cases are the normalizers of a tokenizer.json.</summary>
internal abstract record TextNormalizer
{
    public abstract string Normalize(string text);

    public sealed record Sequence(IReadOnlyList<TextNormalizer> Steps) : TextNormalizer
    {
        public override string Normalize(string text) => Steps.Aggregate(text, (current, step) => step.Normalize(current));
    }

    public sealed record Nfc : TextNormalizer
    {
        public override string Normalize(string text) => CanonicalForm.Compose(text);
    }

    public sealed record Nfd : TextNormalizer
    {
        public override string Normalize(string text) => CanonicalForm.Decompose(text);
    }

    public sealed record Lowercase : TextNormalizer
    {
        public override string Normalize(string text) => text.ToLowerInvariant();
    }

    public sealed record Prepend(string Prefix) : TextNormalizer
    {
        public override string Normalize(string text) => text.Length == 0 ? text : Prefix + text;
    }

    public sealed record Replace(TextPattern Pattern, string Content) : TextNormalizer
    {
        public override string Normalize(string text) => Pattern.Replace(text, Content);
    }

    public sealed record Strip(bool Left, bool Right) : TextNormalizer
    {
        public override string Normalize(string text) => (Left, Right) switch
        {
            (true, true) => text.Trim(),
            (true, false) => text.TrimStart(),
            (false, true) => text.TrimEnd(),
            _ => text,
        };
    }
}
