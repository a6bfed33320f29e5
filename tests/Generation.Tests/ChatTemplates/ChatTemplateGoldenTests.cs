using System.Text.Json;

namespace Hindsight.Generation.Tests;

/// <summary>Prompts that Python's jinja2 rendered in the environment of transformers.</summary>
public class ChatTemplateGoldenTests
{
    private static readonly DateTimeOffset Date = new(2024, 7, 26, 9, 5, 7, TimeSpan.Zero);

    [Theory]
    [InlineData("Qwen-Qwen2.5-7B-Instruct")]
    [InlineData("meta-llama-Llama-3.2-3B-Instruct")]
    public void Renders_the_template_of_a_released_model_as_recorded(string name)
    {
        var source = File.ReadAllText(TestData.PathTo("chat-templates", name + ".jinja"));
        var rows = File.ReadLines(TestData.PathTo("chat-templates", name + ".jsonl")).Select(line => JsonElement.Parse(line)).ToList();
        Assert.True(rows.Count > 20);
        Assert.All(rows, row => AssertRendersAs(row, source, row.EnumerateObject()));
    }

    [Fact]
    public void Renders_common_constructs_as_jinja_does()
    {
        var rows = File.ReadLines(TestData.PathTo("chat-templates", "constructs.jsonl")).Select(line => JsonElement.Parse(line)).ToList();
        Assert.True(rows.Count > 100);
        Assert.All(rows, row => AssertRendersAs(row, row.GetProperty("template").GetString()!, row.GetProperty("variables").EnumerateObject()));
    }

    [Theory]
    [InlineData("tiny-llama3")]
    [InlineData("tiny-qwen")]
    public void A_rendered_conversation_encodes_to_the_recorded_prompt(string name)
    {
        var folder = TestData.PathTo("tokenizers", name);
        var template = ChatTemplate.Load(folder);
        Assert.NotNull(template);
        Assert.All(TokenizerFolder.Rows(name, "chat.jsonl"), row =>
        {
            var messages = row.GetProperty("messages").EnumerateArray()
                .Select(message => new ChatMessage(message.Text("role"), message.Text("content"))).ToList();
            var rendered = template.Render(messages, addGenerationPrompt: true);
            Assert.Equal(row.Text("rendered"), rendered);
            Assert.Equal(row.Ids("input_ids"), TokenizerFolder.Tokenizer(name).Encode(rendered, addSpecialTokens: false));
        });
    }

    private static void AssertRendersAs(JsonElement row, string source, IEnumerable<JsonProperty> properties)
    {
        var variables = properties.Where(property => property.Name is not ("conversation" or "expected" or "error" or "add_generation_prompt"))
            .ToDictionary(property => property.Name, property => property.Value);
        var holder = row.TryGetProperty("variables", out var given) ? given : row;
        var addGenerationPrompt = holder.GetProperty("add_generation_prompt").GetBoolean();
        string Render() => new ChatTemplate(source, new Dictionary<string, string>()).Render([], addGenerationPrompt, Date, variables);

        if (row.TryGetProperty("expected", out var expected))
        {
            Assert.Equal(expected.GetString(), Render());
            return;
        }
        var refusal = Assert.Throws<InvalidDataException>(Render);
        if (source.Contains("raise_exception", StringComparison.Ordinal))
            Assert.Contains(row.Text("error"), refusal.Message, StringComparison.Ordinal);
    }
}
