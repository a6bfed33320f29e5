using Microsoft.Azure.Functions.Worker.Host;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Microsoft.Azure.Functions.Worker.Builder;

/// <summary>
/// Builds the app together with the host that runs its functions. Settings come, weakest first, from <c>local.settings.json</c> and
/// <c>appsettings.json</c> in the working folder, the environment and the arguments; <c>host.json</c> is the host's own (see <see cref="HostSettings"/>).
/// </summary>
public class FunctionsApplicationBuilder : IHostApplicationBuilder, IFunctionsWorkerApplicationBuilder
{
    private readonly HostApplicationBuilder builder;
    private readonly List<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> middleware = [];

    internal FunctionsApplicationBuilder(string[] args)
    {
        builder = new HostApplicationBuilder(args);
        HostSettings.AddLocalSettings(builder.Configuration);
        Logging.AddConfiguration(HostSettings.Logging(Configuration));

        // Standard output belongs to the program.
        Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    public IDictionary<object, object> Properties => ((IHostApplicationBuilder)builder).Properties;

    public ConfigurationManager Configuration => builder.Configuration;

    IConfigurationManager IHostApplicationBuilder.Configuration => builder.Configuration;

    public IHostEnvironment Environment => builder.Environment;

    public ILoggingBuilder Logging => builder.Logging;

    public IMetricsBuilder Metrics => builder.Metrics;

    public IServiceCollection Services => builder.Services;

    public IHost Build()
    {
        Services.TryAddSingleton(TimeProvider.System);
        Services.TryAddSingleton(provider => FunctionSource.FromSettings(provider.GetRequiredService<IConfiguration>()));
        Services.AddSingleton(provider => new HostSettings(provider.GetRequiredService<IConfiguration>()));
        Services.AddSingleton(provider => ActivatorUtilities.CreateInstance<FunctionInvoker>(provider, middleware));

        // Last, so that functions start when all else has started and stop before all else stops.
        Services.AddHostedService<InputWatch>();
        Services.AddHostedService<FunctionHost>();
        return builder.Build();
    }

    public void ConfigureContainer<TContainerBuilder>(IServiceProviderFactory<TContainerBuilder> factory, Action<TContainerBuilder>? configure = null)
        where TContainerBuilder : notnull => builder.ConfigureContainer(factory, configure);

    public IFunctionsWorkerApplicationBuilder Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware)
    {
        this.middleware.Add(middleware);
        return this;
    }
}
