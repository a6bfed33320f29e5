using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>Every few minutes: nothing waits for ever.</summary>
public sealed class Watchdog(Workflow.Watchdog watchdog)
{
    /// <summary>Looks at everything once.</summary>
    [Function(nameof(Watchdog))]
    public Task RunAsync([TimerTrigger("%WatchdogSchedule%")] TimerInfo timer, CancellationToken cancellation) => watchdog.LookAsync(cancellation);
}
