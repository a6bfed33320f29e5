using Azure.Messaging.ServiceBus;
using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Generator;

/// <summary>Draws a shard's answers. What can never succeed goes to the dead-letter queue at once, with the reason.</summary>
public sealed class GenerateAnswers(ShardWorker worker)
{
    private const int LongestDescription = 4096;

    /// <summary>Draws one shard.</summary>
    [Function(nameof(GenerateAnswers))]
    public async Task RunAsync(
        [ServiceBusTrigger(MessageBus.Generate, Connection = "ServiceBus", AutoCompleteMessages = false)] ServiceBusReceivedMessage message,
        ServiceBusMessageActions actions,
        CancellationToken cancellation)
    {
        var refusal = await worker.DrawAsync(MessageBus.Read<GenerateMessage>(message.Body), cancellation);
        if (refusal is null)
        {
            await actions.CompleteMessageAsync(message, cancellation);
        }
        else
        {
            await actions.DeadLetterMessageAsync(
                message, null, "InvalidData", refusal.Length > LongestDescription ? refusal[..LongestDescription] : refusal, cancellation);
        }
    }
}
