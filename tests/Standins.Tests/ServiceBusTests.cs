using Azure.Identity;
using Azure.Messaging.ServiceBus;

namespace Hindsight.Standins.Tests;

public sealed class ServiceBusTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_message_arrives_as_it_was_sent()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        var message = new ServiceBusMessage(BinaryData.FromBytes(new byte[] { 0, 255, 128, 10 }))
        {
            MessageId = "m1",
            Subject = "plan <&> ü",
            CorrelationId = "c1",
            ContentType = "application/octet-stream",
            ApplicationProperties = { ["text"] = "t", ["int"] = 1, ["long"] = 1L, ["double"] = 0.1, ["yes"] = true },
        };
        var before = DateTimeOffset.UtcNow;
        await client.CreateSender(queue).SendMessageAsync(message);

        var received = (await client.CreateReceiver(queue).ReceiveMessageAsync(soon))!;

        Assert.Equal(message.Body.ToArray(), received.Body.ToArray());
        Assert.Equal(("m1", "plan <&> ü", "c1", "application/octet-stream"), (received.MessageId, received.Subject, received.CorrelationId, received.ContentType));
        Assert.Equal(message.ApplicationProperties, received.ApplicationProperties);
        Assert.Equal(1, received.DeliveryCount);
        Assert.InRange(received.EnqueuedTime, before.AddSeconds(-2), DateTimeOffset.UtcNow);
        Assert.InRange(received.LockedUntil, before.AddSeconds(55), before.AddSeconds(75));
    }

    [Fact]
    public async Task An_abandoned_message_comes_back_at_once_with_its_changed_properties()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x") { ApplicationProperties = { ["kept"] = "k" } });
        var receiver = client.CreateReceiver(queue);
        var first = (await receiver.ReceiveMessageAsync(soon))!;

        await receiver.AbandonMessageAsync(first, new Dictionary<string, object> { ["why"] = "tired" });

        var second = (await receiver.ReceiveMessageAsync(soon))!;
        Assert.Equal(2, second.DeliveryCount);
        Assert.Equal("x", second.Body.ToString());
        Assert.Equal(new Dictionary<string, object> { ["kept"] = "k", ["why"] = "tired" }, second.ApplicationProperties);
        await AssertLockLost(() => receiver.CompleteMessageAsync(first));
    }

    [Fact]
    public async Task A_dead_letter_carries_its_reason_and_can_be_sent_again()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        var sender = client.CreateSender(queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x") { MessageId = "m", ApplicationProperties = { ["k"] = 1 } });
        var receiver = client.CreateReceiver(queue);

        await receiver.DeadLetterMessageAsync((await receiver.ReceiveMessageAsync(soon))!, "Poison", "the shard has no problems");

        Assert.Null(await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(0.2)));
        var dead = client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter, ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete });
        Assert.Equal("Poison", (await dead.PeekMessageAsync())!.DeadLetterReason);
        var letter = (await dead.ReceiveMessageAsync(soon))!;
        Assert.Equal(("m", "Poison", "the shard has no problems"), (letter.MessageId, letter.DeadLetterReason, letter.DeadLetterErrorDescription));
        Assert.Null(await dead.PeekMessageAsync());

        await sender.SendMessageAsync(new ServiceBusMessage(letter));
        var again = (await receiver.ReceiveMessageAsync(soon))!;
        Assert.Equal(("m", "x", 1), (again.MessageId, again.Body.ToString(), again.DeliveryCount));
        Assert.Equal(new Dictionary<string, object> { ["k"] = 1 }, again.ApplicationProperties);
    }

    [Fact]
    public async Task A_scheduled_message_is_not_seen_early()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        var due = DateTimeOffset.UtcNow.AddSeconds(2);
        await client.CreateSender(queue).ScheduleMessageAsync(new ServiceBusMessage("later"), due);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("now") { ScheduledEnqueueTime = due.AddHours(-1) });
        var receiver = client.CreateReceiver(queue);

        Assert.Equal("now", (await receiver.ReceiveMessageAsync(soon))!.Body.ToString());
        Assert.Equal("later", (await receiver.ReceiveMessageAsync(soon))!.Body.ToString());
        Assert.True(DateTimeOffset.UtcNow >= due);
    }

    [Fact]
    public async Task A_message_is_not_seen_after_its_time_to_live()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x") { TimeToLive = TimeSpan.FromSeconds(1) });

        await Task.Delay(TimeSpan.FromSeconds(1.5));

        Assert.Null(await client.CreateReceiver(queue).ReceiveMessageAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task A_batch_takes_what_one_request_may_hold_and_all_of_it_arrives()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        var sender = client.CreateSender(queue);
        using var batch = await sender.CreateMessageBatchAsync();
        while (batch.TryAddMessage(new ServiceBusMessage(new string('x', 30_000))))
        {
        }

        Assert.InRange(batch.Count, 2, 9);
        await sender.SendMessagesAsync(batch);

        Assert.Equal(batch.Count, (await client.CreateReceiver(queue).ReceiveMessagesAsync(32, soon)).Count);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused()
    {
        await using var client = azurite.Client();
        var e = await Assert.ThrowsAsync<ServiceBusException>(() => client.CreateSender(azurite.NewName()).SendMessageAsync(new ServiceBusMessage(new string('x', 60_000))));
        Assert.Equal(ServiceBusFailureReason.MessageSizeExceeded, e.Reason);
    }

    [Fact]
    public async Task Every_message_is_delivered_once_to_many_receivers()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessagesAsync(Enumerable.Range(0, 60).Select(i => new ServiceBusMessage($"{i}")));

        var bodies = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            var receiver = client.CreateReceiver(queue);
            var mine = new List<string>();
            while (await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(0.3)) is { } message)
            {
                mine.Add(message.Body.ToString());
                await receiver.CompleteMessageAsync(message);
            }

            return mine;
        }));

        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}").Order(), bodies.SelectMany(body => body).Order());
    }

    [Fact]
    public async Task A_receiver_stops_waiting_when_it_is_told_to()
    {
        await using var client = azurite.Client();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.CreateReceiver(azurite.NewName()).ReceiveMessageAsync(cancellationToken: stop.Token));
    }

    [Fact]
    public void What_cannot_be_had_locally_is_refused()
    {
        Assert.Throws<NotSupportedException>(() => new ServiceBusClient("bus.servicebus.windows.net", new DefaultAzureCredential()));
        Assert.Throws<NotSupportedException>(() => new ServiceBusClient("Endpoint=sb://bus/;SharedAccessKeyName=a;SharedAccessKey=b="));
    }

    [Fact]
    public async Task A_message_made_for_a_test_cannot_be_settled()
    {
        await using var client = azurite.Client();
        var message = ServiceBusModelFactory.ServiceBusReceivedMessage(BinaryData.FromString("x"), messageId: "m", deliveryCount: 3, lockedUntil: DateTimeOffset.MaxValue);

        Assert.Equal(("m", 3), (message.MessageId, message.DeliveryCount));
        await AssertLockLost(() => client.CreateReceiver(azurite.NewName()).CompleteMessageAsync(message));
    }

    private static async Task AssertLockLost(Func<Task> settle) =>
        Assert.Equal(ServiceBusFailureReason.MessageLockLost, (await Assert.ThrowsAsync<ServiceBusException>(settle)).Reason);
}
