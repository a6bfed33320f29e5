namespace Azure.Messaging.ServiceBus;

/// <summary>Messages to be sent together, as many as one request to Azure may hold. Here they are sent one after the other.</summary>
public sealed class ServiceBusMessageBatch : IDisposable
{
    private readonly List<ServiceBusMessage> messages = [];

    internal ServiceBusMessageBatch()
    {
    }

    public long MaxSizeInBytes { get; } = 256 * 1024;

    public long SizeInBytes { get; private set; }

    public int Count => messages.Count;

    internal IReadOnlyList<ServiceBusMessage> Messages => messages;

    public bool TryAddMessage(ServiceBusMessage message)
    {
        var size = StorageQueue.Encode(message).Length;
        if (SizeInBytes + size > MaxSizeInBytes)
        {
            return false;
        }

        messages.Add(message);
        SizeInBytes += size;
        return true;
    }

    public void Dispose() => messages.Clear();
}
