using global::OpenTelemetry;
using global::OpenTelemetry.Trace;
using Microsoft.Azure.Functions.Worker.Host;

namespace Microsoft.Azure.Functions.Worker.OpenTelemetry;

public static class ConfigureFunctionsOpenTelemetry
{
    /// <summary>Takes in the span that surrounds each invocation.</summary>
    public static IOpenTelemetryBuilder UseFunctionsWorkerDefaults(this IOpenTelemetryBuilder builder) =>
        builder.WithTracing(tracing => tracing.AddSource(FunctionInvoker.Source.Name));
}
