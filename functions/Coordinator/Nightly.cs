using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>Every night, each run is planned again: what is new is evaluated, what is not costs nothing.</summary>
public sealed class Nightly(StatusReader runs, MessageBus bus)
{
    /// <summary>Asks for every run to be planned.</summary>
    [Function(nameof(Nightly))]
    public async Task RunAsync([TimerTrigger("%NightlySchedule%")] TimerInfo timer, CancellationToken cancellation)
    {
        foreach (var run in await runs.RunsAsync(cancellation))
        {
            await bus.SendAsync(new PlanMessage(run), cancellation);
        }
    }
}
