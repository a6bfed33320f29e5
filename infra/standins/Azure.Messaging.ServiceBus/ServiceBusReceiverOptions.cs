namespace Azure.Messaging.ServiceBus;

public class ServiceBusReceiverOptions
{
    /// <summary>Has no effect here: a message is fetched when it is asked for.</summary>
    public int PrefetchCount { get; set; }

    public ServiceBusReceiveMode ReceiveMode { get; set; } = ServiceBusReceiveMode.PeekLock;

    public SubQueue SubQueue { get; set; } = SubQueue.None;
}

public enum ServiceBusReceiveMode
{
    PeekLock,
    ReceiveAndDelete,
}

public enum SubQueue
{
    None = 0,
    DeadLetter = 1,
}
