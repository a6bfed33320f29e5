using System.Text.Json;

namespace Hindsight.EndToEnd;

public sealed class GenerateTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("qwen2-tied")]
    [InlineData("llama-gqa")]
    public async Task Greedy_ids_equal_the_reference(string model)
    {
        using var golden = JsonDocument.Parse(await File.ReadAllTextAsync(TestData.PathTo("models", model, "golden", "golden.json")));
        var prompt = golden.RootElement.GetProperty("prompts").EnumerateArray().First(item => item.GetProperty("text").ValueKind == JsonValueKind.String);

        var result = await _cli.RunAsync(
            "generate", TestData.PathTo("models", model, "model"), "--prompt", prompt.GetProperty("text").GetString()!, "--greedy", "--max-tokens", "32", "--ignore-eos", "--json");

        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        using var answer = JsonDocument.Parse(result.Output);
        Assert.Equal(Ids(prompt.GetProperty("input_ids")), Ids(answer.RootElement.GetProperty("prompt")));
        Assert.Equal(Ids(prompt.GetProperty("greedy_32")), Ids(answer.RootElement.GetProperty("ids")));
        Assert.Equal(32, answer.RootElement.GetProperty("tokenLogProbabilities").GetArrayLength());
        Assert.Equal("length", answer.RootElement.GetProperty("finishReason").GetString());
    }

    [Fact]
    public async Task The_trained_story_model_tells_its_story()
    {
        using var golden = JsonDocument.Parse(await File.ReadAllTextAsync(TestData.PathTo("models", "stories260k-real", "golden", "golden.json")));

        var result = await _cli.RunAsync("generate", TestData.PathTo("models", "stories260k-real", "model"), "--prompt", "", "--max-tokens", "200", "--ignore-eos");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(golden.RootElement.GetProperty("greedy_from_bos_200_text").GetString()!.Trim(), result.Output.Trim());
    }

    [Fact]
    public async Task Samples_are_the_same_for_the_same_seed_and_differ_from_each_other()
    {
        string[] command = ["generate", TestData.PathTo("models", "qwen2-tied", "model"), "--prompt", "What is 3 + 4?", "--chat", "--temperature", "1", "--samples", "3", "--max-tokens", "12", "--seed", "7", "--json"];

        var first = await _cli.RunAsync(command);
        var second = await _cli.RunAsync(command);

        Assert.Equal(0, first.ExitCode);
        Assert.Equal(first.Output, second.Output);
        var texts = first.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("ids").GetRawText()).ToList();
        Assert.Equal(3, texts.Distinct().Count());
    }

    [Theory]
    [InlineData("nowhere", "is not a folder")]
    [InlineData("truncated", "cut off")]
    [InlineData("nan", "not a finite number")]
    [InlineData("architecture", "MambaForCausalLM")]
    [InlineData("sizes", "num_hidden_layers")]
    [InlineData("escape", "model.safetensors.index.json")]
    [InlineData("pickled", "pytorch_model.bin")]
    [InlineData("adapter", "LoRA")]
    public async Task A_broken_checkpoint_gets_one_sentence_and_a_failing_exit_code(string kind, string why)
    {
        var folder = _cli.PathTo(kind);
        if (kind != "nowhere")
        {
            CommandLine.Copy(TestData.PathTo("models", "qwen2-tied", "model"), folder);
            var (weights, config) = (Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "config.json"));
            var bytes = await File.ReadAllBytesAsync(weights);
            switch (kind)
            {
                case "truncated":
                    await File.WriteAllBytesAsync(weights, bytes[..^1000]);
                    break;
                case "nan":
                    BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
                    await File.WriteAllBytesAsync(weights, bytes);
                    break;
                case "architecture":
                    await Replace(config, "Qwen2ForCausalLM", "MambaForCausalLM");
                    break;
                case "sizes":
                    await Replace(config, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 300000000");
                    break;
                case "escape":
                    File.Delete(weights);
                    await File.WriteAllTextAsync(Path.Combine(folder, "model.safetensors.index.json"), """{"metadata": {}, "weight_map": {"model.norm.weight": "../../etc/passwd"}}""");
                    break;
                case "pickled":
                    File.Move(weights, Path.Combine(folder, "pytorch_model.bin"));
                    break;
                case "adapter":
                    File.Delete(weights);
                    await File.WriteAllTextAsync(Path.Combine(folder, "adapter_config.json"), "{}");
                    break;
            }
        }

        var result = await _cli.RunAsync("generate", folder, "--prompt", "x");

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(why, result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);

        static async Task Replace(string file, string old, string with)
        {
            var text = await File.ReadAllTextAsync(file);
            Assert.Contains(old, text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, text.Replace(old, with, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_merged_folder_is_a_checkpoint_and_its_end_points_are_the_parents()
    {
        var (early, late) = (TestData.PathTo("models", "wise-ft-qwen2", "finetuned"), TestData.PathTo("models", "qwen2-tied", "model"));
        Assert.Equal(0, (await _cli.RunAsync("merge", early, late, "--early-weight", "1", "--out", "one")).ExitCode);
        Assert.Equal(0, (await _cli.RunAsync("merge", early, late, "--early-weight", "0.3", "--out", "mixed")).ExitCode);

        var parent = await _cli.RunAsync("generate", early, "--prompt", "What is 12 + 30?", "--max-tokens", "16", "--json");
        var one = await _cli.RunAsync("generate", "one", "--prompt", "What is 12 + 30?", "--max-tokens", "16", "--json");
        var mixed = await _cli.RunAsync("generate", "mixed", "--prompt", "What is 12 + 30?", "--max-tokens", "16", "--json");

        Assert.Equal(parent.Output, one.Output);
        Assert.NotEqual(parent.Output, mixed.Output);
        var again = await _cli.RunAsync("merge", early, late, "--early-weight", "0.3", "--out", "mixed");
        Assert.Equal(1, again.ExitCode);
        var different = await _cli.RunAsync("merge", early, TestData.PathTo("models", "llama-gqa", "model"), "--early-weight", "0.3", "--out", "no");
        Assert.Equal(1, different.ExitCode);
        Assert.False(Directory.Exists(_cli.PathTo("no")));
    }

    private static IEnumerable<int> Ids(JsonElement list) => list.EnumerateArray().Select(id => id.GetInt32());
}
