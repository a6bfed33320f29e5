using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindsight.Scoring;

namespace Hindsight.Workflow.Tests;

/// <summary>Text that a run was trained on: how it is read, and what becomes of it in a frozen evaluation and its report.</summary>
public sealed class TrainingTextTests(Pipeline pipeline) : IClassFixture<Pipeline>
{
    private const string Question = "What is the sum of twelve and thirty?";

    [Fact]
    public async Task Every_string_of_a_JSONL_line_is_read_and_names_and_numbers_are_not()
    {
        var lines = await ReadAsync("t.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\\r\\nb \\u00e9\"}], \"n\": 3}\r\n\n\"whole\"\n");
        Assert.Equal(["user\na\nb é", "", "whole"], lines);
    }

    [Fact]
    public async Task Other_files_are_read_line_by_line_whatever_the_size_of_the_pieces_they_come_in()
    {
        string[] written = [.. Enumerable.Range(0, 300).Select(i => new string((char)('a' + (i % 26)), i * 7 % 1500)), "the é end"];
        var bytes = Encoding.UTF8.GetBytes("\uFEFF" + string.Join("\r\n", written));
        var lines = new List<string>();
        var sha256 = await TrainingText.ReadAsync(new Trickle(bytes, 97), "t.txt", lines.Add, CancellationToken.None);
        Assert.Equal(written, lines);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), sha256);
    }

    [Theory]
    [InlineData("t.jsonl", "{\"a\": 1}\n{\"a\": ", "line 2, is not JSON")]
    [InlineData("t.jsonl", "\"\\ud800\"", "line 1, has a broken Unicode escape")]
    [InlineData("t.txt", "fine\nPK\0\u0001", "line 2, holds binary data")]
    public async Task What_is_no_text_is_refused_with_file_and_line(string name, string content, string why)
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(name, content));
        Assert.Contains($"The training text {name}, {why}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_an_endless_line_and_too_large_a_file_are_refused()
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => TrainingText.ReadAsync(new MemoryStream([0x61, 0x0A, 0xC3, 0x28]), "t.txt", _ => { }, CancellationToken.None));
        Assert.Contains("line 2, is not UTF-8", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<InvalidDataException>(() => TrainingText.ReadAsync(new MemoryStream(new byte[(17 << 20) + 1].Select(_ => (byte)'a').ToArray()), "t.txt", _ => { }, CancellationToken.None));
        Assert.Contains("is longer than 16 MiB", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidDataException>(() => TrainingText.CheckSize("t.txt", TrainingText.LargestFile + 1));
        Assert.Contains("t.txt has 4294967297 bytes", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"trainingText": []}""", "field 'trainingText' must name 1 to 16 files")]
    [InlineData("""{"trainingText": ["../x"]}""", "field 'trainingText' must be plain names")]
    [InlineData("""{"trainingText": ["a", "a"]}""", "field 'trainingText' names a file twice")]
    [InlineData("""{"trainingText": ["evaluation.json"]}""", "field 'trainingText' cannot be evaluation.json")]
    [InlineData("""{"margin": 1}""", "field 'margin' must be at least 0 and below 1")]
    [InlineData("""{"margin": -0.01}""", "field 'margin'")]
    public void A_bad_field_is_refused(string json, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => EvaluationSpec.Parse(Encoding.UTF8.GetBytes(json), "evaluation.json"));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_spec_without_training_text_and_margin_keeps_its_id_and_each_of_them_makes_another()
    {
        var evaluation = new Evaluation
        {
            Graders = "1", Run = "r", Spec = new EvaluationSpec(), Suite = "s", SuiteDigest = "d", Refused = [],
            Trajectory = [new CheckpointVersion("checkpoint-1", 1, [new("config.json", 2, "00")])],
        };
        var json = JsonSerializer.Serialize(evaluation, Json.Compact);
        Assert.DoesNotContain("trainingText", json, StringComparison.Ordinal);
        Assert.DoesNotContain("margin", json, StringComparison.Ordinal);
        // The id that this evaluation had before there were such fields.
        Assert.Equal("308b4edba3c28ed5", evaluation.Id);
        Assert.NotEqual(evaluation.Id, (evaluation with { TrainingText = [new("t.jsonl", 1, "00")] }).Id);
        Assert.NotEqual(
            (evaluation with { TrainingText = [new("t.jsonl", 1, "00")] }).Id, (evaluation with { TrainingText = [new("t.jsonl", 1, "01")] }).Id);
        Assert.NotEqual(evaluation.Id, (evaluation with { Spec = new EvaluationSpec { Margin = 0.02 } }).Id);
    }

    [Fact]
    public async Task Problems_that_occur_in_the_training_text_are_flagged_in_scores_and_report()
    {
        const string run = "contaminated";
        await pipeline.UploadSuiteAsync(
            run,
            $$"""{"id": "seen", "question": "{{Question}}", "answer": "42", "grader": "number"}""",
            """{"id": "new", "question": "How many sides has a figure with seven corners?", "answer": "7", "grader": "number"}""",
            """{"id": "short", "question": "1 + 1 =", "answer": "2", "grader": "number"}""");
        await pipeline.UploadSpecAsync(
            run,
            """{"suite": "contaminated", "samplesPerProblem": 2, "maxTokens": 3, "earlyWeights": [], "chat": false, "margin": 0.125, "trainingText": ["first.txt", "second.jsonl"]}""");
        await pipeline.UploadAsync(run, "checkpoint-1", TestData.PathTo("models", "qwen2-tied", "model"));
        await UploadAsync("first.txt", "nothing\nto be seen");
        await pipeline.AnnounceAsync(run, "checkpoint-1");
        await pipeline.PumpAsync();
        Assert.Equal("the training text contaminated/second.jsonl, which evaluation.json names and nobody uploaded yet", (await pipeline.StatusAsync(run)).Waiting);

        await UploadAsync("second.jsonl", $"{{\"text\": \"unrelated\"}}\n{{\"text\": \"Q: {Question} A: 42\"}}\n");
        await pipeline.AnnounceAsync(run, "checkpoint-1");
        await pipeline.PumpAsync();
        var scores = await pipeline.ScoresAsync(run);
        var flagged = Assert.Single(scores.Contamination!.Flagged);
        Assert.Equal(new FlaggedProblem("seen", OverlapKind.Exact, 1, "second.jsonl", 2), flagged);
        Assert.Equal(2, scores.Contamination.Looked);
        Assert.Equal("checkpoint-1", Assert.Single(scores.Contamination.Checkpoints).Name);
        Assert.Contains("1\u00a0problem of 2 occurs in the training text: 1 letter by letter", await pipeline.ReportAsync(run, ReportFiles.Markdown), StringComparison.Ordinal);
        Assert.Contains("Problems in the training text", await pipeline.ReportAsync(run, ReportFiles.Page), StringComparison.Ordinal);

        // Other text is another evaluation, and its problems are looked for anew; the answers are the same.
        var (before, answers) = ((await pipeline.StatusAsync(run)).Evaluation, await pipeline.StoredAnswersAsync());
        await UploadAsync("second.jsonl", "{\"text\": \"unrelated\"}\n");
        await pipeline.AnnounceAsync(run, "checkpoint-1");
        await pipeline.PumpAsync();
        Assert.NotEqual(before, (await pipeline.StatusAsync(run)).Evaluation);
        Assert.Empty((await pipeline.ScoresAsync(run)).Contamination!.Flagged);
        Assert.Equal(answers, await pipeline.StoredAnswersAsync());

        // What cannot be read is said, and nothing hangs.
        await UploadAsync("second.jsonl", "{\"text\": ");
        Assert.Contains("contaminated/second.jsonl, line 1, is not JSON", (await pipeline.StatusAsync(run)).Error, StringComparison.Ordinal);

        Task UploadAsync(string name, string content) => pipeline.Store.Checkpoints.GetBlobClient($"{run}/{name}").UploadAsync(new BinaryData(content), overwrite: true);
    }

    private static async Task<List<string>> ReadAsync(string name, string content)
    {
        var lines = new List<string>();
        await TrainingText.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(content)), name, lines.Add, CancellationToken.None);
        return lines;
    }

    /// <summary>A stream that gives few bytes at a time, as networks do.</summary>
    private sealed class Trickle(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
