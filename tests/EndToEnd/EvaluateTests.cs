using System.Net.Http.Json;
using System.Text.Json;
using Azure.Storage.Blobs;

namespace Hindsight.EndToEnd;

/// <summary>A run's folder goes in, a report comes out: through real processes, queues and blobs.</summary>
public sealed class EvaluateTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_run_becomes_a_report_and_a_second_time_nothing_is_drawn()
    {
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());

        var first = await _cli.RunAsync("evaluate", run, "--suite", suite, "--out", "first");
        var second = await _cli.RunAsync("evaluate", run, "--suite", suite, "--out", "second");

        Assert.True(first.ExitCode == 0, first.Output + first.Errors);
        Assert.Contains($"Report: {_cli.PathTo("first", "run", "report.html")}", first.Output, StringComparison.Ordinal);
        Assert.Equal(0, second.ExitCode);
        Assert.Equal(await File.ReadAllTextAsync(_cli.PathTo("first", "run", "report.html")), await File.ReadAllTextAsync(_cli.PathTo("second", "run", "report.html")));
        var scores = await ScoresAsync("first");
        Assert.Equal(["checkpoint-1", "checkpoint-2"], scores.GetProperty("trajectory").EnumerateArray().Select(checkpoint => checkpoint.GetProperty("name").GetString()));

        var status = await _cli.RunAsync("status");
        Assert.Contains("report at reports/run/", status.Output, StringComparison.Ordinal);
        var saved = await _cli.RunAsync("report", "run", "--out", "third");
        Assert.Equal(0, saved.ExitCode);
        Assert.True(File.Exists(_cli.PathTo("third", "run", "report.md")));
    }

    [Fact]
    public async Task A_reward_model_that_is_nowhere_is_not_waited_for()
    {
        var run = _cli.CreateRun();
        await File.WriteAllTextAsync(Path.Combine(run, "evaluation.json"), """{"samplesPerProblem": 2, "rewardModel": {"name": "nowhere"}}""");

        var result = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite());

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(Path.Combine(run, "models", "nowhere"), result.Errors, StringComparison.Ordinal);

        Directory.CreateDirectory(Path.Combine(run, "models", "nowhere"));
        File.Copy(TestData.PathTo("models", "qwen2-prm", "model", "config.json"), Path.Combine(run, "models", "nowhere", "config.json"));
        result = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite());
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("model.safetensors", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_in_the_middle_the_same_command_goes_on_to_the_same_report()
    {
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());
        var undisturbed = new CommandLine();
        try
        {
            Assert.Equal(0, (await undisturbed.RunAsync("evaluate", run, "--suite", suite)).ExitCode);
            foreach (var moment in (string[])["", "in the storage", "Trajectory: 0", "Trajectory: 1", "Interpolation"])
            {
                using var killed = _cli.Start("evaluate", run, "--suite", suite);
                await killed.WaitForAsync(moment, Limit);
                await killed.KillAsync();
            }

            var result = await _cli.RunAsync("evaluate", run, "--suite", suite);

            Assert.True(result.ExitCode == 0, result.Output + result.Errors);
            foreach (var file in (string[])["scores.json", "answers.jsonl", "report.md"])
            {
                Assert.Equal(
                    await File.ReadAllTextAsync(undisturbed.PathTo("hindsight-report", "run", file)),
                    await File.ReadAllTextAsync(_cli.PathTo("hindsight-report", "run", file)));
            }

            Assert.Equal(
                WithoutMeasured(await File.ReadAllTextAsync(undisturbed.PathTo("hindsight-report", "run", "report.html"))),
                WithoutMeasured(await File.ReadAllTextAsync(_cli.PathTo("hindsight-report", "run", "report.html"))));
        }
        finally
        {
            undisturbed.Dispose();
        }
    }

    [Fact]
    public async Task Generators_in_processes_of_their_own_give_the_same_report()
    {
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());
        var other = new CommandLine();
        try
        {
            var apart = await _cli.RunAsync("evaluate", run, "--suite", suite, "--generators", "2");
            var together = await other.RunAsync("evaluate", run, "--suite", suite);

            Assert.True(apart.ExitCode == 0, apart.Output + apart.Errors);
            Assert.Equal(0, together.ExitCode);
            Assert.Equal(
                await File.ReadAllTextAsync(other.PathTo("hindsight-report", "run", "answers.jsonl")),
                await File.ReadAllTextAsync(_cli.PathTo("hindsight-report", "run", "answers.jsonl")));
        }
        finally
        {
            other.Dispose();
        }
    }

    [Fact]
    public async Task Broken_checkpoints_are_named_and_the_rest_of_the_run_is_evaluated()
    {
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());
        CommandLine.Copy(Path.Combine(run, "checkpoint-1"), Path.Combine(run, "checkpoint-3"));
        var weights = Path.Combine(run, "checkpoint-3", "model.safetensors");
        await File.WriteAllBytesAsync(weights, (await File.ReadAllBytesAsync(weights))[..^64]);
        CommandLine.Copy(Path.Combine(run, "checkpoint-1"), Path.Combine(run, "checkpoint-4"));
        File.Move(Path.Combine(run, "checkpoint-4", "model.safetensors"), Path.Combine(run, "checkpoint-4", "pytorch_model.bin"));
        CommandLine.Copy(Path.Combine(run, "checkpoint-1"), Path.Combine(run, "checkpoint-5"));
        var tokenizer = Path.Combine(run, "checkpoint-5", "config.json");
        await File.WriteAllTextAsync(tokenizer, (await File.ReadAllTextAsync(tokenizer)).Replace("\"vocab_size\": 384", "\"vocab_size\": 300", StringComparison.Ordinal));

        var result = await _cli.RunAsync("evaluate", run, "--suite", suite);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("checkpoint-3 was left out: run/checkpoint-3/model.safetensors", result.Errors, StringComparison.Ordinal);
        Assert.Contains("checkpoint-4 was left out: model.safetensors is missing and the weights are pickled", result.Errors, StringComparison.Ordinal);
        Assert.Contains("checkpoint-5 was left out", result.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await ScoresAsync("hindsight-report")).GetProperty("trajectory").GetArrayLength());
        Assert.DoesNotContain("optimizer", string.Join('\n', Directory.GetFiles(_cli.PathTo("cache"), "*", SearchOption.AllDirectories)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json", "line 1, is not JSON")]
    [InlineData(" ", "has no problems")]
    public async Task A_bad_suite_gets_one_sentence(string line, string why)
    {
        var result = await _cli.RunAsync("evaluate", _cli.CreateRun(), "--suite", _cli.CreateSuite(line));

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(why, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_spec_gets_one_sentence_that_names_the_field()
    {
        var run = _cli.CreateRun();
        await File.WriteAllTextAsync(Path.Combine(run, "evaluation.json"), """{"temperature": -1}""");

        var result = await _cli.RunAsync("evaluate", run, "--suite", _cli.CreateSuite());

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("field 'temperature'", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_dropped_into_the_storage_is_evaluated_and_the_status_function_shows_it()
    {
        using var up = _cli.Start("up");
        await up.WaitForAsync("Status: ", Limit);
        await up.WaitForAsync("Ctrl-C stops.", Limit);
        var connection = up.Output.Split('\n').First(line => line.Contains("AccountName", StringComparison.Ordinal)).Trim();
        var address = up.Output.Split('\n').First(line => line.StartsWith("Status: ", StringComparison.Ordinal))["Status: ".Length..];
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());
        var blobs = new BlobServiceClient(connection);
        await blobs.GetBlobContainerClient("suites").UploadBlobAsync("problems.jsonl", BinaryData.FromBytes(await File.ReadAllBytesAsync(suite)));
        var checkpoints = blobs.GetBlobContainerClient("checkpoints");
        await checkpoints.UploadBlobAsync("dropped/evaluation.json", BinaryData.FromBytes(await File.ReadAllBytesAsync(Path.Combine(run, "evaluation.json"))));
        await checkpoints.UploadBlobAsync("dropped/checkpoint-9/config.json", new BinaryData("{}"));
        foreach (var file in Directory.GetFiles(Path.Combine(run, "checkpoint-2")))
        {
            await checkpoints.UploadBlobAsync($"dropped/checkpoint-2/{Path.GetFileName(file)}", BinaryData.FromBytes(await File.ReadAllBytesAsync(file)));
        }

        await up.WaitForAsync("report at reports/dropped/", Limit);

        using var http = new HttpClient();
        var status = await http.GetFromJsonAsync<JsonElement>($"{address}/dropped");
        Assert.Equal("checkpoint-2", Assert.Single(status.GetProperty("checkpoints").EnumerateArray()).GetString());
        Assert.Equal("checkpoint-9", Assert.Single(status.GetProperty("incomplete").EnumerateArray()).GetProperty("name").GetString());
        Assert.Contains("<html", await http.GetStringAsync($"{address}/dropped/report"), StringComparison.Ordinal);
        using var refused = await http.PostAsJsonAsync($"{address}/dropped", new { topP = 7 });
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("field 'topP'", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private async Task<JsonElement> ScoresAsync(string folder) =>
        JsonDocument.Parse(await File.ReadAllTextAsync(_cli.PathTo(folder, "run", "scores.json"))).RootElement;

    private static string WithoutMeasured(string page)
    {
        var (start, end) = (page.IndexOf("<!-- measured -->", StringComparison.Ordinal), page.IndexOf("<!-- /measured -->", StringComparison.Ordinal));
        Assert.True(start >= 0 && end > start);
        return page[..start] + page[end..];
    }
}
