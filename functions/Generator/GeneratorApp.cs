using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hindsight.Generator;

/// <summary>What the generator's functions need.</summary>
public static class GeneratorApp
{
    /// <summary>Adds it to an app.</summary>
    public static IHostApplicationBuilder AddGenerator(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults();
        return builder.AddWorkflow();
    }
}
