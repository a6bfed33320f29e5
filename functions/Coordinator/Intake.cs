using Azure.Messaging.ServiceBus;
using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>A blob was created: is its checkpoint's folder complete and safe?</summary>
public sealed class Intake(CheckpointIntake intake)
{
    /// <summary>Takes the checkpoint in, and asks for its run to be planned.</summary>
    [Function(nameof(Intake))]
    public Task RunAsync(
        [ServiceBusTrigger(MessageBus.Uploads, Connection = "ServiceBus")] ServiceBusReceivedMessage message, CancellationToken cancellation) =>
        intake.HandleAsync(message.Body, cancellation);
}
