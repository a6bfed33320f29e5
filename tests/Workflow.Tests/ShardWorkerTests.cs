using System.Text;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Workflow.Tests;

/// <summary>How often a worker reads weights, and when.</summary>
public sealed class ShardWorkerTests : IClassFixture<Pipeline>
{
    private const string ReadAhead = "are read ahead";
    private const string NoRoom = "There is no room to read";

    private static readonly string[] Problems =
    [
        """{"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}""",
        """{"id": "b", "question": "Say hello", "answer": "hello", "grader": "exact"}""",
    ];

    private readonly Pipeline pipeline;

    public ShardWorkerTests(Pipeline pipeline) => this.pipeline = pipeline;

    [Fact]
    public async Task A_sweep_of_weights_opens_each_parent_once()
    {
        await DropAsync("sweeps", "[0.25, 0.5, 0.75]");
        var before = pipeline.Get<ShardWorker>().CheckpointsOpened;
        await pipeline.PumpAsync();

        Assert.Equal([0, 0.25, 0.5, 0.75, 1], (await pipeline.ScoresAsync("sweeps")).EarlyWeights!.Points.Select(point => point.EarlyWeight));
        Assert.Equal(2, pipeline.Get<ShardWorker>().CheckpointsOpened - before);
        var plan = await BoardAsync("sweeps", Stage.Interpolation);
        Assert.Equal([1, 2, 3], (await plan.ReadPlanAsync(CancellationToken.None))!.Shards.SelectMany(shard => shard.Wanted).Select(wanted => wanted.Variant).Order().Distinct());
        var order = (await plan.ReadPlanAsync(CancellationToken.None))!.Shards.Select(shard => shard.Wanted[0].Variant).ToList();
        Assert.Equal(order.Order(), order);
    }

    [Fact]
    public void The_two_checkpoints_that_were_read_last_stay_open()
    {
        string[] folders = [TestData.PathTo("models", "qwen2-tied", "model"), TestData.PathTo("models", "wise-ft-qwen2", "finetuned"), TestData.PathTo("models", "llama-gqa", "model")];
        using var open = new OpenCheckpoints();
        int Opened(params int[] wanted)
        {
            var read = open.Read([.. wanted.Select(index => folders[index])], checkpoints => string.Join(' ', checkpoints.Select(checkpoint => checkpoint.Folder)));
            Assert.Equal(string.Join(' ', wanted.Select(index => folders[index])), read);
            return open.Opened;
        }

        Assert.Equal([1, 2, 2, 2, 3, 3, 4, 5], [Opened(0), Opened(0, 1), Opened(1, 0), Opened(0), Opened(2), Opened(2, 0), Opened(1, 2), Opened(0)]);
        Assert.Throws<InvalidDataException>(() => open.Read([Path.Combine(folders[0], "nowhere")], _ => 0));
        Assert.Equal(5, Opened(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_next_shards_weights_are_read_while_one_is_drawn_if_both_fit(bool fit)
    {
        var run = fit ? "ahead" : "full";
        await DropAsync(run, "[]");
        var worker = pipeline.Get<ShardWorker>();
        await pipeline.Get<EvaluationPlanner>().PlanAsync(new PlanMessage(run), CancellationToken.None);
        var board = await BoardAsync(run, Stage.Trajectory);
        Assert.Equal(2, (await board.ReadPlanAsync(CancellationToken.None))!.Shards.Count);
        var before = worker.CheckpointsOpened;
        var options = pipeline.Get<WorkflowOptions>();
        options.Memory = fit ? 0 : RoomForOne();
        var atGate = pipeline.Answers.Close();
        var first = DrawAsync(0);
        Task<string?> second;
        try
        {
            await await Task.WhenAny(atGate, first);
            Assert.Equal(1, worker.CheckpointsOpened - before);
            second = DrawAsync(1);

            Assert.Contains(fit ? ReadAhead : NoRoom, await pipeline.Log.NextAsync(ReadAhead, NoRoom), StringComparison.Ordinal);
            Assert.Equal(fit ? 2 : 1, worker.CheckpointsOpened - before);
            Assert.False(first.IsCompleted);
            Assert.False(await board.IsClosedAsync(0, CancellationToken.None));
        }
        finally
        {
            pipeline.Answers.Open();
        }

        Assert.Null(await first);
        Assert.Null(await second);
        options.Memory = 0;
        Assert.Equal(2, worker.CheckpointsOpened - before);
        await pipeline.PumpAsync();
        Assert.Empty((await pipeline.ScoresAsync(run)).IncompleteProblems);

        async Task<string?> DrawAsync(int shard) =>
            await Task.Run(async () => await worker.DrawAsync(new GenerateMessage(run, (await pipeline.StatusAsync(run)).Evaluation!, Stage.Trajectory, shard), CancellationToken.None));
    }

    /// <summary>Bytes for the model and a few answers at once; what is left over is less than its weights again.</summary>
    private static long RoomForOne()
    {
        var config = Path.Combine(TestData.PathTo("models", "qwen2-tied", "model"), "config.json");
        var plan = EngineMemory.Plan(
            ModelConfig.Parse(File.ReadAllBytes(config), config), Precision.Float32, new EngineOptions { MaxLength = 64, Threads = 1, Memory = 8L << 30 });
        return plan.Total - (plan.Row * (plan.Rows - 4));
    }

    private async Task<StageBoard> BoardAsync(string run, Stage stage) =>
        new(pipeline.Store, run, (await pipeline.StatusAsync(run)).Evaluation!, stage);

    /// <summary>Uploads two checkpoints that no other run has.</summary>
    private async Task DropAsync(string run, string earlyWeights)
    {
        await pipeline.UploadSuiteAsync(run, Problems);
        await pipeline.UploadSpecAsync(
            run, $$"""{"suite": "{{run}}", "samplesPerProblem": 2, "maxTokens": 6, "temperature": 1, "topP": 1, "earlyWeights": {{earlyWeights}}, "chat": false}""");
        foreach (var (checkpoint, folder) in new[] { ("checkpoint-1", TestData.PathTo("models", "qwen2-tied", "model")), ("checkpoint-2", TestData.PathTo("models", "wise-ft-qwen2", "finetuned")) })
        {
            await pipeline.UploadAsync(run, checkpoint, folder, change: (name, content) => name == "config.json" ? [.. content, .. Encoding.UTF8.GetBytes(new string(' ', run.Length))] : content);
            await pipeline.AnnounceAsync(run, checkpoint);
        }
    }
}
