using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Logging;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>
/// Takes messages from a queue and runs a function for each, several at once as host.json allows. The lock is renewed while the
/// function runs. A return completes the message; an exception gives it back, and after too many deliveries the queue makes it a dead letter.
/// </summary>
internal sealed class ServiceBusListener(Function function, ServiceBusReceiver receiver, HostSettings settings, FunctionInvoker invoker, ILogger logger)
{
    /// <summary>What a function gets to end after its time is over; the real host gives about as much before it ends the process.</summary>
    private static readonly TimeSpan grace = TimeSpan.FromSeconds(5);

    private readonly int calls = settings.MaxConcurrentCalls;
    private readonly TimeSpan renewal = settings.MaxAutoLockRenewalDuration;
    private readonly TimeSpan retryDelay = settings.RetryDelay;
    private readonly TimeSpan? timeout = settings.FunctionTimeout;
    private readonly bool completes = settings.AutoCompleteMessages && ((ServiceBusTriggerAttribute)function.Trigger).AutoCompleteMessages;

    /// <summary>Returns, once <paramref name="stopping"/> is cancelled, when the last running function has ended.</summary>
    public Func<Task> Loop(CancellationToken stopping) => async () =>
    {
        using var slots = new SemaphoreSlim(calls);
        while (!stopping.IsCancellationRequested)
        {
            var taken = false;
            try
            {
                await slots.WaitAsync(stopping).ConfigureAwait(false);
                taken = true;
                if (await receiver.ReceiveMessageAsync(cancellationToken: stopping).ConfigureAwait(false) is { } message)
                {
                    _ = HandleAndReleaseAsync(message, slots, stopping);
                    taken = false;
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                logger.LogWarning(e, "{Function} could not receive from {Queue}; it tries again.", function.Name, receiver.EntityPath);
                await Task.Delay(TimeSpan.FromSeconds(1), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                if (taken)
                {
                    slots.Release();
                }
            }
        }

        for (var i = 0; i < calls; i++)
        {
            await slots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    };

    private async Task HandleAndReleaseAsync(ServiceBusReceivedMessage message, SemaphoreSlim slots, CancellationToken stopping)
    {
        Task? invocation = null;
        try
        {
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            using var handled = new CancellationTokenSource();
            var actions = new ServiceBusMessageActions(receiver);
            if (timeout is { } limit)
            {
                cancellation.CancelAfter(limit);
            }

            invocation = invoker.InvokeAsync(new Invocation(function, message, Data(message), cancellation.Token)
            {
                Actions = actions,
                ParentTrace = message.ApplicationProperties.GetValueOrDefault("Diagnostic-Id") as string,
            });
            var renewing = KeepLockAsync(message, handled.Token);
            try
            {
                await (timeout is null ? invocation : invocation.WaitAsync(timeout.Value + grace, CancellationToken.None)).ConfigureAwait(false);
                await StopRenewingAsync().ConfigureAwait(false);
                if (completes && !actions.Settled)
                {
                    await receiver.CompleteMessageAsync(message, CancellationToken.None).ConfigureAwait(false);
                }
            }
            catch (Exception e)
            {
                await StopRenewingAsync().ConfigureAwait(false);
                var late = cancellation.IsCancellationRequested && !stopping.IsCancellationRequested;
                await FailAsync(late ? new TimeoutException($"It ran longer than functionTimeout ({timeout}).", e) : e, message, actions, stopping.IsCancellationRequested).ConfigureAwait(false);
            }

            async Task StopRenewingAsync()
            {
                await handled.CancelAsync().ConfigureAwait(false);
                await renewing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (Exception e)
        {
            // Its lock expires and the message comes back.
            logger.LogWarning(e, "{Function} could not settle message {Message}.", function.Name, message.MessageId);
        }
        finally
        {
            // Also a function that does not heed its timeout keeps its place until it has ended.
            if (invocation is not null)
            {
                await invocation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            slots.Release();
        }
    }

    private async Task FailAsync(Exception e, ServiceBusReceivedMessage message, ServiceBusMessageActions actions, bool stopping)
    {
        if (stopping && e is OperationCanceledException)
        {
            logger.LogInformation("{Function} was stopped; message {Message} comes back.", function.Name, message.MessageId);
        }
        else
        {
            logger.LogWarning(
                e, "{Function} failed on message {Message} at delivery {Delivery}: {Error}", function.Name, message.MessageId, message.DeliveryCount, e.Message);
        }

        if (!actions.Settled && e is not ServiceBusException { Reason: ServiceBusFailureReason.MessageLockLost })
        {
            await receiver.AbandonMessageAsync(message, stopping ? TimeSpan.Zero : retryDelay, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task KeepLockAsync(ServiceBusReceivedMessage message, CancellationToken handled)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(handled);
        limit.CancelAfter(renewal);
        var half = (message.LockedUntil - TimeProvider.System.GetUtcNow()) / 2;
        while (true)
        {
            await Task.Delay(half > TimeSpan.Zero ? half : TimeSpan.Zero, limit.Token).ConfigureAwait(false);
            try
            {
                await receiver.RenewMessageLockAsync(message, limit.Token).ConfigureAwait(false);
            }
            catch (ServiceBusException e) when (e.IsTransient)
            {
                // The other half of the time is left to try again.
                await Task.Delay(TimeSpan.FromSeconds(1), limit.Token).ConfigureAwait(false);
            }

            half = (message.LockedUntil - TimeProvider.System.GetUtcNow()) / 2;
        }
    }

    private static Dictionary<string, object?> Data(ServiceBusReceivedMessage message) => new()
    {
        ["MessageId"] = message.MessageId,
        ["DeliveryCount"] = message.DeliveryCount,
        ["CorrelationId"] = message.CorrelationId,
        ["Subject"] = message.Subject,
        ["LockToken"] = message.LockToken,
        ["EnqueuedTimeUtc"] = message.EnqueuedTime.UtcDateTime,
    };
}
