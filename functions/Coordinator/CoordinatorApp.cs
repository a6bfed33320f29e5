using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hindsight.Coordinator;

/// <summary>What the coordinator's functions need.</summary>
public static class CoordinatorApp
{
    /// <summary>Adds it to an app.</summary>
    public static IHostApplicationBuilder AddCoordinator(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults();
        return builder.AddWorkflow();
    }
}
