using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Hindsight.Coordinator;
using Hindsight.Generation;
using Hindsight.Generator;
using Hindsight.Models;
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
    private const int MostRestarts = 10;

    private static readonly Assembly CoordinatorApp = typeof(Intake).Assembly;
    private static readonly Assembly GeneratorApp = typeof(GenerateAnswers).Assembly;

    private readonly IHost host;
    private readonly CancellationTokenSource stop = new();
    private readonly List<Task> generators;

    private LocalHost(IHost host, string connection, int generators, Device device)
    {
        this.host = host;
        this.generators = [.. Enumerable.Range(0, generators).Select(_ => KeepGeneratorAsync(connection, generators, device))];
    }

    /// <summary>Where the HTTP functions answer.</summary>
    public string? Address => host.Services.GetRequiredService<IConfiguration>()["LocalHttpAddress"];

    /// <summary>The option that says what generators compute on.</summary>
    public static Option<Device> DeviceOption() => new("--device") { Description = "What computes: cpu (the default), or cuda for an NVIDIA GPU." };

    /// <summary>Starts the apps on a storage account.</summary>
    /// <param name="connection">Its connection string.</param>
    /// <param name="generators">Generator processes; 0 runs the generator in this process.</param>
    /// <param name="device">What they compute on.</param>
    /// <param name="cancellation">Stops the start.</param>
    /// <exception cref="InvalidDataException">The device is not there.</exception>
    public static async Task<LocalHost> StartAsync(string connection, int generators, Device device, CancellationToken cancellation)
    {
        DeviceMemory.Of(device);
        var settings = Settings(connection, device);
        settings["FunctionAssemblies"] = generators > 0 ? CoordinatorApp.FullName : $"{CoordinatorApp.FullName};{GeneratorApp.FullName}";
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.ConfigureFunctionsWebApplication();
        builder.AddWorkflow();
        var host = builder.Build();
        await host.StartAsync(cancellation);
        return new LocalHost(host, connection, generators, device);
    }

    /// <summary>Plans a run now, whatever events say.</summary>
    public Task PlanAsync(string run, CancellationToken cancellation) =>
        host.Services.GetRequiredService<EvaluationPlanner>().PlanAsync(new PlanMessage(run, Retry: true), cancellation);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(generators).ContinueWith(_ => { }, TaskScheduler.Default);
        stop.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await host.StopAsync(limit.Token);
        host.Dispose();
    }

    private static Dictionary<string, string?> Settings(string connection, Device device) => new()
    {
        ["Storage"] = connection,
        // After a kill, the messages that were being handled come back when their locks expire: soon. Each kill counts as a delivery, and
        // a person may stop and start as often as they like; errors are counted apart, by the workflow itself.
        ["ServiceBus"] = $"{connection.TrimEnd(';')};QueueLockDuration=00:00:10;QueueMaxDeliveryCount=1000",
        ["LocalHttpPort"] = "0",
        ["NightlySchedule"] = "0 0 2 * * *",
        ["WatchdogSchedule"] = "*/10 * * * * *",
        ["Workflow:Device"] = device.ToString(),
        ["Workflow:CacheFolder"] = Storage.CacheFolder,
        ["Workflow:Settle"] = "00:00:05",
        ["Workflow:ShardTime"] = "00:00:10",
        ["Workflow:ShardLost"] = "00:02:00",
    };

    /// <summary>Throws when a generator process keeps ending.</summary>
    public void CheckGenerators()
    {
        if (generators.Find(generator => generator.IsFaulted) is { } ended)
        {
            throw new InvalidOperationException(ended.Exception!.InnerException!.Message);
        }
    }

    /// <summary>Runs a generator process until stopped, and another when it ends by itself.</summary>
    private async Task KeepGeneratorAsync(string connection, int generators, Device device)
    {
        for (var restarts = 0; restarts <= MostRestarts; restarts++)
        {
            using var generator = StartGenerator(connection, generators, device);
            try
            {
                await generator.WaitForExitAsync(stop.Token);
            }
            catch (OperationCanceledException)
            {
                generator.Kill(entireProcessTree: true);
                await generator.WaitForExitAsync(CancellationToken.None);
                return;
            }
        }

        throw new InvalidOperationException("A generator process ended by itself again and again; there may be too little memory for so many (--generators).");
    }

    private static Process StartGenerator(string connection, int generators, Device device)
    {
        // The process ends with its standard input: with this one, however this one ends.
        var start = new ProcessStartInfo("dotnet", [GeneratorApp.Location]) { RedirectStandardInput = true };
        start.Environment["StopWhenInputEnds"] = "true";
        foreach (var (key, value) in Settings(connection, device))
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        start.Environment["Workflow__Threads"] = Math.Max(1, Environment.ProcessorCount / generators).ToString(CultureInfo.InvariantCulture);
        start.Environment["Workflow__Memory"] = (new EngineOptions { Device = device }.Memory / generators).ToString(CultureInfo.InvariantCulture);
        return Process.Start(start)!;
    }
}
