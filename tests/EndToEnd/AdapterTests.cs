using System.Text.Json;

namespace Hindsight.EndToEnd;

/// <summary>LoRA adapters on the command line.</summary>
public sealed class AdapterTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private static string Model => TestData.PathTo("models", "qwen2-tied", "model");

    private static string Adapter => TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter");

    [Fact]
    public async Task Greedy_ids_of_an_adapter_equal_the_reference()
    {
        using var golden = JsonDocument.Parse(await File.ReadAllTextAsync(TestData.PathTo("models", "lora-qwen2-qv-r4", "golden", "golden.json")));
        var prompts = golden.RootElement.GetProperty("prompts").EnumerateArray().ToList();
        var text = prompts.First(prompt => prompt.GetProperty("text").ValueKind == JsonValueKind.String);
        var ids = prompts.First(prompt => prompt.GetProperty("text").ValueKind == JsonValueKind.Null && prompt.GetProperty("input_ids").GetArrayLength() > 1);

        var fromText = await _cli.RunAsync(
            "generate", Model, "--adapter", Adapter, "--prompt", text.GetProperty("text").GetString()!, "--max-tokens", "32", "--ignore-eos", "--json");
        var fromIds = await _cli.RunAsync(
            "generate", Model, "--adapter", Adapter, "--prompt-ids", string.Join(',', Ids(ids, "input_ids")), "--max-tokens", "32", "--ignore-eos", "--json");

        Assert.Equal((0, ""), (fromText.ExitCode, fromText.Errors));
        Assert.Equal(Ids(text, "greedy_32"), Ids(JsonDocument.Parse(fromText.Output).RootElement, "ids"));
        Assert.Equal((0, ""), (fromIds.ExitCode, fromIds.Errors));
        Assert.Equal(Ids(ids, "greedy_32"), Ids(JsonDocument.Parse(fromIds.Output).RootElement, "ids"));
    }

    [Fact]
    public async Task Token_ids_need_no_tokenizer_that_can_be_read()
    {
        CommandLine.Copy(Model, _cli.PathTo("model"));
        await File.WriteAllTextAsync(_cli.PathTo("model", "tokenizer.json"), "{}");

        var result = await _cli.RunAsync("generate", "model", "--prompt-ids", "54, 71,9", "--max-tokens", "4", "--json");
        var asText = await _cli.RunAsync("generate", "model", "--prompt-ids", "54,71,9", "--max-tokens", "4");

        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(result.Output).RootElement.GetProperty("text").ValueKind);
        Assert.Equal(1, asText.ExitCode);
        Assert.Contains("tokenizer.json", asText.Errors, StringComparison.Ordinal);

        File.Delete(_cli.PathTo("model", "tokenizer.json"));
        Assert.Equal(result.Output, (await _cli.RunAsync("generate", "model", "--prompt-ids", "54, 71,9", "--max-tokens", "4", "--json")).Output);
        Assert.Contains("tokenizer.json is missing", (await _cli.RunAsync("generate", "model", "--prompt-ids", "54,71,9")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_of_adapters_becomes_a_report_whose_answers_are_those_of_merged_folders()
    {
        var run = CreateRun();
        var result = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite());

        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.Contains("in one batch over one base", await File.ReadAllTextAsync(_cli.PathTo("hindsight-report", "run", "report.md")), StringComparison.Ordinal);
        var answers = (await File.ReadAllLinesAsync(_cli.PathTo("hindsight-report", "run", "answers.jsonl"))).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["base", "checkpoint-1", "checkpoint-2", "0.5 × checkpoint-1 + 0.5 × checkpoint-2"], answers.Select(answer => answer.GetProperty("variant").GetString()).Distinct());
        foreach (var checkpoint in (string[])["checkpoint-1", "checkpoint-2"])
        {
            Assert.Equal(0, (await _cli.RunAsync("merge", Path.Combine(run, checkpoint), "--base", Model, "--out", checkpoint)).ExitCode);
            var drawn = await _cli.RunAsync("generate", checkpoint, "--prompt", "What is 7 + 30?", "--max-tokens", "24", "--json");
            var stored = Assert.Single(answers, answer => answer.GetProperty("variant").GetString() == checkpoint
                && answer.GetProperty("problem").GetString() == "p7" && answer.GetProperty("kind").GetString() == "greedy");
            var expected = JsonDocument.Parse(drawn.Output).RootElement;
            Assert.Equal(expected.GetProperty("text").GetString(), stored.GetProperty("text").GetString());
            Assert.Equal(expected.GetProperty("ids").GetArrayLength(), stored.GetProperty("tokens").GetInt32());
            Assert.Equal(expected.GetProperty("logProbability").GetDouble(), stored.GetProperty("logProbability").GetDouble(), 1e-2);
        }
    }

    [Fact]
    public async Task Merging_two_adapters_goes_from_one_to_the_other()
    {
        var run = CreateRun();
        var (early, late) = (Path.Combine(run, "checkpoint-1"), Path.Combine(run, "checkpoint-2"));
        Assert.Equal(0, (await _cli.RunAsync("merge", early, late, "--early-weight", "1", "--base", Model, "--out", "one")).ExitCode);
        Assert.Equal(0, (await _cli.RunAsync("merge", early, "--base", Model, "--out", "early")).ExitCode);
        Assert.Equal(await File.ReadAllBytesAsync(_cli.PathTo("early", "model.safetensors")), await File.ReadAllBytesAsync(_cli.PathTo("one", "model.safetensors")));
        Assert.Equal(0, (await _cli.RunAsync("merge", early, late, "--early-weight", "0.5", "--base", Model, "--out", "half")).ExitCode);
        Assert.NotEqual(await File.ReadAllBytesAsync(_cli.PathTo("early", "model.safetensors")), await File.ReadAllBytesAsync(_cli.PathTo("half", "model.safetensors")));
    }

    [Theory]
    [InlineData("--base", "merge ADAPTER --out no")]
    [InlineData("--early-weight", "merge ADAPTER ADAPTER --base MODEL --out no")]
    [InlineData("--early-weight", "merge ADAPTER --early-weight 0.5 --base MODEL --out no")]
    [InlineData("LoRA", "merge ADAPTER MODEL --early-weight 0.5 --out no")]
    [InlineData("LoRA", "generate ADAPTER --prompt x")]
    [InlineData("adapter_config.json is missing", "generate MODEL --adapter MODEL --prompt x")]
    [InlineData("use_dora", "generate MODEL --adapter DORA --prompt x")]
    [InlineData("precision", "generate MODEL --prompt x --precision float8")]
    [InlineData("needs a GPU", "generate MODEL --prompt x --precision bfloat16")]
    [InlineData("float32 is for the CPU", "generate MODEL --prompt x --device cuda")]
    [InlineData("int8 is for the CPU", "generate MODEL --prompt x --device cuda --precision int8")]
    [InlineData("does not fit", "generate MODEL --prompt x --memory 0.01")]
    [InlineData("--prompt-ids must be", "generate MODEL --prompt-ids 1,x")]
    [InlineData("give one of them", "generate MODEL --prompt-ids 1 --prompt x")]
    [InlineData("vocabulary", "generate MODEL --prompt-ids 1,99999")]
    public async Task A_wrong_command_gets_one_sentence(string why, string command)
    {
        CommandLine.Copy(Adapter, _cli.PathTo("DORA"));
        await UseDoraAsync(_cli.PathTo("DORA"));

        var result = await _cli.RunAsync([.. command.Split(' ').Select(word => word switch { "ADAPTER" => Adapter, "MODEL" => Model, _ => word })]);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(why, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.PathTo("no")));
    }

    [Fact]
    public async Task What_is_wrong_with_a_run_of_adapters_is_named()
    {
        var run = CreateRun();
        CommandLine.Copy(Adapter, Path.Combine(run, "checkpoint-3"));
        await UseDoraAsync(Path.Combine(run, "checkpoint-3"));

        var dora = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite());
        Directory.Delete(Path.Combine(run, "base"), recursive: true);
        var bare = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite(), "--run", "bare");
        await File.WriteAllTextAsync(Path.Combine(run, "evaluation.json"), """{"precision": "float16"}""");
        var precision = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite(), "--run", "precision");

        Assert.Equal(1, dora.ExitCode);
        Assert.Contains("checkpoint-3 was left out: run/checkpoint-3/adapter_config.json sets \"use_dora\"", dora.Errors, StringComparison.Ordinal);
        Assert.True(File.Exists(_cli.PathTo("hindsight-report", "run", "scores.json")));
        Assert.Equal(1, bare.ExitCode);
        Assert.Contains("checkpoint-1: it holds a LoRA adapter, which needs the model that it was trained on", bare.Errors, StringComparison.Ordinal);
        Assert.Equal((1, ""), (precision.ExitCode, precision.Output));
        Assert.Contains("float16 needs a GPU", precision.Errors, StringComparison.Ordinal);
    }

    /// <summary>A base and two adapters: that of the test data, and one whose update is another.</summary>
    private string CreateRun()
    {
        var run = _cli.PathTo("run");
        CommandLine.Copy(Model, Path.Combine(run, "base"));
        CommandLine.Copy(Adapter, Path.Combine(run, "checkpoint-1"));
        CommandLine.Copy(Adapter, Path.Combine(run, "checkpoint-2"));
        var config = Path.Combine(run, "checkpoint-2", "adapter_config.json");
        File.WriteAllText(config, Changed(File.ReadAllText(config), "\"lora_alpha\": 8", "\"lora_alpha\": -11"));
        File.WriteAllText(Path.Combine(run, "evaluation.json"), """{"samplesPerProblem": 2, "temperature": 1, "topP": 1, "maxTokens": 24, "earlyWeights": [0.5], "chat": false}""");
        return run;
    }

    private static async Task UseDoraAsync(string adapter)
    {
        var config = Path.Combine(adapter, "adapter_config.json");
        await File.WriteAllTextAsync(config, Changed(await File.ReadAllTextAsync(config), "\"use_dora\": false", "\"use_dora\": true"));
    }

    private static string Changed(string text, string old, string with)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    private static IEnumerable<int> Ids(JsonElement item, string field) => item.GetProperty(field).EnumerateArray().Select(id => id.GetInt32());
}
