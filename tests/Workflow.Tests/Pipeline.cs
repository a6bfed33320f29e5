using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Hindsight.Local;
using Hindsight.Scoring;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow.Tests;

/// <summary>
/// The real workflow over a real Azurite. Messages are taken from the real queues by hand, so that a test decides what is delivered
/// twice, late or not at all.
/// </summary>
public sealed class Pipeline : IAsyncLifetime, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hindsight-tests-").FullName;
    private readonly ManualClock _clock = new();
    private Azurite? _azurite;
    private IHost? _host;
    private ServiceBusClient? _bus;

    public BlobStore Store => Get<BlobStore>();

    public ManualClock Clock => _clock;

    /// <summary>Where answers wait to be stored, when a test closes it.</summary>
    public Gate Answers { get; } = new();

    /// <summary>What the workflow logged.</summary>
    public LogLines Log { get; } = new();

    public string Connection => _azurite!.ConnectionString;

    public T Get<T>()
        where T : notnull => _host!.Services.GetRequiredService<T>();

    public async Task InitializeAsync()
    {
        _azurite = await Azurite.StartAsync(Path.Combine(_folder, "azurite"));
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Storage"] = _azurite.ConnectionString,
            ["ServiceBus"] = _azurite.ConnectionString,
            ["Workflow:Settle"] = "00:10:00",
            ["Workflow:ShardTime"] = "00:00:02",
            ["Workflow:ShardLost"] = "00:05:00",
            ["Workflow:ShardOffers"] = "2",
            ["Workflow:CacheFolder"] = Path.Combine(_folder, "cache"),
            ["Workflow:Threads"] = "1",
        });
        builder.Services.AddSingleton<TimeProvider>(_clock);
        var throughGate = new BlobClientOptions();
        throughGate.AddPolicy(Answers, HttpPipelinePosition.PerCall);
        builder.Services.AddSingleton(new BlobServiceClient(_azurite.ConnectionString, throughGate));
        builder.Logging.AddProvider(Log);
        builder.AddWorkflow();
        _host = builder.Build();
        await _host.StartAsync();
        _bus = new ServiceBusClient(_azurite.ConnectionString);
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _host!.StopAsync();
        _host.Dispose();
        await _bus!.DisposeAsync();
        await _azurite!.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Uploads a model folder of the test data as a checkpoint, without its list of files unless <paramref name="whole"/>.</summary>
    public async Task UploadAsync(string run, string checkpoint, string folder, bool whole = true, Func<string, byte[], byte[]>? change = null, string? only = null)
    {
        var listed = new List<CheckpointFile>();
        foreach (var file in Directory.GetFiles(folder).Order(StringComparer.Ordinal).Where(file => only is null || Path.GetFileName(file) == only))
        {
            var name = Path.GetFileName(file);
            var content = await File.ReadAllBytesAsync(file);
            content = change?.Invoke(name, content) ?? content;
            await Store.Checkpoints.GetBlobClient($"{run}/{checkpoint}/{name}").UploadAsync(new BinaryData(content), overwrite: true);
            listed.Add(new CheckpointFile(name, content.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content))));
        }

        if (whole)
        {
            await Store.Checkpoints.GetBlobClient($"{run}/{checkpoint}/{UploadList.FileName}").UploadAsync(
                BinaryData.FromObjectAsJson(new UploadList(listed), JsonSerializerOptions.Web), overwrite: true);
        }
    }

    /// <summary>Uploads a model folder of the test data as a reward model.</summary>
    public async Task UploadRewardModelAsync(string name, string folder)
    {
        foreach (var file in Directory.GetFiles(folder))
        {
            await Store.Models.GetBlobClient($"{name}/{Path.GetFileName(file)}").UploadAsync(new BinaryData(await File.ReadAllBytesAsync(file)), overwrite: true);
        }
    }

    /// <summary>The event that a reward model was uploaded, long enough ago for its files to have settled.</summary>
    public async Task AnnounceRewardModelAsync(string name)
    {
        Clock.Advance(TimeSpan.FromMinutes(11));
        await Get<CheckpointIntake>().HandleAsync(new BlobCreated("models", $"{name}/config.json").ToBinaryData(), CancellationToken.None);
        Clock.Reset();
    }

    public Task UploadSuiteAsync(string name, params string[] lines) =>
        Store.Suites.GetBlobClient($"{name}.jsonl").UploadAsync(new BinaryData(string.Join('\n', lines)), overwrite: true);

    public Task UploadSpecAsync(string run, string json) =>
        Store.Checkpoints.GetBlobClient($"{run}/evaluation.json").UploadAsync(new BinaryData(json), overwrite: true);

    /// <summary>The event that a blob of a checkpoint was created.</summary>
    public Task AnnounceAsync(string run, string checkpoint) =>
        Get<CheckpointIntake>().HandleAsync(new BlobCreated("checkpoints", $"{run}/{checkpoint}/config.json").ToBinaryData(), CancellationToken.None);

    /// <summary>Handles messages until no queue has any.</summary>
    /// <param name="beforeShard">Called before a shard is drawn; an exception from it is what a dying worker looks like to the queue.</param>
    /// <returns>How many messages were handled.</returns>
    public async Task<int> PumpAsync(Func<GenerateMessage, Task>? beforeShard = null)
    {
        var handled = 0;
        bool any;
        do
        {
            any = false;
            any |= await HandleAsync(MessageBus.Uploads, message => Get<CheckpointIntake>().HandleAsync(message.Body, CancellationToken.None));
            any |= await HandleAsync(MessageBus.Plan, message => Get<EvaluationPlanner>().PlanAsync(MessageBus.Read<PlanMessage>(message.Body), CancellationToken.None));
            any |= await HandleAsync(MessageBus.Generate, async message =>
            {
                var shard = MessageBus.Read<GenerateMessage>(message.Body);
                await (beforeShard?.Invoke(shard) ?? Task.CompletedTask);
                await Get<ShardWorker>().DrawAsync(shard, CancellationToken.None);
            });
            any |= await HandleAsync(MessageBus.Collect, message => Get<AnswerCollector>().CollectAsync(MessageBus.Read<CollectMessage>(message.Body), CancellationToken.None));
            handled += any ? 1 : 0;
        }
        while (any);
        return handled;
    }

    /// <summary>Whether a queue has dead letters.</summary>
    public async Task<bool> IsDeadAsync(string queue)
    {
        await using var receiver = _bus!.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        return (await receiver.PeekMessagesAsync(1)).Count > 0;
    }

    public async Task<RunStatus> StatusAsync(string run) => (await Get<StatusReader>().ReadAsync(run, CancellationToken.None))!;

    public async Task<EvaluationScores> ScoresAsync(string run) => Hindsight.Reporting.ScoresJson.Read(await ReportAsync(run, ReportFiles.Scores));

    public async Task<string> ReportAsync(string run, string file)
    {
        var status = await StatusAsync(run);
        Assert.True(status.Report is not null, string.Join('\n', StatusText(status)));
        return (await Store.Reports.GetBlobClient($"{run}/{status.Evaluation}/{file}").DownloadContentAsync()).Value.Content.ToString();
    }

    /// <summary>How many answers are stored.</summary>
    public async Task<int> StoredAnswersAsync()
    {
        var count = 0;
        foreach (var blob in await BlobStore.ListAsync(Store.Answers, "", CancellationToken.None))
        {
            var text = (await Store.Answers.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString();
            count += text.Count(c => c == '\n');
        }

        return count;
    }

    private static IEnumerable<string> StatusText(RunStatus status) =>
        [$"{status.Run}: {status.Waiting} {status.Error}", .. status.Incomplete.Select(item => $"{item.Name}: {item.Reason}"), .. status.Stages.Select(stage => stage.ToString())];

    private async Task<bool> HandleAsync(string queue, Func<ServiceBusReceivedMessage, Task> handle)
    {
        await using var receiver = _bus!.CreateReceiver(queue);
        var any = false;
        while (await receiver.ReceiveMessageAsync(TimeSpan.FromMilliseconds(1)) is { } message)
        {
            any = true;
            try
            {
                await handle(message);
                await receiver.CompleteMessageAsync(message);
            }
            catch (WorkerDiedException)
            {
                await receiver.AbandonMessageAsync(message);
            }
        }

        return any;
    }
}

