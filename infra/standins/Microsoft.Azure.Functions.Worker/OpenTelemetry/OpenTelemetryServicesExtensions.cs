using global::OpenTelemetry;
using global::OpenTelemetry.Metrics;
using global::OpenTelemetry.Trace;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>In Azure builds this is in the package OpenTelemetry.Extensions.Hosting, which comes with the worker's.</summary>
    public static class OpenTelemetryServicesExtensions
    {
        public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
        {
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OpenTelemetryStart>());
            return new OpenTelemetryBuilder(services);
        }

        /// <summary>Providers listen from the moment they are made.</summary>
        private sealed class OpenTelemetryStart(IServiceProvider services) : IHostedService
        {
            public Task StartAsync(CancellationToken cancellationToken)
            {
                _ = services.GetService<MeterProvider>();
                _ = services.GetService<TracerProvider>();
                return Task.CompletedTask;
            }

            public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        }
    }
}

namespace OpenTelemetry
{
    public sealed class OpenTelemetryBuilder : IOpenTelemetryBuilder
    {
        internal OpenTelemetryBuilder(Microsoft.Extensions.DependencyInjection.IServiceCollection services) => Services = services;

        public Microsoft.Extensions.DependencyInjection.IServiceCollection Services { get; }
    }
}
