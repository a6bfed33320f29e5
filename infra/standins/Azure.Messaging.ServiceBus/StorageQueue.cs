using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;

namespace Azure.Messaging.ServiceBus;

/// <summary>
/// A Service Bus queue in a storage queue: the lock is the visibility timeout, the delivery count is the dequeue count, a scheduled
/// message is one that becomes visible later.
/// </summary>
internal sealed class StorageQueue(string name, QueueClient client, TimeSpan lockDuration, int maxDeliveryCount, StorageQueue? deadLetters)
{
    private const int LargestMessage = 64 * 1024;
    private static readonly TimeSpan never = TimeSpan.FromSeconds(-1);
    private static readonly JsonSerializerOptions json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    // The broker's clock, so to speak: it is never the clock of the code that uses the client.
    private static readonly TimeProvider clock = TimeProvider.System;

    private bool exists;

    public string Name { get; } = name;

    public StorageQueue? DeadLetters { get; } = deadLetters;

    /// <summary>The message as the storage queue holds it.</summary>
    /// <exception cref="ServiceBusException">MessageSizeExceeded.</exception>
    public static byte[] Encode(ServiceBusMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Encode(new Envelope(
            message.Body.ToArray(),
            message.MessageId,
            message.Subject,
            message.CorrelationId,
            message.ContentType,
            message.TimeToLive == TimeSpan.MaxValue ? null : message.TimeToLive,
            message.ScheduledEnqueueTime == default ? null : message.ScheduledEnqueueTime,
            message.ApplicationProperties.ToDictionary(pair => pair.Key, pair => Property.From(pair.Key, pair.Value))));
    }

    public Task SendAsync(ServiceBusMessage message, CancellationToken cancellationToken) =>
        SendAsync(Encode(message), message.ScheduledEnqueueTime, message.TimeToLive, cancellationToken);

    public async Task<IReadOnlyList<ServiceBusReceivedMessage>> ReceiveAsync(int count, CancellationToken cancellationToken)
    {
        var lockedUntil = clock.GetUtcNow() + lockDuration;

        // The request itself is not cancelled: it may have locked a message by then, which nobody would see until the lock expires.
        cancellationToken.ThrowIfCancellationRequested();
        var received = await CallAsync(() => client.ReceiveMessagesAsync(count, lockDuration, CancellationToken.None), CancellationToken.None).ConfigureAwait(false);
        var messages = new List<ServiceBusReceivedMessage>();
        foreach (var item in received.Value)
        {
            var message = Decode(item.MessageId, item.Body, item.DequeueCount, item.InsertedOn, lockedUntil, new StorageLock(item.MessageId, item.PopReceipt));
            if (message.DeliveryCount <= maxDeliveryCount)
            {
                messages.Add(message);
            }
            else
            {
                await DeadLetterExhaustedAsync(message, CancellationToken.None).ConfigureAwait(false);
            }
        }

        return messages;
    }

    public async Task<IReadOnlyList<ServiceBusReceivedMessage>> PeekAsync(int count, CancellationToken cancellationToken)
    {
        var peeked = await CallAsync(() => client.PeekMessagesAsync(count, cancellationToken), cancellationToken).ConfigureAwait(false);
        return [.. peeked.Value.Select(item => Decode(item.MessageId, item.Body, item.DequeueCount, item.InsertedOn, default, null))];
    }

