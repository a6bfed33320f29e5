using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>Every night: what is new is evaluated, what is not costs nothing, and what got worse is announced.</summary>
public sealed class Nightly(NightlyCheck nightly)
{
    /// <summary>Begins the night of every run.</summary>
    [Function(nameof(Nightly))]
    public Task RunAsync([TimerTrigger("%NightlySchedule%")] TimerInfo timer, CancellationToken cancellation) => nightly.BeginAsync(cancellation);
}
