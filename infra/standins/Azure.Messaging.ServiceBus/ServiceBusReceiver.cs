using System.Diagnostics;

namespace Azure.Messaging.ServiceBus;

public class ServiceBusReceiver : IAsyncDisposable
{
    private const int MostMessagesAtOnce = 32;
    private static readonly TimeSpan defaultWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan shortestPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan longestPause = TimeSpan.FromMilliseconds(500);

    private readonly StorageQueue queue;
    private readonly CancellationTokenSource closed = new();

    internal ServiceBusReceiver(StorageQueue queue, ServiceBusReceiverOptions options)
    {
        this.queue = queue;
        ReceiveMode = options.ReceiveMode;
        PrefetchCount = options.PrefetchCount;
    }

    protected ServiceBusReceiver() => queue = null!;

    public virtual string EntityPath => queue.Name;

    public virtual ServiceBusReceiveMode ReceiveMode { get; }

    public virtual int PrefetchCount { get; }

    public virtual bool IsClosed => closed.IsCancellationRequested;

    /// <returns>A locked message, or null when none came in <paramref name="maxWaitTime"/> (one minute if not given).</returns>
    public virtual async Task<ServiceBusReceivedMessage?> ReceiveMessageAsync(TimeSpan? maxWaitTime = default, CancellationToken cancellationToken = default) =>
        await ReceiveMessagesAsync(1, maxWaitTime, cancellationToken).ConfigureAwait(false) is [var message] ? message : null;

    /// <returns>At least one message and at most <paramref name="maxMessages"/>, or none after the wait.</returns>
    public virtual async Task<IReadOnlyList<ServiceBusReceivedMessage>> ReceiveMessagesAsync(
        int maxMessages, TimeSpan? maxWaitTime = default, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessages, 1);
        ObjectDisposedException.ThrowIf(IsClosed, this);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closed.Token);
        var watch = Stopwatch.StartNew();
        for (var pause = shortestPause; ; pause = pause * 1.5 < longestPause ? pause * 1.5 : longestPause)
        {
            var messages = await queue.ReceiveAsync(Math.Min(maxMessages, MostMessagesAtOnce), linked.Token).ConfigureAwait(false);
            if (messages.Count > 0)
            {
                if (ReceiveMode == ServiceBusReceiveMode.ReceiveAndDelete)
                {
                    foreach (var message in messages)
                    {
                        await queue.CompleteAsync(message, CancellationToken.None).ConfigureAwait(false);
                    }
                }

                return messages;
            }

            var left = (maxWaitTime ?? defaultWait) - watch.Elapsed;
            if (left <= TimeSpan.Zero)
            {
                return [];
            }

            await Task.Delay(pause < left ? pause : left, linked.Token).ConfigureAwait(false);
        }
    }

    public virtual async Task<ServiceBusReceivedMessage?> PeekMessageAsync(long? fromSequenceNumber = default, CancellationToken cancellationToken = default) =>
        await PeekMessagesAsync(1, fromSequenceNumber, cancellationToken).ConfigureAwait(false) is [var message] ? message : null;

    /// <summary>Looks at messages without a lock: the first 32 at most, none that is locked or scheduled, and from the front each time.</summary>
    public virtual Task<IReadOnlyList<ServiceBusReceivedMessage>> PeekMessagesAsync(
        int maxMessages, long? fromSequenceNumber = default, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessages, 1);
        return fromSequenceNumber is > 0
            ? throw new NotSupportedException("A storage queue can be looked at from its front only.")
            : queue.PeekAsync(Math.Min(maxMessages, MostMessagesAtOnce), cancellationToken);
    }

    /// <exception cref="ServiceBusException">MessageLockLost: another receiver may have the message now.</exception>
    public virtual Task CompleteMessageAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default) =>
        queue.CompleteAsync(message, cancellationToken);

    /// <exception cref="ServiceBusException">MessageLockLost: another receiver may have the message now.</exception>
    public virtual Task AbandonMessageAsync(
        ServiceBusReceivedMessage message, IDictionary<string, object>? propertiesToModify = default, CancellationToken cancellationToken = default) =>
        queue.AbandonAsync(message, propertiesToModify, TimeSpan.Zero, cancellationToken);

    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message, IDictionary<string, object>? propertiesToModify = default, CancellationToken cancellationToken = default) =>
        queue.DeadLetterAsync(message, propertiesToModify, null, null, cancellationToken);

    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message, string deadLetterReason, string? deadLetterErrorDescription = default, CancellationToken cancellationToken = default) =>
        queue.DeadLetterAsync(message, null, deadLetterReason, deadLetterErrorDescription, cancellationToken);

    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object> propertiesToModify,
        string deadLetterReason,
        string? deadLetterErrorDescription = default,
        CancellationToken cancellationToken = default) =>
        queue.DeadLetterAsync(message, propertiesToModify, deadLetterReason, deadLetterErrorDescription, cancellationToken);

    /// <exception cref="ServiceBusException">MessageLockLost: another receiver may have the message now.</exception>
    public virtual Task RenewMessageLockAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default) =>
        queue.RenewAsync(message, cancellationToken);

    public virtual async Task CloseAsync(CancellationToken cancellationToken = default) => await closed.CancelAsync().ConfigureAwait(false);

    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the message back, to be delivered again after <paramref name="delay"/>; Service Bus itself knows only a delay of zero.</summary>
    internal Task AbandonMessageAsync(ServiceBusReceivedMessage message, TimeSpan delay, CancellationToken cancellationToken) =>
        queue.AbandonAsync(message, null, delay, cancellationToken);
}
