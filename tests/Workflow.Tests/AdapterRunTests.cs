using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Workflow.Tests;

/// <summary>Runs whose checkpoints are LoRA adapters of one base.</summary>
public sealed class AdapterRunTests : IClassFixture<Pipeline>, IDisposable
{
    private static readonly string[] Problems =
    [
        """{"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}""",
        """{"id": "b", "question": "What is 12 + 30?", "answer": "42", "grader": "number"}""",
        """{"id": "c", "question": "Say hello", "answer": "hello", "grader": "exact"}""",
    ];

    private readonly Pipeline pipeline;
    private readonly string folder = Directory.CreateTempSubdirectory("hindsight-adapters-").FullName;

    public AdapterRunTests(Pipeline pipeline)
    {
        this.pipeline = pipeline;
        pipeline.Clock.Reset();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Answers_drawn_side_by_side_are_those_of_merged_weights()
    {
        await DropAsync("side");
        await pipeline.UploadSpecAsync("side", Spec("side").Replace("\"maxTokens\": 12", "\"maxTokens\": 13", StringComparison.Ordinal));
        await UploadAdapterAsync("side", "checkpoint-3", scale: -1.3f);
        await pipeline.AnnounceAsync("side", "checkpoint-3");
        // The last checkpoint again, as trainers leave it.
        await UploadAdapterAsync("side", "final", scale: -1.3f);
        await pipeline.AnnounceAsync("side", "final");
        await pipeline.PumpAsync();

        var (evaluation, suite) = await EvaluationAsync("side");
        foreach (var stage in evaluation.Stages)
        {
            var variants = evaluation.Variants(stage);
            var plan = await new StageBoard(pipeline.Store, "side", evaluation.Id, stage).ReadPlanAsync(CancellationToken.None);
            Assert.Equal(stage == Stage.Trajectory ? [0, 1, 2, 3, 4] : [1], plan!.Together);
            Assert.All(plan.Shards, shard => Assert.Equal(plan.Together, shard.Wanted.Select(wanted => wanted.Variant).Distinct()));
            foreach (var index in plan.Together)
            {
                await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variants[index], EvaluationPlanner.Kinds(evaluation, stage, variants[index]));
            }
        }

        var drawn = (await pipeline.StatusAsync("side")).Stages[0].Answers;
        Assert.Equal(4 * Problems.Length * 3, drawn);
        var report = await pipeline.ReportAsync("side", ReportFiles.Markdown);
        Assert.Contains("in one batch over one base", report, StringComparison.Ordinal);
        Assert.Contains("an answer cannot differ with its neighbours in a batch", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Particles_of_adapters_are_drawn_one_method_at_a_time_and_those_that_nobody_replaces_are_plain_samples_of_merged_weights()
    {
        await DropAsync("grown");
        await pipeline.UploadSpecAsync("grown", Spec("grown").Replace(
            "\"earlyWeights\": [0.4]", """
            "earlyWeights": [], "particles": {"budget": 4, "threshold": 0, "allocations": [{"particles": 4, "iterations": 1, "chains": 1}], "delimiter": " "}
            """, StringComparison.Ordinal));
        await pipeline.PumpAsync();

        var (evaluation, suite) = await EvaluationAsync("grown");
        var variants = evaluation.Variants(Stage.Particles);
        // More plain samples last.
        Assert.Equal(["checkpoint-2", "checkpoint-2", "checkpoint-1", "checkpoint-2"], variants.Select(variant => variant.Late.Name));
        var plan = await new StageBoard(pipeline.Store, "grown", evaluation.Id, Stage.Particles).ReadPlanAsync(CancellationToken.None);
        Assert.Equal([0, 1, 2, 3], plan!.Together);
        Assert.All(plan.Shards, shard => Assert.Single(shard.Wanted.Select(wanted => variants[wanted.Variant].Method).Distinct()));
        foreach (var variant in variants)
        {
            await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variant, EvaluationPlanner.Kinds(evaluation, Stage.Particles, variant));
        }
    }

    [Fact]
    public async Task An_adapter_that_trained_a_whole_module_is_merged_and_the_others_share_a_batch()
    {
        await DropAsync("mixed");
        await UploadAdapterAsync("mixed", "checkpoint-3", change: (name, content) => name switch
        {
            AdapterFile.Config => AdapterFile.WithField(content, "modules_to_save", new System.Text.Json.Nodes.JsonArray("norm")),
            AdapterFile.Tensors => AdapterFile.With(content, "base_model.model.model.norm.weight", [.. Enumerable.Range(0, 64).Select(i => 1 + (i % 5 * 0.1f))]),
            _ => content,
        });
        await pipeline.AnnounceAsync("mixed", "checkpoint-3");
        await pipeline.PumpAsync();

        var (evaluation, suite) = await EvaluationAsync("mixed");
        var plan = await new StageBoard(pipeline.Store, "mixed", evaluation.Id, Stage.Trajectory).ReadPlanAsync(CancellationToken.None);
        Assert.Equal([0, 1, 2], plan!.Together);
        Assert.Contains(plan.Shards, shard => shard.Wanted.All(wanted => wanted.Variant == 3));
        foreach (var variant in evaluation.Variants(Stage.Trajectory).Concat(evaluation.Variants(Stage.Interpolation).Skip(1).Take(1)))
        {
            await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variant, [(AnswerKind.Sampled, 2)]);
        }
    }