    public Task CompleteAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken) =>
        SettleAsync(message, held => client.DeleteMessageAsync(held.Id, held.Receipt, cancellationToken), cancellationToken);

    public Task RenewAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken) =>
        SettleAsync(
            message,
            async held =>
            {
                // Not cancelled once begun: the queue may have issued the new receipt, without which the message cannot be settled.
                cancellationToken.ThrowIfCancellationRequested();
                var lockedUntil = clock.GetUtcNow() + lockDuration;
                var renewed = await client.UpdateMessageAsync(held.Id, held.Receipt, Text(message, null), lockDuration, CancellationToken.None).ConfigureAwait(false);
                held.Receipt = renewed.Value.PopReceipt;
                message.LockedUntil = lockedUntil;
            },
            cancellationToken);

    public Task AbandonAsync(ServiceBusReceivedMessage message, IDictionary<string, object>? changes, TimeSpan delay, CancellationToken cancellationToken) =>
        message.DeliveryCount >= maxDeliveryCount
            ? DeadLetterExhaustedAsync(message, cancellationToken)
            : SettleAsync(
                message,
                async held =>
                {
                    await client.UpdateMessageAsync(held.Id, held.Receipt, Text(message, changes), WholeSeconds(delay), cancellationToken).ConfigureAwait(false);
                    message.LockedUntil = default;
                },
                cancellationToken);

    /// <summary>The dead letter is written before the message goes: a crash between the two leaves both, never neither.</summary>
    public Task DeadLetterAsync(
        ServiceBusReceivedMessage message, IDictionary<string, object>? changes, string? reason, string? description, CancellationToken cancellationToken)
    {
        if (DeadLetters is null)
        {
            throw new InvalidOperationException("A message of the dead-letter queue cannot be dead-lettered again.");
        }

        var all = new Dictionary<string, object>(changes ?? new Dictionary<string, object>());
        if (reason is not null)
        {
            all[ServiceBusReceivedMessage.DeadLetterReasonProperty] = reason;
        }

        if (description is not null)
        {
            all[ServiceBusReceivedMessage.DeadLetterErrorDescriptionProperty] = description;
        }

        return SettleAsync(
            message,
            async held =>
            {
                await DeadLetters.SendAsync(Encode(Rewrap(message, all)), default, TimeSpan.MaxValue, cancellationToken).ConfigureAwait(false);
                await client.DeleteMessageAsync(held.Id, held.Receipt, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);
    }

    private static TimeSpan WholeSeconds(TimeSpan time) => TimeSpan.FromSeconds(Math.Max(0, Math.Ceiling(time.TotalSeconds)));

    private static byte[] Encode(Envelope envelope)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(envelope, json);
        return bytes.Length <= LargestMessage
            ? bytes
            : throw new ServiceBusException(
                $"A message of {bytes.Length} bytes is larger than the {LargestMessage} that a storage queue takes.", ServiceBusFailureReason.MessageSizeExceeded);
    }

    private static ServiceBusReceivedMessage Decode(
        string id, BinaryData body, long dequeueCount, DateTimeOffset? insertedOn, DateTimeOffset lockedUntil, StorageLock? held)
    {
        var envelope = JsonSerializer.Deserialize<Envelope>(body, json)!;
        var inserted = insertedOn ?? default;
        return new ServiceBusReceivedMessage
        {
            Body = BinaryData.FromBytes(envelope.Body),
            MessageId = envelope.MessageId ?? id,
            Subject = envelope.Subject,
            CorrelationId = envelope.CorrelationId,
            ContentType = envelope.ContentType,
            TimeToLive = envelope.TimeToLive ?? TimeSpan.MaxValue,
            ScheduledEnqueueTime = envelope.Scheduled ?? default,
            ApplicationProperties = envelope.Properties.ToDictionary(pair => pair.Key, pair => pair.Value.ToValue()),
            DeliveryCount = (int)dequeueCount,
            EnqueuedTime = envelope.Scheduled > inserted ? envelope.Scheduled.Value : inserted,
            LockedUntil = lockedUntil,
            LockToken = held is null ? Guid.Empty.ToString() : Guid.NewGuid().ToString(),
            Lock = held,
        };
    }

    private static Envelope Rewrap(ServiceBusReceivedMessage message, IDictionary<string, object>? changes)
    {
        var properties = message.ApplicationProperties.ToDictionary(pair => pair.Key, pair => Property.From(pair.Key, pair.Value));
        foreach (var (key, value) in changes ?? new Dictionary<string, object>())
        {
            properties[key] = Property.From(key, value);
        }

        return new Envelope(
            message.Body.ToArray(),
            message.MessageId,
            message.Subject,
            message.CorrelationId,
            message.ContentType,
            message.TimeToLive == TimeSpan.MaxValue ? null : message.TimeToLive,
            message.ScheduledEnqueueTime == default ? null : message.ScheduledEnqueueTime,
            properties);
    }

    private static string Text(ServiceBusReceivedMessage message, IDictionary<string, object>? changes) => Encoding.UTF8.GetString(Encode(Rewrap(message, changes)));

    private Task DeadLetterExhaustedAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken) =>
        DeadLetterAsync(
            message, null, "MaxDeliveryCountExceeded", $"Message could not be consumed after {maxDeliveryCount} delivery attempts.", cancellationToken);

    private async Task SendAsync(byte[] text, DateTimeOffset scheduled, TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        // Up to the next whole second: never early.
        var delay = scheduled == default ? TimeSpan.Zero : WholeSeconds(scheduled - clock.GetUtcNow());
        if (delay > TimeSpan.FromDays(7))
        {
            throw new NotSupportedException("A storage queue can hold a message back for seven days at most.");
        }

        var life = timeToLive > TimeSpan.FromDays(3650) ? never : WholeSeconds(timeToLive) + delay;
        await CallAsync(() => client.SendMessageAsync(BinaryData.FromBytes(text), delay, life, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private async Task SettleAsync(ServiceBusReceivedMessage message, Func<StorageLock, Task> settle, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        var held = message.Lock ?? throw LockLost(null);
        await held.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The storage queue would still take the receipt until somebody else gets the message; Service Bus would not.
            if (message.LockedUntil <= clock.GetUtcNow())
            {
                throw LockLost(null);
            }

            await settle(held).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.ErrorCode == QueueErrorCode.MessageNotFound || e.ErrorCode == QueueErrorCode.PopReceiptMismatch)
        {
            throw LockLost(e);
        }
        catch (Exception e) when (IsCommunication(e, cancellationToken))
        {
            throw Communication(e);
        }
        finally
        {
            held.Turn.Release();
        }
    }

    private async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            if (!exists)
            {
                await client.CreateIfNotExistsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
                exists = true;
            }

            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (IsCommunication(e, cancellationToken))
        {
            throw Communication(e);
        }
    }

    // After its retries the storage client throws the last failure, or all of them together.
    private static bool IsCommunication(Exception e, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && e is RequestFailedException { Status: 0 or >= 500 } or AggregateException or TaskCanceledException;

    private ServiceBusException Communication(Exception e) =>
        new("The storage account that holds the queue does not answer.", ServiceBusFailureReason.ServiceCommunicationProblem, Name, e);

    private ServiceBusException LockLost(Exception? inner) =>
        new("The lock supplied is invalid: it expired, or the message has been settled.", ServiceBusFailureReason.MessageLockLost, Name, inner);

    private sealed record Envelope(
        byte[] Body,
        string? MessageId,
        string? Subject,
        string? CorrelationId,
        string? ContentType,
        TimeSpan? TimeToLive,
        DateTimeOffset? Scheduled,
        Dictionary<string, Property> Properties);

    /// <summary>JSON alone would not tell an int from a long or a double.</summary>
    private sealed record Property(TypeCode Type, string Value)
    {
        public static Property From(string name, object value) => Convert.GetTypeCode(value) switch
        {
            TypeCode.Empty or TypeCode.DBNull or TypeCode.Object =>
                throw new NotSupportedException($"The application property {name} has the type {value?.GetType().Name ?? "null"}, which a message cannot carry here."),
            TypeCode.DateTime => new Property(TypeCode.DateTime, ((DateTime)value).ToString("O", CultureInfo.InvariantCulture)),
            var type => new Property(type, Convert.ToString(value, CultureInfo.InvariantCulture)!),
        };

        public object ToValue() => Type == TypeCode.DateTime
            ? DateTime.Parse(Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind)
            : Convert.ChangeType(Value, Type, CultureInfo.InvariantCulture);
    }
}
