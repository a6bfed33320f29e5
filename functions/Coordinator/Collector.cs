using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>All there? Then grade, score, and plan the next stage or report.</summary>
public sealed class Collector(AnswerCollector collector)
{
    /// <summary>Looks at one evaluation.</summary>
    [Function(nameof(Collector))]
    public Task RunAsync(
        [ServiceBusTrigger(MessageBus.Collect, Connection = "ServiceBus")] CollectMessage message, CancellationToken cancellation) =>
        collector.CollectAsync(message, cancellation);
}
