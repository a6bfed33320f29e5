using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class TextTokenizerTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("tiny-llama3")]
    public void Byte_level_tokens_decode_to_the_text_they_came_from(string name)
    {
        var tokenizer = TokenizerFolder.Tokenizer(name);
        Prop.ForAll<string>(text =>
        {
            var clean = WithoutLoneSurrogates(text ?? "");
            return tokenizer.Decode(tokenizer.Encode(clean, addSpecialTokens: false), skipSpecialTokens: false) == clean;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Normalised_text_survives_a_tokenizer_that_composes()
    {
        var tokenizer = TokenizerFolder.Tokenizer("tiny-qwen");
        Prop.ForAll<string>(text =>
        {
            var composed = CanonicalForm.Compose(WithoutLoneSurrogates(text ?? ""));
            return tokenizer.Decode(tokenizer.Encode(composed, addSpecialTokens: false), skipSpecialTokens: false) == composed;
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("\u212b", "\u00c5")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("\u0958", "\u0915\u093c")]
    [InlineData("\ufb01", "\ufb01")]
    [InlineData("a\u0315\u0300\u05ae\u0300\u0062", "\u00e0\u05ae\u0300\u0315b")]
    public void Canonical_composition_follows_the_unicode_standard(string text, string composed)
    {
        Assert.Equal(composed, CanonicalForm.Compose(text));
        Assert.Equal(composed, CanonicalForm.Compose(CanonicalForm.Decompose(text)));
        Assert.Equal(composed, CanonicalForm.Compose(composed));
    }

    [Fact]
    public void Lone_surrogates_count_as_replacement_characters()
    {
        var tokenizer = TokenizerFolder.Tokenizer("gpt2");
        Assert.Equal(tokenizer.Encode("a\uFFFDb", addSpecialTokens: false), tokenizer.Encode("a\uD800b", addSpecialTokens: false));
    }

    [Fact]
    public void Unknown_ids_decode_to_nothing()
    {
        var tokenizer = TokenizerFolder.Tokenizer("gpt2");
        Assert.Equal("a", tokenizer.Decode([-1, 64, 50257, int.MaxValue], skipSpecialTokens: false));
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("ab")]
    [InlineData("\n ")]
    [InlineData("你")]
    [InlineData("\u0301")]
    public void A_long_text_without_a_break_is_encoded_in_time(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 300_000 / unit.Length));
        foreach (var name in (ReadOnlySpan<string>)["tiny-llama3", "tiny-sp_gemma", "sp-llama2"])
        {
            var tokenizer = TokenizerFolder.Tokenizer(name);
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false), skipSpecialTokens: true));
        }
    }

    [Fact]
    public void Many_threads_encode_alike()
    {
        var tokenizer = TokenizerFolder.Tokenizer("tiny-llama3");
        var texts = Enumerable.Range(0, 400).Select(i => string.Create(CultureInfo.InvariantCulture, $"the number {i % 40} and its square {i % 40 * (i % 40)}")).ToList();
        var expected = texts.Select(text => tokenizer.Encode(text, addSpecialTokens: true)).ToList();
        var fresh = TextTokenizer.Load(TestData.PathTo("tokenizers", "tiny-llama3"));
        Assert.Equal(expected, [.. texts.AsParallel().AsOrdered().Select(text => fresh.Encode(text, addSpecialTokens: true))]);
    }

    [Theory]
    [InlineData("x<t>y", "x", "<t>", "y")]
    [InlineData("<tt><t>", "<tt>", "<t>")]
    [InlineData("x  <l>  y", "x", "  <l>", "  y")]
    [InlineData("x  <r>  y", "x  ", "<r>  ", "y")]
    [InlineData("x <w> y", "x ", "<w>", " y")]
    [InlineData("x<w>y", "x<w>y")]
    [InlineData("<w>y", "<w>y")]
    [InlineData("<w>\u200d", "<w>\u200d")]
    [InlineData("<w>\u24b6", "<w>\u24b6")]
    [InlineData("<w>\u00b2", "<w>", "\u00b2")]
    [InlineData("<t><t", "<t>", "<t")]
    public void Added_tokens_are_cut_out_leftmost_longest(string text, params string[] pieces)
    {
        AddedToken Token(int id, string content, bool word = false, bool left = false, bool right = false) =>
            new(id, content, Special: true, word, left, right, Normalized: false);
        var tokens = new AddedTokens(new[] { Token(0, "<t>"), Token(1, "<tt>"), Token(2, "<l>", left: true), Token(3, "<r>", right: true), Token(4, "<w>", word: true) }
            .Select(token => (token, token.Content)));
        Assert.Equal(pieces, tokens.Split(text).Select(piece => piece.Piece));
    }

    [Theory]
    [InlineData("Removed", "a", "b", "c")]
    [InlineData("Isolated", "a", "-", "b", "-", "-", "c")]
    [InlineData("MergedWithPrevious", "a-", "b-", "-", "c")]
    [InlineData("MergedWithNext", "a", "-b", "-", "-c")]
    [InlineData("Contiguous", "a", "-", "b", "--", "c")]
    public void Splitting_treats_its_matches_as_told(string behavior, params string[] pieces)
    {
        var split = new PreTokenizer.Pattern(TextPattern.Literal("-"), Enum.Parse<SplitBehavior>(behavior), Invert: false);
        Assert.Equal(pieces, split.Split("a-b--c", first: true));
    }

    [Fact]
    public void Patterns_see_characters_outside_the_basic_plane()
    {
        // MATHEMATICAL SCRIPT CAPITAL A, MATHEMATICAL DOUBLE-STRUCK DIGIT ONE, GRINNING FACE.
        Assert.Equal([(0, 3)], new TextPattern(@"\p{L}+").Matches("x\U0001D49C\U0001D7D9"));
        Assert.Equal([(3, 5)], new TextPattern(@"\p{N}").Matches("x\U0001D49C\U0001D7D9"));
        Assert.Equal([(1, 3)], new TextPattern(@"[^\s\p{L}\p{N}]").Matches("x\U0001F600y"));
        Assert.Equal([(1, 3)], new TextPattern(@"(?i:'s)").Matches("x'\u017F"));
    }

    [Fact]
    public void The_representative_of_each_category_belongs_to_it()
    {
        foreach (var (astral, pattern) in new[]
        {
            ("\U00010400", @"\p{Lu}"), ("\U00010428", @"\p{Ll}"), ("\U00010780", @"\p{Lm}"), ("\U00020000", @"\p{Lo}"), ("\U000101FD", @"\p{Mn}"), ("\U00011000", @"\p{Mc}"),
            ("\U000104A0", @"\p{Nd}"), ("\U00010140", @"\p{Nl}"), ("\U00010107", @"\p{No}"), ("\U00010EAD", @"\p{Pd}"), ("\U00010100", @"\p{Po}"), ("\U0001D6C1", @"\p{Sm}"),
            ("\U00011FDD", @"\p{Sc}"), ("\U0001F3FB", @"\p{Sk}"), ("\U0001F600", @"\p{So}"), ("\U000E0001", @"\p{Cf}"), ("\U000F0000", @"\p{Co}"), ("\U0001FFFE", @"\p{Cn}"),
        })
        {
            Assert.Equal([(0, 2)], new TextPattern($"^{pattern}$").Matches(astral));
        }
    }

    [Fact]
    public void Metaspace_puts_a_mark_before_the_first_word_only()
    {
        var tokenizer = TokenizerFolder.FromJson("""
            {"model": {"type": "BPE", "vocab": {"▁": 0, "a": 1, "b": 2, "▁a": 3, "▁b": 4}, "merges": ["▁ a", "▁ b"]},
             "added_tokens": [{"id": 5, "content": "<x>", "special": true}],
             "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true},
             "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}}
            """);
        Assert.Equal([3, 4, 5, 2], tokenizer.Encode("a b<x>b", addSpecialTokens: true));
        Assert.Equal("a bb", tokenizer.Decode([3, 4, 5, 2], skipSpecialTokens: true));
    }

    [Theory]
    [InlineData("a <x> b", "a <x> b")]
    [InlineData("a <s> b", "a b")]
    public void A_token_found_in_normalised_text_takes_its_blank_along_and_gives_it_back(string text, string decoded)
    {
        var tokenizer = TokenizerFolder.FromJson("""
            {"model": {"type": "BPE", "vocab": {"▁": 0, "a": 1, "b": 2, "▁a": 3, "▁b": 4}, "merges": ["▁ a", "▁ b"]},
             "added_tokens": [{"id": 5, "content": "<x>", "special": false, "normalized": true}, {"id": 6, "content": "<s>", "special": true, "normalized": true}],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
             "decoder": {"type": "Sequence", "decoders": [
               {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}}
            """);
        var ids = tokenizer.Encode(text, addSpecialTokens: false);
        Assert.Equal(3, ids.Count);
        Assert.Equal(decoded, tokenizer.Decode(ids, skipSpecialTokens: true));
        Assert.Equal(text, tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    private static string WithoutLoneSurrogates(string text)
    {
        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
            clean.Append(rune);
        return clean.ToString();
    }
}