    [Fact]
    public async Task Adapters_without_their_base_are_refused_until_it_is_there()
    {
        await pipeline.UploadSuiteAsync("bare", Problems);
        await pipeline.UploadSpecAsync("bare", Spec("bare"));
        await UploadAdapterAsync("bare", "checkpoint-1");
        await pipeline.AnnounceAsync("bare", "checkpoint-1");
        await pipeline.PumpAsync();
        Assert.Contains("checkpoint-1: it holds a LoRA adapter, which needs the model", (await pipeline.StatusAsync("bare")).Error, StringComparison.Ordinal);

        await pipeline.UploadAsync("bare", "base", Model);
        await pipeline.AnnounceAsync("bare", "base");
        await pipeline.PumpAsync();
        await pipeline.Get<Watchdog>().LookAsync(CancellationToken.None);
        await pipeline.PumpAsync();

        Assert.NotNull((await pipeline.ScoresAsync("bare")).Base);
    }

    [Fact]
    public async Task An_adapter_without_effect_is_named_and_the_others_of_its_batch_are_drawn()
    {
        await DropAsync("idle");
        await pipeline.UploadSpecAsync("idle", Spec("idle").Replace("\"maxTokens\": 12", "\"maxTokens\": 8", StringComparison.Ordinal));
        await UploadAdapterAsync("idle", "checkpoint-3", scale: 1e-20f);
        await pipeline.AnnounceAsync("idle", "checkpoint-3");
        await pipeline.PumpAsync();

        var (evaluation, suite) = await EvaluationAsync("idle");
        var plan = await new StageBoard(pipeline.Store, "idle", evaluation.Id, Stage.Trajectory).ReadPlanAsync(CancellationToken.None);
        Assert.Equal([0, 1, 2, 3], plan!.Together);
        foreach (var variant in evaluation.Variants(Stage.Trajectory).Take(3))
        {
            await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variant, EvaluationPlanner.Kinds(evaluation, Stage.Trajectory, variant));
        }

