namespace Azure.Messaging.ServiceBus;

/// <summary>A message to be sent. Its body and properties together may take about 45 KB here, 256 KB or more in Azure.</summary>
public class ServiceBusMessage
{
    public ServiceBusMessage()
        : this(BinaryData.FromBytes(ReadOnlyMemory<byte>.Empty))
    {
    }

    public ServiceBusMessage(string body)
        : this(BinaryData.FromString(body))
    {
    }

    public ServiceBusMessage(ReadOnlyMemory<byte> body)
        : this(BinaryData.FromBytes(body))
    {
    }

    public ServiceBusMessage(BinaryData body) => Body = body;

    /// <summary>A copy to send on: body, properties and identifiers, without what the queue added (lock, delivery count, dead-letter reason).</summary>
    public ServiceBusMessage(ServiceBusReceivedMessage receivedMessage)
    {
        ArgumentNullException.ThrowIfNull(receivedMessage);
        Body = receivedMessage.Body;
        MessageId = receivedMessage.MessageId;
        Subject = receivedMessage.Subject;
        CorrelationId = receivedMessage.CorrelationId;
        ContentType = receivedMessage.ContentType;
        TimeToLive = receivedMessage.TimeToLive;
        foreach (var (name, value) in receivedMessage.ApplicationProperties)
        {
            if (name is not (ServiceBusReceivedMessage.DeadLetterReasonProperty or ServiceBusReceivedMessage.DeadLetterErrorDescriptionProperty))
            {
                ApplicationProperties[name] = value;
            }
        }
    }

    public BinaryData Body { get; set; }

    public string? MessageId { get; set; }

    public string? Subject { get; set; }

    public string? CorrelationId { get; set; }

    public string? ContentType { get; set; }

    /// <summary>Not before this instant; at most seven days ahead here.</summary>
    public DateTimeOffset ScheduledEnqueueTime { get; set; }

    public TimeSpan TimeToLive { get; set; } = TimeSpan.MaxValue;

    /// <summary>Values of the simple types: strings, booleans, numbers, <see cref="DateTime"/>.</summary>
    public IDictionary<string, object> ApplicationProperties { get; } = new Dictionary<string, object>();
}
