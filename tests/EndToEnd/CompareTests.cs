namespace Hindsight.EndToEnd;

/// <summary>Two evaluations of one run, compared on the command line.</summary>
public sealed class CompareTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Two_evaluations_are_compared_the_same_from_saved_folders_and_from_the_storage()
    {
        var (run, suite) = (_cli.CreateRun(), _cli.CreateSuite());
        var spec = Path.Combine(run, "evaluation.json");
        var first = await _cli.RunAsync("evaluate", run, "--suite", suite, "--out", "first");
        await File.WriteAllTextAsync(spec, (await File.ReadAllTextAsync(spec)).Replace("\"temperature\": 1,", "\"temperature\": 1, \"seed\": 7,", StringComparison.Ordinal));
        var second = await _cli.RunAsync("evaluate", run, "--suite", suite, "--out", "second");
        Assert.True(first.ExitCode + second.ExitCode == 0, first.Errors + second.Errors);
        var before = EvaluationOf("first");

        var folders = await _cli.RunAsync("report", Path.Combine("second", "run"), "--compare", Path.Combine("first", "run"), "--out", "folders");
        var storage = await _cli.RunAsync("report", "run", "--compare", $"run/{before}", "--out", "storage");

        Assert.True(folders.ExitCode + storage.ExitCode == 0, folders.Errors + storage.Errors);
        var page = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(_cli.PathTo("folders"))));
        Assert.Equal(page, await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(_cli.PathTo("storage")))));
        Assert.Contains($"compare-run-{EvaluationOf("second")}-with-run-{before}.html", folders.Output, StringComparison.Ordinal);
        Assert.Contains("on 12\u00a0problems that both have", folders.Output, StringComparison.Ordinal);
        Assert.Contains("<bdi>Decoding</bdi>: <bdi>seed</bdi>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("answers.jsonl) are not there", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/path/not/there", "There is no folder /path/not/there; give a saved report's folder, a run's name, or RUN/EVALUATION.")]
    [InlineData("./there", "There is no folder ./there; give a saved report's folder, a run's name, or RUN/EVALUATION.")]
    [InlineData(".", "The folder . holds no saved report: scores.json is missing.")]
    public async Task A_folder_that_is_not_there_or_holds_no_report_is_named(string path, string sentence)
    {
        var result = await _cli.RunAsync("report", "run", "--compare", path);

        Assert.Equal((1, "", sentence + "\n"), (result.ExitCode, result.Output, result.Errors));
    }

    private string EvaluationOf(string folder)
    {
        using var summary = System.Text.Json.JsonDocument.Parse(File.ReadAllText(_cli.PathTo(folder, "run", "summary.json")));
        return summary.RootElement.GetProperty("evaluation").GetString()!;
    }
}