        Assert.Equal(["checkpoint-1", "checkpoint-2"], (await pipeline.ScoresAsync("idle")).Trajectory.Select(checkpoint => checkpoint.Name));
        Assert.Contains("idle/checkpoint-3 does not change the model's logits", await pipeline.ReportAsync("idle", ReportFiles.Markdown), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dora", "use_dora")]
    [InlineData("nan", "not a finite number")]
    [InlineData("other", "demand")]
    public async Task A_broken_adapter_is_refused_by_name_and_the_rest_is_evaluated(string kind, string why)
    {
        var run = $"broken-{kind}";
        await DropAsync(run);
        await UploadAdapterAsync(run, "checkpoint-9", change: (name, content) => (kind, name) switch
        {
            ("dora", AdapterFile.Config) => AdapterFile.WithField(content, "use_dora", true),
            ("other", AdapterFile.Config) => AdapterFile.WithField(content, "r", 8),
            ("nan", AdapterFile.Tensors) => [.. content[..^4], .. BitConverter.GetBytes(float.NaN)],
            _ => content,
        });
        await pipeline.AnnounceAsync(run, "checkpoint-9");
        await pipeline.PumpAsync();

        var refused = Assert.Single((await pipeline.StatusAsync(run)).Refused);
        Assert.Equal("checkpoint-9", refused.Name);
        Assert.Contains($"{run}/checkpoint-9/adapter_", refused.Reason, StringComparison.Ordinal);
        Assert.Contains(why, refused.Reason, StringComparison.Ordinal);
        Assert.Equal(["checkpoint-1", "checkpoint-2"], (await pipeline.ScoresAsync(run)).Trajectory.Select(checkpoint => checkpoint.Name));
    }

    [Fact]
    public void The_same_adapter_over_another_base_is_another_set_of_weights()
    {
        var adapter = new CheckpointVersion("checkpoint-1", 1, Files(Adapter));
        var one = adapter with { Base = new CheckpointVersion("base", null, Files(Model)) };
        var other = adapter with { Base = new CheckpointVersion("base", null, Files(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"))) };

        Assert.True(one.IsAdapter);
        Assert.Equal(3, new[] { one.WeightsDigest, other.WeightsDigest, one.Base!.WeightsDigest }.Distinct().Count());
    }

    [Fact]
    public async Task A_precision_that_the_worker_has_not_is_named_in_the_report_and_int8_is_drawn_beside_float32()
    {
        await DropAsync("precision");
        await pipeline.PumpAsync();
        var (float32, _) = await EvaluationAsync("precision");

        await pipeline.UploadSpecAsync("precision", Spec("precision", "int8"));
        await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("precision"), CancellationToken.None);
        await pipeline.PumpAsync();
        var (int8, _) = await EvaluationAsync("precision");
        Assert.NotEqual(float32.Id, int8.Id);
        Assert.Empty((await pipeline.ScoresAsync("precision")).IncompleteProblems);
        Assert.Contains("int8", await pipeline.ReportAsync("precision", ReportFiles.Markdown), StringComparison.Ordinal);
        var text = await pipeline.Get<CheckpointCache>().ReadTextAsync("precision", int8.Base!, CancellationToken.None);
        var bare = new Variant(int8.Base!);
        Assert.NotEqual(text.Source(bare, float32, AnswerKind.Greedy).Decoding, text.Source(bare, int8, AnswerKind.Greedy).Decoding);

        await pipeline.UploadSpecAsync("precision", Spec("precision", "float16"));
        await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("precision"), CancellationToken.None);
        await pipeline.PumpAsync();
        Assert.Contains("needs a GPU", await pipeline.ReportAsync("precision", ReportFiles.Markdown), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("float32")]
    [InlineData("int8")]
    public async Task A_worker_with_a_gpu_says_what_it_cannot_compute_in(string precision)
    {
        var run = $"gpu-{precision}";
        var options = pipeline.Get<WorkflowOptions>();
        // Made while it computes on the CPU: a GPU is not asked for what it could not compute.
        pipeline.Get<ShardWorker>();
        await DropAsync(run);
        await pipeline.UploadSpecAsync(run, Spec(run, precision).Replace("\"maxTokens\": 12", "\"maxTokens\": 9", StringComparison.Ordinal));
        options.Device = Device.Cuda;
        try
        {
            await pipeline.PumpAsync();
        }
        finally
        {
            options.Device = Device.Cpu;
        }

        Assert.Contains($"The precision {precision} is for the CPU; on a GPU take float16 or bfloat16.", await pipeline.ReportAsync(run, ReportFiles.Markdown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adapters_that_do_not_fit_at_once_are_drawn_in_turns()
    {
        await DropAsync("turns");
        await pipeline.UploadSpecAsync("turns", Spec("turns").Replace("\"maxTokens\": 12", "\"maxTokens\": 10", StringComparison.Ordinal));
        await pipeline.PumpAsync(_ => throw new WorkerDiedException());
        var (evaluation, suite) = await EvaluationAsync("turns");
        var cache = pipeline.Get<CheckpointCache>();
        var text = await cache.ReadTextAsync("turns", evaluation.Base!, CancellationToken.None);
        var length = suite.Problems.Max(problem => text.Write(problem, evaluation.Spec).Prompt!.Ids.Count) + 10;
        var room = new EngineOptions { MaxLength = length, Threads = 1 };
        var adapters = evaluation.Variants(Stage.Trajectory).Skip(1).ToList();
        using (var opened = await OpenedUpdate.OpenAsync(cache, "turns", adapters[0], CancellationToken.None))
        {
            var config = await cache.ReadConfigAsync("turns", evaluation.Base!, CancellationToken.None);
            var plan = EngineMemory.Plan(config, Precision.Float32, room, AdapterStack.BytesFor(config, [opened.Update]));
            room = room with { Memory = plan.Total - (plan.Row * (plan.Rows - 2)) };
        }

        using (var checkpoints = new OpenCheckpoints())
        using (var model = await LoadedModel.LoadAsync(new ModelParts("turns", Precision.Float32, new Variant(evaluation.Base!), adapters), room, cache, checkpoints, CancellationToken.None))
        {
            Assert.Equal([true, false], adapters.Select(model.Holds));
        }

        var options = pipeline.Get<WorkflowOptions>();
        options.Memory = room.Memory;
        try
        {
            await pipeline.Get<MessageBus>().SendAsync(new PlanMessage("turns", Retry: true), CancellationToken.None);
            Assert.Null(await pipeline.Get<ShardWorker>().DrawAsync(new GenerateMessage("turns", evaluation.Id, Stage.Trajectory, 0), CancellationToken.None));
        }
        finally
        {
            options.Memory = 0;
        }

        await pipeline.PumpAsync();
        foreach (var variant in evaluation.Variants(Stage.Trajectory))
        {
            await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variant, EvaluationPlanner.Kinds(evaluation, Stage.Trajectory, variant));
        }
    }

    [Fact]
    public async Task Shards_that_come_at_once_or_twice_are_drawn_once_each_from_their_own_weights()
    {
        await pipeline.UploadSuiteAsync("at-once", Problems);
        // Greedy answers have no seed: another length keeps them apart from the other tests'.
        await pipeline.UploadSpecAsync("at-once", Spec("at-once").Replace("\"maxTokens\": 12", "\"maxTokens\": 11", StringComparison.Ordinal));
        await pipeline.UploadAsync("at-once", "checkpoint-1", Model);
        await pipeline.UploadAsync("at-once", "checkpoint-2", TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        await pipeline.AnnounceAsync("at-once", "checkpoint-1");
        await pipeline.AnnounceAsync("at-once", "checkpoint-2");
        var before = await pipeline.StoredAnswersAsync();
        await pipeline.Get<EvaluationPlanner>().PlanAsync(new PlanMessage("at-once"), CancellationToken.None);
        var (evaluation, suite) = await EvaluationAsync("at-once");
        var plan = await new StageBoard(pipeline.Store, "at-once", evaluation.Id, Stage.Trajectory).ReadPlanAsync(CancellationToken.None);
        Assert.Equal(2, plan!.Shards.Count);

        var worker = pipeline.Get<ShardWorker>();
        var messages = Enumerable.Range(0, 6).Select(index => new GenerateMessage("at-once", evaluation.Id, Stage.Trajectory, index % 2));
        Assert.All(await Task.WhenAll(messages.Select(message => Task.Run(() => worker.DrawAsync(message, CancellationToken.None)))), Assert.Null);
        Assert.Equal(2 * Problems.Length * 3, await pipeline.StoredAnswersAsync() - before);
        await pipeline.PumpAsync();

        foreach (var variant in evaluation.Variants(Stage.Trajectory))
        {
            await AssertAnswersAreOfMergedWeightsAsync(evaluation, suite, variant, EvaluationPlanner.Kinds(evaluation, Stage.Trajectory, variant));
        }
    }

    private static string Model => TestData.PathTo("models", "qwen2-tied", "model");

    private static string Adapter => TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter");

    private static string Spec(string run, string precision = "float32") =>
        $$"""{"suite": "{{run}}", "samplesPerProblem": 2, "seed": {{Digest.Seed(run)}}, "maxTokens": 12, "temperature": 1, "topP": 1, "earlyWeights": [0.4], "chat": false, "precision": "{{precision}}"}""";

    private static List<CheckpointFile> Files(string folder) =>
        [.. Directory.GetFiles(folder).Select(file => new CheckpointFile(Path.GetFileName(file), new FileInfo(file).Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))))];

    private async Task DropAsync(string run)
    {
        await pipeline.UploadSuiteAsync(run, Problems);
        await pipeline.UploadSpecAsync(run, Spec(run));
        await pipeline.UploadAsync(run, "base", Model);
        await UploadAdapterAsync(run, "checkpoint-1");
        await UploadAdapterAsync(run, "checkpoint-2", scale: 1.5f);
        foreach (var checkpoint in (string[])["base", "checkpoint-1", "checkpoint-2"])
        {
            await pipeline.AnnounceAsync(run, checkpoint);
        }
    }

    private Task UploadAdapterAsync(string run, string checkpoint, float scale = 1, Func<string, byte[], byte[]>? change = null) =>
        pipeline.UploadAsync(run, checkpoint, Adapter, change: (name, content) =>
            change?.Invoke(name, content) ?? (name == AdapterFile.Tensors ? AdapterFile.Scaled(content, scale) : content));

    private async Task<(Evaluation Evaluation, Suite Suite)> EvaluationAsync(string run) =>
        (await pipeline.Get<EvaluationPlanner>().ReadAsync(run, (await pipeline.StatusAsync(run)).Evaluation!, CancellationToken.None))!.Value;

    /// <summary>Draws a variant's answers from weights merged by the command's own code, and compares them with the stored ones, id for id.</summary>
    private async Task AssertAnswersAreOfMergedWeightsAsync(
        Evaluation evaluation, Suite suite, Variant variant, IEnumerable<(AnswerKind Kind, int Count)> kinds)
    {
        var cache = pipeline.Get<CheckpointCache>();
        var text = await cache.ReadTextAsync(evaluation.Run, variant.Late, CancellationToken.None);
        using var checkpoint = Checkpoint.Open(await MergedAsync(cache, evaluation.Run, variant));
        using var weights = Weights.Load(checkpoint);
        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = 64, MostRows = 8, Threads = 1 });
        var prompts = suite.Problems.Select(problem => text.Write(problem, evaluation.Spec).Prompt!).ToList();
        foreach (var (kind, count) in kinds)
        {
            var stored = await pipeline.Get<AnswerStore>().ReadAsync(
                text.Source(variant, evaluation, kind), prompts.Select(prompt => prompt.Digest).ToHashSet(), CancellationToken.None);
            var requests = prompts.Select(prompt => new GenerationRequest(prompt.Ids, [.. Enumerable.Range(0, count)], CheckpointText.Decoding(variant, evaluation.Spec, kind), prompt));
            var drawn = engine.Generate(requests, ids => text.Tokenizer.Decode(ids, skipSpecialTokens: true), text.EosIds).ToList();
            Assert.Equal(prompts.Count * count, drawn.Count);
            foreach (var completion in drawn)
            {
                var answer = stored[(((Prompt)completion.Request.Tag!).Digest, completion.Sample)];
                Assert.Equal(completion.Ids, answer.Ids);
                Assert.Equal(completion.Text, answer.Text);
                Assert.Equal(engine.ComputedOn, answer.Device);
                Assert.Equal(completion.LogProbability, answer.LogProbability, 1e-2);
            }
        }
    }

    private async Task<string> MergedAsync(CheckpointCache cache, string run, Variant variant)
    {
        if (variant.Late.Base is null)
        {
            return await cache.FetchAsync(run, variant.Late, weights: true, CancellationToken.None);
        }

        var target = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        var late = await cache.FetchAsync(run, variant.Late, weights: true, CancellationToken.None);
        var model = await cache.FetchAsync(run, variant.Late.Base, weights: true, CancellationToken.None);
        if (variant.Early is null)
        {
            Merge.WriteAdapted(model, late, target);
        }
        else
        {
            Merge.WriteAdapted(model, await cache.FetchAsync(run, variant.Early, weights: true, CancellationToken.None), late, variant.EarlyWeight, target);
        }

        return target;
    }
}