/// <summary>What the queue sees of a worker that dies: an error, and the message again.</summary>
public sealed class WorkerDiedException : Exception;

/// <summary>Holds back the answers that are to be stored, while it is closed: a shard is then neither finished nor lost.</summary>
public sealed class Gate : HttpPipelinePolicy
{
    private volatile TaskCompletionSource? _closed;
    private TaskCompletionSource _reached = new();

    /// <summary>Closes the gate.</summary>
    /// <returns>Ends when the first answers stand before it.</returns>
    public Task Close()
    {
        _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return _reached.Task;
    }

    public void Open() => Interlocked.Exchange(ref _closed, null)?.SetResult();

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (_closed is { } closed && message.Request.Method == RequestMethod.Put && message.Request.Uri.Path.Contains("/answers/", StringComparison.Ordinal))
        {
            _reached.TrySetResult();
            await closed.Task;
        }

        await ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}

/// <summary>Keeps what is logged, for tests that wait for it.</summary>
public sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    /// <summary>The next line that contains one of these texts.</summary>
    public async Task<string> NextAsync(params string[] texts)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var line = await _lines.Reader.ReadAsync(limit.Token);
            if (texts.Any(text => line.Contains(text, StringComparison.Ordinal)))
            {
                return line;
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Writer.TryWrite(formatter(state, exception));

    public void Dispose()
    {
    }
}

/// <summary>The real time, moved by the test.</summary>
public sealed class ManualClock : TimeProvider
{
    private TimeSpan _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;

    public void Advance(TimeSpan time) => _ahead += time;

    public void Reset() => _ahead = TimeSpan.Zero;
}
