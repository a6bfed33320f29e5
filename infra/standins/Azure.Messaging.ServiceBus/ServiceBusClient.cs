using System.Collections.Concurrent;
using System.Globalization;
using Azure.Core;
using Azure.Storage.Queues;

namespace Azure.Messaging.ServiceBus;

/// <summary>
/// Service Bus on this machine, kept in storage queues. The connection string is a storage account's (Azurite's as a rule). What a
/// queue's definition says in Azure may stand in it too: <c>QueueLockDuration=00:01:00</c> (whole seconds) and
/// <c>QueueMaxDeliveryCount=5</c>. Queues are made on first use; a queue's dead letters are in the storage queue <c>{queue}-deadletter</c>.
/// </summary>
/// <remarks>Not kept: duplicate detection, sessions, topics, transactions, sequence numbers.</remarks>
public class ServiceBusClient : IAsyncDisposable
{
    private readonly QueueServiceClient? service;
    private readonly ConcurrentDictionary<string, StorageQueue> queues = new();
    private readonly TimeSpan lockDuration = TimeSpan.FromMinutes(1);
    private readonly int maxDeliveryCount = 5;

    /// <param name="connectionString">A storage connection string; <c>UseDevelopmentStorage=true</c> too.</param>
    public ServiceBusClient(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        var storage = new List<string>();
        foreach (var setting in connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var value = setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..];
            switch (setting.Split('=')[0])
            {
                case "SharedAccessKeyName":
                    throw new NotSupportedException("This build keeps Service Bus in storage queues and was given the connection string of a Service Bus "
                        + "namespace: give it a storage connection string, or build with -p:Feed=nuget.");
                case "QueueLockDuration":
                    lockDuration = TimeSpan.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "QueueMaxDeliveryCount":
                    maxDeliveryCount = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                default:
                    storage.Add(setting);
                    break;
            }
        }

        if (lockDuration < TimeSpan.FromSeconds(1) || maxDeliveryCount < 1)
        {
            throw new ArgumentException("QueueLockDuration is at least one second and QueueMaxDeliveryCount at least 1.", nameof(connectionString));
        }

        service = new QueueServiceClient(string.Join(';', storage));
    }

    public ServiceBusClient(string fullyQualifiedNamespace, TokenCredential credential) =>
        throw new NotSupportedException($"This build keeps Service Bus in storage queues and cannot reach {fullyQualifiedNamespace}: build with -p:Feed=nuget.");

    protected ServiceBusClient()
    {
    }

    public virtual string FullyQualifiedNamespace => service?.Uri.Host ?? "";

    public virtual bool IsClosed { get; private set; }

    public virtual ServiceBusSender CreateSender(string queueOrTopicName) => new(Queue(queueOrTopicName));

    public virtual ServiceBusReceiver CreateReceiver(string queueName) => CreateReceiver(queueName, new ServiceBusReceiverOptions());

    public virtual ServiceBusReceiver CreateReceiver(string queueName, ServiceBusReceiverOptions options) =>
        new(options.SubQueue == SubQueue.DeadLetter ? Queue(queueName).DeadLetters! : Queue(queueName), options);

    public virtual ValueTask DisposeAsync()
    {
        IsClosed = true;
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private StorageQueue Queue(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return queues.GetOrAdd(name, _ => new StorageQueue(
            name,
            service!.GetQueueClient(name),
            lockDuration,
            maxDeliveryCount,
            new StorageQueue($"{name}/$deadletterqueue", service!.GetQueueClient($"{name}-deadletter"), lockDuration, int.MaxValue, null)));
    }
}
