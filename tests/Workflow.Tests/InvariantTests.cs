using System.Text;
using Azure.Storage.Blobs.Models;

namespace Hindsight.Workflow.Tests;

/// <summary>What must always hold, on real queues, blobs and weights.</summary>
public sealed class InvariantTests : IClassFixture<Pipeline>
{
    private readonly Pipeline pipeline;

    public InvariantTests(Pipeline pipeline)
    {
        this.pipeline = pipeline;
        pipeline.Clock.Reset();
    }

    /// <summary>Each run has a seed of its own: runs of the same weights would find each other's answers.</summary>
    private static string Spec(string run, int samples = 3, string earlyWeights = "[0.5]") =>
        $$"""{"suite": "{{run}}", "samplesPerProblem": {{samples}}, "seed": {{Digest.Seed(run)}}, "maxTokens": 6, "temperature": 1, "topP": 1, "earlyWeights": {{earlyWeights}}, "chat": false}""";

    private static string Early => TestData.PathTo("models", "qwen2-tied", "model");

    private static string Late => TestData.PathTo("models", "wise-ft-qwen2", "finetuned");

    [Fact]
    public async Task Dropped_checkpoints_become_a_report()
    {
        await DropAsync("whole");

        await pipeline.PumpAsync();

        var scores = await pipeline.ScoresAsync("whole");
        Assert.Equal(["checkpoint-1", "checkpoint-2"], scores.Trajectory.Select(checkpoint => checkpoint.Name));
        Assert.Equal([0, 0.5, 1], scores.EarlyWeights!.Points.Select(point => point.EarlyWeight));
        Assert.All(scores.Trajectory, checkpoint => Assert.Equal(0, checkpoint.Health.Missing));
        Assert.Equal(4 * 4, scores.Trajectory[0].Health.Correct + scores.Trajectory[0].Health.Wrong + scores.Trajectory[0].Health.NoAnswer + scores.Trajectory[0].Health.Truncated);
        Assert.Contains("<html", await pipeline.ReportAsync("whole", ReportFiles.Page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upload_that_stops_half_way_starts_nothing_and_is_named_by_status()
    {
        await pipeline.UploadSuiteAsync("half", Problems);
        await pipeline.UploadAsync("half", "checkpoint-1", Early, whole: false, only: "config.json");
        await pipeline.AnnounceAsync("half", "checkpoint-1");
        await pipeline.PumpAsync();

        var status = await pipeline.StatusAsync("half");

        Assert.Null(status.Evaluation);
        Assert.Contains("model.safetensors", Assert.Single(status.Incomplete).Reason, StringComparison.Ordinal);
        Assert.Equal("a complete checkpoint", status.Waiting);
    }

    [Fact]
    public async Task A_folder_without_a_list_of_files_is_taken_in_once_it_has_settled()
    {
        await pipeline.UploadSuiteAsync("settle", Problems);
        await pipeline.UploadSpecAsync("settle", Spec("settle"));
        await pipeline.UploadAsync("settle", "checkpoint-1", Early, whole: false);
        await pipeline.AnnounceAsync("settle", "checkpoint-1");
        Assert.Equal("its files to settle", Assert.Single((await pipeline.StatusAsync("settle")).Incomplete).Reason);

        pipeline.Clock.Advance(TimeSpan.FromMinutes(11));
        await pipeline.AnnounceAsync("settle", "checkpoint-1");
        await pipeline.PumpAsync();

        Assert.Single((await pipeline.ScoresAsync("settle")).Trajectory);
    }

    [Fact]
    public async Task A_list_of_files_that_is_older_than_the_files_does_not_count()
    {
        await pipeline.UploadAsync("stale", "checkpoint-1", Early);
        await pipeline.UploadAsync("stale", "checkpoint-1", Late, whole: false, only: "model.safetensors");
        await pipeline.AnnounceAsync("stale", "checkpoint-1");

        var incomplete = Assert.Single((await pipeline.StatusAsync("stale")).Incomplete);

        Assert.Equal("checkpoint-1", incomplete.Name);
        Assert.Null((await pipeline.StatusAsync("stale")).Evaluation);
    }

    [Fact]
    public async Task A_folder_that_changes_is_a_new_checkpoint()
    {
        await DropAsync("changed");
        await pipeline.PumpAsync();
        var before = await pipeline.StatusAsync("changed");

        await pipeline.UploadAsync("changed", "checkpoint-2", Early);
        Assert.Contains((await pipeline.StatusAsync("changed")).Incomplete, folder => folder.Name == "checkpoint-2");
        await pipeline.AnnounceAsync("changed", "checkpoint-2");
        await pipeline.PumpAsync();

        var after = await pipeline.StatusAsync("changed");
        Assert.NotEqual(before.Evaluation, after.Evaluation);
        var scores = await pipeline.ScoresAsync("changed");
        Assert.Equal(scores.Trajectory[0].PassAt1, scores.Trajectory[1].PassAt1);
    }

    [Fact]
    public async Task A_checkpoint_that_arrives_late_with_a_lower_step_is_taken_in()
    {
        await pipeline.UploadSuiteAsync("late", Problems);
        await pipeline.UploadSpecAsync("late", Spec("late"));
        await pipeline.UploadAsync("late", "checkpoint-20", Late);
        await pipeline.AnnounceAsync("late", "checkpoint-20");
        await pipeline.PumpAsync();

        await pipeline.UploadAsync("late", "checkpoint-3", Early);
        await pipeline.AnnounceAsync("late", "checkpoint-3");
        await pipeline.PumpAsync();

        Assert.Equal(["checkpoint-3", "checkpoint-20"], (await pipeline.ScoresAsync("late")).Trajectory.Select(checkpoint => checkpoint.Name));
    }

    [Fact]
    public async Task The_same_event_twice_does_nothing_twice()
    {
        await DropAsync("twice");
        await pipeline.PumpAsync();
        var (answers, reports) = await ContentsAsync("twice");

        await pipeline.AnnounceAsync("twice", "checkpoint-1");
        await pipeline.AnnounceAsync("twice", "checkpoint-1");
        await pipeline.Get<MessageBus>().SendAsync(
            [new GenerateMessage("twice", (await pipeline.StatusAsync("twice")).Evaluation!, Stage.Trajectory, 0)], CancellationToken.None);
        await pipeline.PumpAsync();

        Assert.Equal((answers, reports), await ContentsAsync("twice"));
    }

    [Fact]
    public async Task More_samples_draw_only_the_difference()
    {
        await DropAsync("more");
        await pipeline.PumpAsync();
        var before = (await ContentsAsync("more")).Answers;

        await pipeline.UploadSpecAsync("more", Spec("more", samples: 5));
        await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("more"), CancellationToken.None);
        await pipeline.PumpAsync();

        var status = await pipeline.StatusAsync("more");
        Assert.Equal(4 * 2 * 2, status.Stages[0].Answers);
        Assert.Equal(4 * 2, status.Stages[1].Answers);
        var kept = (await ContentsAsync("more")).Answers;
        Assert.Subset(kept.Split('\n').ToHashSet(), before.Split('\n').ToHashSet());
    }

    [Fact]
    public async Task A_shard_whose_worker_dies_is_drawn_again_and_the_report_is_the_same()
    {
        await DropAsync("dies");
        var deaths = 0;
        await pipeline.PumpAsync(_ => deaths++ < 3 ? throw new WorkerDiedException() : Task.CompletedTask);
        var disturbed = (await pipeline.ReportAsync("dies", ReportFiles.Scores), WithoutMeasured(await pipeline.ReportAsync("dies", ReportFiles.Page)));

        await ForgetAsync("dies");
        await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("dies"), CancellationToken.None);
        await pipeline.PumpAsync();

        Assert.True(deaths > 3);
        Assert.Equal(disturbed, (await pipeline.ReportAsync("dies", ReportFiles.Scores), WithoutMeasured(await pipeline.ReportAsync("dies", ReportFiles.Page))));
    }

    [Fact]
    public async Task A_shard_that_always_fails_ends_in_the_dead_letter_queue_and_the_report_says_what_is_missing()
    {
        await DropAsync("fails", announce: false);
        await pipeline.UploadSpecAsync("fails", Spec("fails", earlyWeights: "[]"));
        await pipeline.AnnounceAsync("fails", "checkpoint-1");
        await pipeline.AnnounceAsync("fails", "checkpoint-2");
        Task Die(GenerateMessage shard) => shard is { Run: "fails", Shard: 0, Stage: Stage.Trajectory } ? throw new WorkerDiedException() : Task.CompletedTask;
        await pipeline.PumpAsync(Die);
        Assert.Null((await pipeline.StatusAsync("fails")).Report);
        Assert.True(await pipeline.IsDeadAsync(MessageBus.Generate));

        for (var offer = 0; offer < 3; offer++)
        {
            pipeline.Clock.Advance(TimeSpan.FromMinutes(6));
            await pipeline.Get<Watchdog>().LookAsync(CancellationToken.None);
            await pipeline.PumpAsync(Die);
        }

        Assert.Equal(1, (await pipeline.StatusAsync("fails")).Stages[0].Failed);
        Assert.Contains("every worker that took this shard stopped", await pipeline.ReportAsync("fails", ReportFiles.Markdown), StringComparison.Ordinal);

        // A person who asks again, once workers live, gets the whole report.
        await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("fails", Retry: true), CancellationToken.None);
        await pipeline.PumpAsync();
        Assert.Equal(0, (await pipeline.StatusAsync("fails")).Stages[0].Failed);
        Assert.Empty((await pipeline.ScoresAsync("fails")).IncompleteProblems);
    }

