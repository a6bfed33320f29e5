using Azure.Messaging.ServiceBus;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Settles messages from inside a function.</summary>
public class ServiceBusMessageActions
{
    private readonly ServiceBusReceiver receiver;
    private volatile bool settled;

    internal ServiceBusMessageActions(ServiceBusReceiver receiver) => this.receiver = receiver;

    /// <summary>For mocks.</summary>
    protected ServiceBusMessageActions() => receiver = null!;

    /// <summary>The function has settled its message itself, so the host leaves it alone.</summary>
    internal bool Settled => settled;

    public virtual async Task CompleteMessageAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default)
    {
        await receiver.CompleteMessageAsync(message, cancellationToken).ConfigureAwait(false);
        settled = true;
    }

    public virtual async Task AbandonMessageAsync(
        ServiceBusReceivedMessage message, IDictionary<string, object>? propertiesToModify = default, CancellationToken cancellationToken = default)
    {
        await receiver.AbandonMessageAsync(message, propertiesToModify, cancellationToken).ConfigureAwait(false);
        settled = true;
    }

    public virtual async Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        Dictionary<string, object>? propertiesToModify = default,
        string? deadLetterReason = default,
        string? deadLetterErrorDescription = default,
        CancellationToken cancellationToken = default)
    {
        await receiver.DeadLetterMessageAsync(
            message, propertiesToModify ?? [], deadLetterReason ?? "", deadLetterErrorDescription, cancellationToken).ConfigureAwait(false);
        settled = true;
    }

    public virtual Task DeferMessageAsync(
        ServiceBusReceivedMessage message, IDictionary<string, object>? propertiesToModify = default, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("A storage queue cannot defer a message.");

    public virtual Task RenewMessageLockAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default) =>
        receiver.RenewMessageLockAsync(message, cancellationToken);
}
