using System.Globalization;

namespace Hindsight.Generation.Tests;

public class TextTokenizerRefusalTests
{
    private const string Vocabulary = """{"a": 0, "b": 1, "ab": 2}""";

    private static string Json(string vocabulary = Vocabulary, string merges = """["a b"]""", string model = "", string rest = "") =>
        $$"""{"model": {"type": "BPE", "vocab": {{vocabulary}}, "merges": {{merges}} {{model}}} {{rest}}}""";

    private static string BytesMerged()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => string.Create(CultureInfo.InvariantCulture, $"\"<0x{value:X2}>\": {value}"));
        return Json($$"""{ {{string.Join(", ", bytes)}}, "<0xC3><0xA9>": 256}""", """["<0xC3> <0xA9>"]""", """, "byte_fallback": true""");
    }

    public static TheoryData<string, string> Broken => new()
    {
        { "{", "not valid JSON" },
        { "[]", "not an object" },
        { "{}", "'model' is missing" },
        { """{"model": {"type": "Unigram", "vocab": []}}""", "Unigram" },
        { """{"model": {"type": "WordPiece", "vocab": {}}}""", "WordPiece" },
        { Json(vocabulary: "{}"), "empty" },
        { Json(vocabulary: """{"a": 0, "b": 0, "ab": 2}"""), "id 0" },
        { Json(vocabulary: """{"a": 0, "a": 1, "ab": 2}"""), "not valid JSON" },
        { Json(vocabulary: """{"a": -1, "b": 1, "ab": 2}"""), "'a'" },
        { Json(vocabulary: """{"a": 99999999999, "b": 1, "ab": 2}"""), "'a'" },
        { Json(vocabulary: """{"a": 0.5, "b": 1, "ab": 2}"""), "'a'" },
        { Json(vocabulary: """{"a": "0", "b": 1, "ab": 2}"""), "'a'" },
        { Json(vocabulary: """{"\ud800": 0, "b": 1, "ab": 2}"""), "Unicode" },
        { Json(merges: """["a c"]"""), "'c'" },
        { Json(merges: """["b a"]"""), "'ba'" },
        { Json(merges: """["ab"]"""), "'ab'" },
        { Json(merges: """[["a", "b", "c"]]"""), "merge" },
        { Json(merges: """["a b", "a b"]"""), "twice" },
        { Json(merges: "5"), "merges" },
        { Json(model: """, "dropout": 0.1"""), "dropout" },
        { Json(model: """, "end_of_word_suffix": "</w>" """), "end_of_word_suffix" },
        { Json(model: """, "unk_token": "zzz" """), "zzz" },
        { Json(model: """, "byte_fallback": true"""), "<0x00>" },
        { BytesMerged(), "byte_fallback" },
        { Json(model: """, "fuse_unk": "yes" """), "fuse_unk" },
        { Json(rest: """, "normalizer": {"type": "Precompiled"}"""), "Precompiled" },
        { Json(rest: """, "normalizer": {"type": "NFKC"}"""), "NFKC" },
        { Json(rest: """, "normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "x"}"""), "empty" },
        { Json(rest: """, "pre_tokenizer": {"type": "BertPreTokenizer"}"""), "BertPreTokenizer" },
        { Json(rest: """, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}"""), "pattern" },
        { Json(rest: """, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\p{Nonsense}"}, "behavior": "Isolated"}"""), "pattern" },
        { Json(rest: """, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[[:alpha:]]"}, "behavior": "Isolated"}"""), "nested" },
        { Json(rest: """, "pre_tokenizer": {"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"}"""), "Sideways" },
        { Json(rest: """, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]}"""), "ByteLevel" },
        { Json(rest: """, "post_processor": {"type": "BertProcessing"}"""), "BertProcessing" },
        { Json(rest: """, "post_processor": {"type": "TemplateProcessing", "single": [], "special_tokens": {}}"""), "once" },
        { Json(rest: """, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"x": {"ids": [77]}}}"""), "77" },
        { Json(rest: """, "decoder": {"type": "WordPiece"}"""), "WordPiece" },
        { Json(rest: """, "added_tokens": [{"id": 0, "content": "<x>"}]"""), "<x>" },
        { Json(rest: """, "added_tokens": [{"id": 7, "content": "a"}]"""), "'a'" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_or_unsupported_tokenizer_is_refused_by_name(string json, string named)
    {
        var refusal = Assert.Throws<InvalidDataException>(() => TokenizerFolder.FromJson(json));
        Assert.Contains("tokenizer.json", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_refused_with_the_way_to_make_one()
    {
        var refusal = Assert.Throws<InvalidDataException>(() => TextTokenizer.Load(Path.Combine(Path.GetTempPath(), "no-such-folder")));
        Assert.Contains("save_pretrained", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_deeply_nested_file_is_refused() =>
        Assert.Throws<InvalidDataException>(() => TokenizerFolder.FromJson(new string('[', 100_000)));

    [Fact]
    public void A_replacement_that_explodes_is_refused()
    {
        var replace = """{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""";
        var tokenizer = TokenizerFolder.FromJson(Json(rest: $$""", "normalizer": {"type": "Sequence", "normalizers": [{{string.Join(',', Enumerable.Repeat(replace, 10))}}]}"""));
        Assert.Throws<InvalidDataException>(() => tokenizer.Encode("a", addSpecialTokens: false));
    }
}
