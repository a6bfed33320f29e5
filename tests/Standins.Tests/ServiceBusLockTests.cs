using Azure.Messaging.ServiceBus;

namespace Hindsight.Standins.Tests;

public sealed class ServiceBusLockTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_completed_message_is_gone_and_cannot_be_completed_again()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 1);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x"));
        var receiver = client.CreateReceiver(queue);
        var received = (await receiver.ReceiveMessageAsync(soon))!;

        await receiver.CompleteMessageAsync(received);

        Assert.Null(await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(2)));
        await AssertLockLost(() => receiver.CompleteMessageAsync(received));
    }

    [Fact]
    public async Task A_locked_message_is_hidden_until_its_lock_expires_and_then_the_first_receiver_may_not_complete_it()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 2);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x"));
        var receiver = client.CreateReceiver(queue);
        var first = (await receiver.ReceiveMessageAsync(soon))!;
        Assert.Null(await receiver.ReceiveMessageAsync(TimeSpan.Zero));

        var second = (await client.CreateReceiver(queue).ReceiveMessageAsync(soon))!;

        Assert.Equal((1, 2), (first.DeliveryCount, second.DeliveryCount));
        Assert.NotEqual(first.LockToken, second.LockToken);
        await AssertLockLost(() => receiver.CompleteMessageAsync(first));
        await AssertLockLost(() => receiver.RenewMessageLockAsync(first));
        await receiver.CompleteMessageAsync(second);
    }

    [Fact]
    public async Task An_expired_lock_is_lost_even_if_nobody_else_took_the_message()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 1);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x"));
        var receiver = client.CreateReceiver(queue);
        var received = (await receiver.ReceiveMessageAsync(soon))!;

        await Task.Delay(TimeSpan.FromSeconds(1.1));

        await AssertLockLost(() => receiver.CompleteMessageAsync(received));
        Assert.NotNull(await receiver.ReceiveMessageAsync(soon));
    }

    [Fact]
    public async Task Renewing_keeps_the_lock_also_while_others_renew_and_complete_at_once()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 2);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x") { ApplicationProperties = { ["k"] = 1 } });
        var receiver = client.CreateReceiver(queue);
        var received = (await receiver.ReceiveMessageAsync(soon))!;
        var token = received.LockToken;

        for (var i = 0; i < 4; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(0.8));
            var until = received.LockedUntil;
            await Task.WhenAll(receiver.RenewMessageLockAsync(received), receiver.RenewMessageLockAsync(received));
            Assert.True(received.LockedUntil > until);
            Assert.Null(await client.CreateReceiver(queue).ReceiveMessageAsync(TimeSpan.Zero));
        }

        Assert.Equal(token, received.LockToken);
        await Task.WhenAll(receiver.RenewMessageLockAsync(received), receiver.CompleteMessageAsync(received));
        Assert.Null(await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(2.5)));
    }

    [Fact]
    public async Task A_message_delivered_too_often_becomes_a_dead_letter_whether_abandoned_or_forgotten()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 1, maxDeliveries: 2);
        await client.CreateSender(queue).SendMessagesAsync([new ServiceBusMessage("x") { MessageId = "abandoned" }, new ServiceBusMessage("y") { MessageId = "forgotten" }]);
        var receiver = client.CreateReceiver(queue);
        var counts = new List<(string, int)>();
        while (await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(2)) is { } message)
        {
            counts.Add((message.MessageId, message.DeliveryCount));
            if (message.MessageId == "abandoned")
            {
                await receiver.AbandonMessageAsync(message);
            }
        }

        Assert.Equal([("abandoned", 1), ("abandoned", 2), ("forgotten", 1), ("forgotten", 2)], counts.Order());
        var dead = client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        var letters = new List<ServiceBusReceivedMessage> { (await dead.ReceiveMessageAsync(soon))!, (await dead.ReceiveMessageAsync(soon))! };
        Assert.Equal(["abandoned", "forgotten"], letters.Select(letter => letter.MessageId).Order());
        Assert.All(letters, letter => Assert.Equal("MaxDeliveryCountExceeded", letter.DeadLetterReason));
        Assert.All(letters, letter => Assert.Contains("2", letter.DeadLetterErrorDescription, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_renewal_that_is_called_off_does_not_cost_the_lock()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessagesAsync(Enumerable.Range(0, 20).Select(_ => new ServiceBusMessage("x")));
        var receiver = client.CreateReceiver(queue);
        for (var i = 0; i < 20; i++)
        {
            var received = (await receiver.ReceiveMessageAsync(soon))!;
            using var calledOff = new CancellationTokenSource();
            var renewing = receiver.RenewMessageLockAsync(received, calledOff.Token);
            await Task.Delay(i / 2);
            await calledOff.CancelAsync();
            await renewing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

            await receiver.CompleteMessageAsync(received);
        }
    }

    private static async Task AssertLockLost(Func<Task> settle) =>
        Assert.Equal(ServiceBusFailureReason.MessageLockLost, (await Assert.ThrowsAsync<ServiceBusException>(settle)).Reason);
}
