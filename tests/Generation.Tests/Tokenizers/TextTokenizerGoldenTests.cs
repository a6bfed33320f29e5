namespace Hindsight.Generation.Tests;

/// <summary>Encodings and decodings recorded from the Hugging Face tokenizers library.</summary>
public class TextTokenizerGoldenTests
{
    public static TheoryData<string> Names => ["gpt2", "qwen2.5", "tiny-qwen", "tiny-llama3", "tiny-sp_gemma", "sp-llama2", "sp-mistral"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Encodes_each_text_to_the_recorded_ids(string name)
    {
        var tokenizer = TokenizerFolder.Tokenizer(name);
        var rows = TokenizerFolder.Rows(name, "encode.jsonl").ToList();
        Assert.True(rows.Count > 100);
        Assert.All(rows, row =>
        {
            Assert.Equal(row.Ids("ids_without_special"), tokenizer.Encode(row.Text("text"), addSpecialTokens: false));
            Assert.Equal(row.Ids("ids"), tokenizer.Encode(row.Text("text"), addSpecialTokens: true));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Decodes_encoded_texts_as_recorded(string name)
    {
        var tokenizer = TokenizerFolder.Tokenizer(name);
        Assert.All(TokenizerFolder.Rows(name, "encode.jsonl"), row =>
        {
            Assert.Equal(row.Text("decode_skip_special"), tokenizer.Decode(row.Ids("ids"), skipSpecialTokens: true));
            Assert.Equal(row.Text("decode_keep_special"), tokenizer.Decode(row.Ids("ids"), skipSpecialTokens: false));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Decodes_broken_and_random_ids_as_recorded(string name)
    {
        var tokenizer = TokenizerFolder.Tokenizer(name);
        var rows = TokenizerFolder.Rows(name, "decode.jsonl").ToList();
        Assert.True(rows.Count > 100);
        Assert.All(rows, row =>
        {
            Assert.Equal(row.Text("skip_special"), tokenizer.Decode(row.Ids("ids"), skipSpecialTokens: true));
            Assert.Equal(row.Text("keep_special"), tokenizer.Decode(row.Ids("ids"), skipSpecialTokens: false));
        });
    }

    [Fact]
    public void Encodes_and_decodes_the_stories_of_a_trained_model()
    {
        var tokenizer = TokenizerFolder.Tokenizer("stories260k");
        Assert.All(TokenizerFolder.Rows("stories260k", "encode.jsonl"), row =>
            Assert.Equal(row.Ids("ids"), tokenizer.Encode(row.Text("text"), addSpecialTokens: true)));
        Assert.All(TokenizerFolder.Rows("stories260k", "decode.jsonl"), row =>
            Assert.Equal(row.Text("skip_special"), tokenizer.Decode(row.Ids("ids"), skipSpecialTokens: true)));
    }

    [Theory]
    [InlineData("gpt2", 50257)]
    [InlineData("qwen2.5", 151665)]
    [InlineData("tiny-qwen", 372)]
    [InlineData("tiny-sp_gemma", 515)]
    public void Vocabulary_size_counts_added_tokens(string name, int size) =>
        Assert.Equal(size, TokenizerFolder.Tokenizer(name).VocabularySize);

    [Fact]
    public void Only_tokens_marked_special_are_special()
    {
        var tokenizer = TokenizerFolder.Tokenizer("tiny-qwen");
        Assert.True(tokenizer.IsSpecial(368));
        Assert.False(tokenizer.IsSpecial(370));
        Assert.False(tokenizer.IsSpecial(0));
        Assert.False(tokenizer.IsSpecial(-1));
    }
}
