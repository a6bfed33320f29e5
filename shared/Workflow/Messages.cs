using System.Text.Json;
using Azure.Messaging.ServiceBus;

namespace Hindsight.Workflow;

/// <summary>A run may have something to plan.</summary>
/// <param name="Run">The run.</param>
/// <param name="Retry">Whether a person asks, who may have mended what made shards fail: those are then tried again.</param>
public sealed record PlanMessage(string Run, bool Retry = false);

/// <summary>A shard is there to be drawn: the one at this index of the stage's plan.</summary>
public sealed record GenerateMessage(string Run, string Evaluation, Stage Stage, int Shard);

/// <summary>An evaluation may have a stage to finish.</summary>
public sealed record CollectMessage(string Run, string Evaluation);

/// <summary>
/// The queues between the functions. Messages are claim tickets of a few hundred bytes that name blobs: losing, repeating or
/// reordering one changes nothing but time.
/// </summary>
public sealed class MessageBus(ServiceBusClient client) : IAsyncDisposable
{
    /// <summary>Blob-created events.</summary>
    public const string Uploads = "uploads";

    /// <summary><see cref="PlanMessage"/>.</summary>
    public const string Plan = "plan";

    /// <summary><see cref="GenerateMessage"/>.</summary>
    public const string Generate = "generate";

    /// <summary><see cref="CollectMessage"/>.</summary>
    public const string Collect = "collect";

    /// <summary><see cref="Alert"/>: for whoever listens; the pipeline does not.</summary>
    public const string Alerts = "alerts";

    private readonly ServiceBusSender uploads = client.CreateSender(Uploads);
    private readonly ServiceBusSender plan = client.CreateSender(Plan);
    private readonly ServiceBusSender generate = client.CreateSender(Generate);
    private readonly ServiceBusSender collect = client.CreateSender(Collect);
    private readonly ServiceBusSender alerts = client.CreateSender(Alerts);

    /// <summary>Sends a blob-created event again, at a later time.</summary>
    public Task LookAgainAsync(BinaryData uploadEvent, DateTimeOffset at, CancellationToken cancellation) =>
        uploads.ScheduleMessageAsync(new ServiceBusMessage(uploadEvent), at, cancellation);

    /// <summary>Announces a blob that no event announced.</summary>
    public Task AnnounceAsync(string container, string blob, CancellationToken cancellation) =>
        uploads.SendMessageAsync(new ServiceBusMessage(new BlobCreated(container, blob).ToBinaryData()), cancellation);

    /// <summary>Asks for a run to be planned.</summary>
    public Task SendAsync(PlanMessage message, CancellationToken cancellation) => SendAsync(plan, message, cancellation);

    /// <summary>Asks for an evaluation to be looked at.</summary>
    public Task SendAsync(CollectMessage message, CancellationToken cancellation) => SendAsync(collect, message, cancellation);

    /// <summary>Announces an alert; its id is the message's, by which a queue that detects duplicates drops a second one.</summary>
    public Task SendAsync(Alert alert, CancellationToken cancellation)
    {
        var message = Message(alert);
        message.MessageId = alert.Id;
        return alerts.SendMessageAsync(message, cancellation);
    }

    /// <summary>Offers shards to the workers.</summary>
    public async Task SendAsync(IEnumerable<GenerateMessage> messages, CancellationToken cancellation)
    {
        foreach (var chunk in messages.Chunk(100))
        {
            await generate.SendMessagesAsync(chunk.Select(Message), cancellation);
        }
    }

    /// <summary>Whether some shard of an evaluation is waiting for a worker, or with one.</summary>
    public async Task<bool> IsWaitingAsync(string run, string evaluation, CancellationToken cancellation)
    {
        await using var receiver = client.CreateReceiver(Generate);
        return (await PeekShardsAsync(receiver, cancellation)).Any(message => message.Run == run && message.Evaluation == evaluation);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var sender in (ServiceBusSender[])[uploads, plan, generate, collect, alerts])
        {
            await sender.DisposeAsync();
        }
    }

    private static Task SendAsync<T>(ServiceBusSender sender, T message, CancellationToken cancellation) =>
        sender.SendMessageAsync(Message(message), cancellation);

    private static async Task<IReadOnlyList<GenerateMessage>> PeekShardsAsync(ServiceBusReceiver receiver, CancellationToken cancellation)
    {
        var shards = new List<GenerateMessage>();
        foreach (var message in await receiver.PeekMessagesAsync(1000, fromSequenceNumber: null, cancellation))
        {
            try
            {
                shards.Add(Read<GenerateMessage>(message.Body));
            }
            catch (JsonException)
            {
                // Not one of ours, or of another version: nothing can be done for it here.
            }
        }

        return shards;
    }

    /// <summary>The message that a received body holds.</summary>
    /// <exception cref="JsonException">It holds none of that kind.</exception>
    public static T Read<T>(BinaryData body) => body.ToObjectFromJson<T>(Json.Compact) ?? throw new JsonException("The message is empty.");

    private static ServiceBusMessage Message<T>(T message) =>
        new(new BinaryData(JsonSerializer.SerializeToUtf8Bytes(message, Json.Compact))) { ContentType = "application/json" };
}
