using System.Diagnostics;
using System.Globalization;
using Hindsight.Coordinator;
using Hindsight.Generator;
using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hindsight.Local;

/// <summary>
/// Both function apps on this machine: in this process, or the generator in processes of its own, as containers would be.
/// </summary>
internal sealed class LocalHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly List<Process> _generators;

    private LocalHost(IHost host, List<Process> generators)
    {
        _host = host;
        _generators = generators;
    }

    /// <summary>Where the HTTP functions answer.</summary>
    public string? Address => _host.Services.GetRequiredService<IConfiguration>()["LocalHttpAddress"];

    /// <summary>Starts the apps on a storage account.</summary>
    /// <param name="connection">Its connection string.</param>
    /// <param name="generators">Generator processes; 0 runs the generator in this process.</param>
    /// <param name="cancellation">Stops the start.</param>
    public static async Task<LocalHost> StartAsync(string connection, int generators, CancellationToken cancellation)
    {
        var settings = Settings(connection);
        if (generators > 0)
        {
            settings["AzureWebJobs:GenerateAnswers:Disabled"] = "true";
        }

        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.ConfigureFunctionsWebApplication();
        builder.AddCoordinator();
        builder.AddGenerator();
        var host = builder.Build();
        await host.StartAsync(cancellation);
        return new LocalHost(host, [.. Enumerable.Range(0, generators).Select(_ => StartGenerator(connection, generators))]);
    }

    /// <summary>Plans a run now, whatever events say.</summary>
    public Task PlanAsync(string run, CancellationToken cancellation) =>
        _host.Services.GetRequiredService<EvaluationPlanner>().PlanAsync(new PlanMessage(run), cancellation);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var generator in _generators)
        {
            generator.Kill(entireProcessTree: true);
            await generator.WaitForExitAsync();
            generator.Dispose();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _host.StopAsync(limit.Token);
        _host.Dispose();
    }

    private static Dictionary<string, string?> Settings(string connection) => new()
    {
        ["Storage"] = connection,
        // After a kill, the messages that were being handled come back when their locks expire: soon. Each kill counts as a delivery, and
        // a person may stop and start as often as they like; errors are counted apart, by the workflow itself.
        ["ServiceBus"] = $"{connection.TrimEnd(';')};QueueLockDuration=00:00:10;QueueMaxDeliveryCount=1000",
        ["LocalHttpPort"] = "0",
        ["NightlySchedule"] = "0 0 2 * * *",
        ["WatchdogSchedule"] = "*/10 * * * * *",
        ["Workflow:CacheFolder"] = Storage.CacheFolder,
        ["Workflow:Settle"] = "00:00:05",
        ["Workflow:ShardTime"] = "00:00:10",
        ["Workflow:ShardLost"] = "00:02:00",
    };

    private static Process StartGenerator(string connection, int generators)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(GeneratorApp).Assembly.Location]);
        foreach (var (key, value) in Settings(connection))
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        start.Environment["Workflow__Threads"] = Math.Max(1, Environment.ProcessorCount / generators).ToString(CultureInfo.InvariantCulture);
        return Process.Start(start)!;
    }
}
