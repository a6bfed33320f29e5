namespace Azure.Messaging.ServiceBus;

public class ServiceBusReceivedMessage
{
    internal const string DeadLetterReasonProperty = "DeadLetterReason";
    internal const string DeadLetterErrorDescriptionProperty = "DeadLetterErrorDescription";

    internal ServiceBusReceivedMessage()
    {
    }

    public BinaryData Body { get; internal init; } = BinaryData.FromBytes(ReadOnlyMemory<byte>.Empty);

    public string MessageId { get; internal init; } = "";

    public string? Subject { get; internal init; }

    public string? CorrelationId { get; internal init; }

    public string? ContentType { get; internal init; }

    public TimeSpan TimeToLive { get; internal init; } = TimeSpan.MaxValue;

    public IReadOnlyDictionary<string, object> ApplicationProperties { get; internal init; } = new Dictionary<string, object>();

    /// <summary>1 at the first delivery.</summary>
    public int DeliveryCount { get; internal init; }

    public DateTimeOffset EnqueuedTime { get; internal init; }

    public DateTimeOffset ScheduledEnqueueTime { get; internal init; }

    public DateTimeOffset LockedUntil { get; internal set; }

    /// <summary>Names this delivery; stays the same when the lock is renewed.</summary>
    public string LockToken { get; internal init; } = Guid.Empty.ToString();

    public string? DeadLetterReason => ApplicationProperties.GetValueOrDefault(DeadLetterReasonProperty) as string;

    public string? DeadLetterErrorDescription => ApplicationProperties.GetValueOrDefault(DeadLetterErrorDescriptionProperty) as string;

    internal StorageLock? Lock { get; init; }

    public override string ToString() => $"{{MessageId:{MessageId}}}";
}

/// <summary>What the storage queue asks for to change a received message. Every renewal changes the receipt.</summary>
internal sealed class StorageLock(string id, string receipt)
{
    public string Id { get; } = id;

    public string Receipt { get; set; } = receipt;

    /// <summary>A renewal and a settlement at the same time would both hold the same receipt, and one of them would be refused.</summary>
    public SemaphoreSlim Turn { get; } = new(1);
}
