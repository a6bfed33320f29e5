using System.Diagnostics;

namespace Azure.Messaging.ServiceBus;

public class ServiceBusSender : IAsyncDisposable
{
    private readonly StorageQueue queue;

    internal ServiceBusSender(StorageQueue queue) => this.queue = queue;

    protected ServiceBusSender() => queue = null!;

    public virtual string EntityPath => queue.Name;

    public virtual bool IsClosed { get; private set; }

    public virtual Task SendMessageAsync(ServiceBusMessage message, CancellationToken cancellationToken = default) =>
        SendMessagesAsync([message], cancellationToken);

    public virtual async Task SendMessagesAsync(IEnumerable<ServiceBusMessage> messages, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        foreach (var message in messages)
        {
            // The real client does the same, so that a trace goes on where the message is handled.
            if (Activity.Current?.Id is { } trace)
            {
                message.ApplicationProperties.TryAdd("Diagnostic-Id", trace);
            }

            await queue.SendAsync(message, cancellationToken).ConfigureAwait(false);
        }
    }

    public virtual Task SendMessagesAsync(ServiceBusMessageBatch messageBatch, CancellationToken cancellationToken = default) =>
        SendMessagesAsync(messageBatch.Messages, cancellationToken);

    public virtual ValueTask<ServiceBusMessageBatch> CreateMessageBatchAsync(CancellationToken cancellationToken = default) => new(new ServiceBusMessageBatch());

    /// <returns>0: messages have no sequence numbers here.</returns>
    public virtual async Task<long> ScheduleMessageAsync(ServiceBusMessage message, DateTimeOffset scheduledEnqueueTime, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.ScheduledEnqueueTime = scheduledEnqueueTime;
        await SendMessageAsync(message, cancellationToken).ConfigureAwait(false);
        return 0;
    }

    public virtual Task CloseAsync(CancellationToken cancellationToken = default)
    {
        IsClosed = true;
        return Task.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }
}
