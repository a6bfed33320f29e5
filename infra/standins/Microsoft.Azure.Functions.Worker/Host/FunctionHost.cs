using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>
/// What in Azure is the Functions host: watches the triggers of all functions and runs them. On a stop nothing new begins, the
/// tokens of running functions are cancelled, and they get the app's shutdown time to end.
/// </summary>
internal sealed class FunctionHost(
    FunctionSource source, HostSettings settings, FunctionInvoker invoker, TimeProvider clock, ILoggerFactory loggers, IServiceProvider services) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> running = [];
    private readonly Dictionary<string, ServiceBusClient> clients = [];
    private HttpFunctions? http;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var functions = source.Find().Where(function => !settings.IsDisabled(function.Name)).ToList();
        var logger = loggers.CreateLogger("Host.Startup");
        if (functions.Count == 0)
        {
            logger.LogWarning("No functions were found.");
        }

        // Whatever is wrong with a function or a setting shows now, before any function runs.
        var loops = new List<Func<Task>>();
        foreach (var function in functions)
        {
            var log = loggers.CreateLogger($"Function.{function.Name}");
            switch (function.Trigger)
            {
                case ServiceBusTriggerAttribute trigger:
                    var connection = trigger.Connection ?? "AzureWebJobsServiceBus";
                    var client = Client(settings.Connection(connection));
                    var queue = settings.Resolve(trigger.QueueName!);
                    loops.Add(new ServiceBusListener(function, client.CreateReceiver(queue), settings, invoker, log).Loop(stopping.Token));
                    if (queue == settings.BlobEventQueue)
                    {
                        var storage = new BlobServiceClient(settings.Connection(settings.BlobEventStorage));
                        var events = new BlobEvents(storage, client.CreateSender(queue), settings, clock, loggers.CreateLogger("Host.BlobEvents"));
                        loops.Add(() => events.RunAsync(stopping.Token));
                    }

                    break;
                case TimerTriggerAttribute trigger:
                    loops.Add(new TimerListener(function, settings.Resolve(trigger.Schedule), trigger.RunOnStartup, settings, invoker, clock, log).Loop(stopping.Token));
                    break;
            }
        }

        if (functions.Any(function => function.Trigger is HttpTriggerAttribute))
        {
            http = services.GetService<HttpFunctions>()
                ?? throw new InvalidOperationException("The app has HTTP functions: call ConfigureFunctionsWebApplication() on its builder.");
            await http.StartAsync(functions, stopping.Token, cancellationToken).ConfigureAwait(false);
        }

        running.AddRange(loops.Select(loop => Task.Run(loop, CancellationToken.None)));
        logger.LogInformation("Running {Functions}", string.Join(", ", functions.Select(function => function.Name)));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            if (http is not null)
            {
                await http.StopAsync(cancellationToken).ConfigureAwait(false);
            }

            await Task.WhenAll(running).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            loggers.CreateLogger("Host.Shutdown").LogWarning("Some functions did not end in the shutdown time; their messages come back when the locks expire.");
        }

        foreach (var client in clients.Values)
        {
            await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => stopping.Dispose();

    private ServiceBusClient Client(string connection) =>
        clients.TryGetValue(connection, out var client) ? client : clients[connection] = new ServiceBusClient(connection);
}
