using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>Plans a run: wanted answers − stored answers = shards.</summary>
public sealed class Planner(EvaluationPlanner planner)
{
    /// <summary>Plans the evaluation that the run asks for at present.</summary>
    [Function(nameof(Planner))]
    public Task RunAsync([ServiceBusTrigger(MessageBus.Plan, Connection = "ServiceBus")] PlanMessage message, CancellationToken cancellation) =>
        planner.PlanAsync(message, cancellation);
}