    [Fact]
    public async Task A_stage_whose_planner_died_before_sending_is_sent_again()
    {
        await DropAsync("unsent");
        await pipeline.PumpAsync();
        var evaluation = (await pipeline.StatusAsync("unsent")).Evaluation!;
        foreach (var blob in await BlobStore.ListAsync(pipeline.Store.Evaluations, $"runs/unsent/{evaluation}/interpolation/", CancellationToken.None))
        {
            if (!blob.Name.EndsWith("plan.json", StringComparison.Ordinal))
            {
                await pipeline.Store.Evaluations.DeleteBlobAsync(blob.Name);
            }
        }

        await pipeline.Store.Reports.DeleteBlobAsync($"unsent/{evaluation}/{ReportFiles.Scores}");
        await pipeline.Get<Watchdog>().LookAsync(CancellationToken.None);
        await pipeline.PumpAsync();

        Assert.NotNull((await pipeline.StatusAsync("unsent")).Report);
    }

    [Fact]
    public async Task A_problem_that_no_prompt_can_hold_costs_only_itself()
    {
        await DropAsync("long", announce: false);
        await pipeline.UploadSuiteAsync("long", [.. Problems, $$"""{"id": "too-long", "question": "{{string.Concat(Enumerable.Repeat("x y ", 2000))}}", "answer": "1"}"""]);
        await pipeline.AnnounceAsync("long", "checkpoint-1");
        await pipeline.AnnounceAsync("long", "checkpoint-2");
        await pipeline.PumpAsync();

        Assert.Equal(["too-long"], (await pipeline.ScoresAsync("long")).IncompleteProblems);
        Assert.Contains("the model has room for 512", await pipeline.ReportAsync("long", ReportFiles.Markdown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_without_a_step_follows_those_with_one()
    {
        await DropAsync("order", announce: false);
        await pipeline.UploadAsync("order", "final", Early);
        await pipeline.UploadAsync("order", "checkpoint-10", Early);
        foreach (var checkpoint in (string[])["final", "checkpoint-10", "checkpoint-2", "checkpoint-1"])
        {
            await pipeline.AnnounceAsync("order", checkpoint);
        }

        Assert.Equal(["checkpoint-1", "checkpoint-2", "checkpoint-10", "final"], (await pipeline.StatusAsync("order")).Checkpoints);
    }

    [Theory]
    [InlineData("upload.json", "{}")]
    [InlineData("upload.json", "{\"files\": [null]}")]
    [InlineData("upload.json", "{\"files\": 3}")]
    public async Task A_list_of_files_that_is_none_is_as_if_it_were_not_there(string file, string json)
    {
        var run = $"list-{Digest.Of(json)[..6]}";
        await pipeline.UploadAsync(run, "checkpoint-1", Early, whole: false);
        await pipeline.Store.Checkpoints.GetBlobClient($"{run}/checkpoint-1/{file}").UploadAsync(new BinaryData(json));

        Assert.Equal("its files to settle", Assert.Single((await pipeline.StatusAsync(run)).Incomplete).Reason);
    }

    [Fact]
    public async Task A_list_of_files_may_name_files_that_are_not_read()
    {
        var folder = Directory.CreateTempSubdirectory("hindsight-").FullName;
        foreach (var file in Directory.GetFiles(Early))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        File.WriteAllText(Path.Combine(folder, "trainer_state.json"), "{}");
        await pipeline.UploadAsync("listed", "checkpoint-1", folder);
        Directory.Delete(folder, recursive: true);
        await pipeline.AnnounceAsync("listed", "checkpoint-1");

        Assert.Equal(["checkpoint-1"], (await pipeline.StatusAsync("listed")).Checkpoints);
    }

    [Fact]
    public async Task A_lost_message_is_sent_again()
    {
        await DropAsync("lost");
        await pipeline.PumpAsync(shard => shard.Run == "lost" ? throw new InvalidOperationException("stop here") : Task.CompletedTask).ContinueWith(_ => { }, TaskScheduler.Default);
        await DrainAsync(MessageBus.Generate);
        await pipeline.PumpAsync();
        Assert.Null((await pipeline.StatusAsync("lost")).Report);

        pipeline.Clock.Advance(TimeSpan.FromMinutes(6));
        await pipeline.Get<Watchdog>().LookAsync(CancellationToken.None);
        await pipeline.PumpAsync();

        Assert.NotNull((await pipeline.StatusAsync("lost")).Report);
    }

    [Fact]
    public async Task A_checkpoint_with_a_weight_that_is_no_number_leaves_the_rest_unharmed()
    {
        await pipeline.UploadSuiteAsync("nan", Problems);
        await pipeline.UploadSpecAsync("nan", Spec("nan"));
        await pipeline.UploadAsync("nan", "checkpoint-1", Early);
        await pipeline.UploadAsync("nan", "checkpoint-2", Late);
        await pipeline.UploadAsync("nan", "checkpoint-9", Late, change: (name, content) =>
        {
            if (name == "model.safetensors")
            {
                BitConverter.TryWriteBytes(content.AsSpan(content.Length - 4), float.NaN);
            }

            return content;
        });
        foreach (var checkpoint in (string[])["checkpoint-1", "checkpoint-2", "checkpoint-9"])
        {
            await pipeline.AnnounceAsync("nan", checkpoint);
        }

        await pipeline.PumpAsync();

        Assert.Equal(["checkpoint-1", "checkpoint-2"], (await pipeline.ScoresAsync("nan")).Trajectory.Select(checkpoint => checkpoint.Name));
        var report = await pipeline.ReportAsync("nan", ReportFiles.Markdown);
        Assert.Contains("not a finite number", report, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("truncated", "model.safetensors", "cut off")]
    [InlineData("architecture", "config.json", "architecture")]
    [InlineData("sizes", "config.json", "hidden_size")]
    public async Task A_broken_checkpoint_is_refused_by_name_and_the_rest_is_evaluated(string kind, string file, string why)
    {
        var run = $"broken-{kind}";
        await DropAsync(run, announce: false);
        await pipeline.UploadAsync(run, "checkpoint-5", Early, change: (name, content) => name != file ? content : kind switch
        {
            "truncated" => content[..(content.Length / 2)],
            "architecture" => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content).Replace("Qwen2ForCausalLM", "MambaForCausalLM", StringComparison.Ordinal).Replace("\"qwen2\"", "\"mamba\"", StringComparison.Ordinal)),
            _ => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content).Replace("\"hidden_size\": 64", "\"hidden_size\": -64", StringComparison.Ordinal)),
        });
        foreach (var checkpoint in (string[])["checkpoint-1", "checkpoint-2", "checkpoint-5"])
        {
            await pipeline.AnnounceAsync(run, checkpoint);
        }

        await pipeline.PumpAsync();

        var refused = Assert.Single((await pipeline.StatusAsync(run)).Refused);
        Assert.Equal("checkpoint-5", refused.Name);
        Assert.Contains(file, refused.Reason, StringComparison.Ordinal);
        Assert.Contains(why, refused.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(2, (await pipeline.ScoresAsync(run)).Trajectory.Count);
        Assert.Contains("checkpoint-5", await pipeline.ReportAsync(run, ReportFiles.Markdown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_of_equal_prompts_differ_between_checkpoints()
    {
        await DropAsync("independent");
        await pipeline.PumpAsync();

        var seeds = (await pipeline.ReportAsync("independent", ReportFiles.Answers)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement)
            .Where(answer => answer.GetProperty("kind").GetString() == "sampled")
            .Select(answer => (answer.GetProperty("weights").GetString(), answer.GetProperty("seed").GetUInt64()))
            .Distinct().ToList();

        Assert.Equal(3, seeds.Count);
        Assert.Equal(3, seeds.Select(seed => seed.Item2).Distinct().Count());
    }

    private static string[] Problems =>
    [
        """{"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}""",
        """{"id": "b", "question": "What is 12 + 30?", "answer": "42", "grader": "number"}""",
        """{"id": "c", "question": "Say hello", "answer": "hello", "grader": "exact"}""",
        """{"id": "d", "question": "A or B?", "answer": "A", "grader": "choice"}""",
    ];

    private async Task DropAsync(string run, bool announce = true)
    {
        await pipeline.UploadSuiteAsync(run, Problems);
        await pipeline.UploadSpecAsync(run, Spec(run));
        await pipeline.UploadAsync(run, "checkpoint-1", Early);
        await pipeline.UploadAsync(run, "checkpoint-2", Late);
        foreach (var checkpoint in announce ? (string[])["checkpoint-1", "checkpoint-2"] : [])
        {
            await pipeline.AnnounceAsync(run, checkpoint);
        }
    }

    /// <summary>All stored answers (shared by every run of these tests), and the run's reports.</summary>
    private async Task<(string Answers, string Reports)> ContentsAsync(string run)
    {
        var answers = await BlobStore.ListAsync(pipeline.Store.Answers, "", CancellationToken.None);
        var reports = await BlobStore.ListAsync(pipeline.Store.Reports, $"{run}/", CancellationToken.None);
        return (Text(answers), Text(reports));

        static string Text(IEnumerable<BlobItem> blobs) =>
            string.Join('\n', blobs.Select(blob => $"{blob.Name} {blob.Properties.ETag}"));
    }

    /// <summary>Deletes all answers, and what was planned and reported of a run.</summary>
    private async Task ForgetAsync(string run)
    {
        foreach (var (container, prefix) in new[] { (pipeline.Store.Answers, ""), (pipeline.Store.Evaluations, $"runs/{run}/"), (pipeline.Store.Reports, $"{run}/") })
        {
            foreach (var blob in await BlobStore.ListAsync(container, prefix, CancellationToken.None))
            {
                await container.DeleteBlobAsync(blob.Name);
            }
        }
    }

    private async Task DrainAsync(string queue)
    {
        await using var client = new Azure.Messaging.ServiceBus.ServiceBusClient(pipeline.Connection);
        await using var receiver = client.CreateReceiver(queue);
        for (var misses = 0; misses < 3;)
        {
            if (await receiver.ReceiveMessageAsync(TimeSpan.FromMilliseconds(200)) is { } message)
            {
                await receiver.CompleteMessageAsync(message);
            }
            else
            {
                misses++;
            }
        }
    }

    private static string WithoutMeasured(string page)
    {
        var start = page.IndexOf("<!-- measured -->", StringComparison.Ordinal);
        var end = page.IndexOf("<!-- /measured -->", StringComparison.Ordinal);
        Assert.True(start >= 0 && end > start);
        return page[..start] + page[end..];
    }
}
