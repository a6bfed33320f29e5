namespace Hindsight.Generation.Tests;

public sealed class ChatTemplateFolderTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hindsight-template-");

    public void Dispose() => folder.Delete(recursive: true);

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(folder.FullName, name), content);

    private string? Rendered() => ChatTemplate.Load(folder.FullName)?.Render([new ChatMessage("user", "hi")], addGenerationPrompt: true);

    [Fact]
    public void A_folder_without_a_template_has_none()
    {
        Assert.Null(Rendered());
        Write("tokenizer_config.json", """{"eos_token": "</s>", "chat_template": null}""");
        Assert.Null(Rendered());
    }

    [Fact]
    public void Special_tokens_are_strings_or_objects_with_a_content()
    {
        Write("tokenizer_config.json", """
            {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "unk_token": null,
             "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ unk_token is defined }}"}
            """);
        Assert.Equal("<s>hi</s>False", Rendered());
    }

    [Fact]
    public void Of_several_templates_the_default_one_is_taken()
    {
        Write("tokenizer_config.json", """{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}""");
        Assert.Equal("d", Rendered());
    }

    [Fact]
    public void A_template_file_of_its_own_comes_before_the_configuration()
    {
        Write("tokenizer_config.json", """{"bos_token": "<s>", "chat_template": "old"}""");
        Write("chat_template.jinja", "new {{ bos_token }}");
        Assert.Equal("new <s>", Rendered());
    }

    [Fact]
    public void A_json_file_of_its_own_is_the_last_resort()
    {
        Write("chat_template.json", """{"chat_template": "json"}""");
        Assert.Equal("json", Rendered());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"chat_template": 5}""")]
    [InlineData("""{"chat_template": []}""")]
    [InlineData("""{"chat_template": "{% if %}"}""")]
    [InlineData("""{"chat_template": "a", "chat_template": "b"}""")]
    public void A_broken_configuration_is_refused_by_name(string config)
    {
        Write("tokenizer_config.json", config);
        var refusal = Assert.Throws<InvalidDataException>(Rendered);
        Assert.Contains("tokenizer_config.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        Write("tokenizer_config.json", """{"chat_template": "\ud800"}""");
        Assert.Throws<InvalidDataException>(Rendered);
    }
}
