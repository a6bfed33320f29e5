using Azure.Identity;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Hindsight.Workflow;

/// <summary>Registers this room in an app.</summary>
public static class WorkflowServices
{
    /// <summary>
    /// Adds the workflow, over the storage account of setting <c>Storage</c> and the Service Bus of setting <c>ServiceBus</c>: a connection
    /// string each, or <c>Storage__blobServiceUri</c> and <c>ServiceBus__fullyQualifiedNamespace</c> for the app's own identity.
    /// Calling it twice adds it once.
    /// </summary>
    public static IHostApplicationBuilder AddWorkflow(this IHostApplicationBuilder builder)
    {
        var settings = builder.Configuration;
        var options = settings.GetSection("Workflow").Get<WorkflowOptions>() ?? new WorkflowOptions();
        builder.Services.TryAddSingleton(options);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton(_ => Blobs(settings));
        builder.Services.TryAddSingleton(_ => Bus(settings));
        builder.Services.TryAddSingleton<BlobStore>();
        builder.Services.TryAddSingleton<MessageBus>();
        builder.Services.TryAddSingleton<CheckpointFolders>();
        builder.Services.TryAddSingleton<CheckpointIntake>();
        builder.Services.TryAddSingleton<CheckpointCache>();
        builder.Services.TryAddSingleton<EvaluationFreezer>();
        builder.Services.TryAddSingleton<EvaluationPlanner>();
        builder.Services.TryAddSingleton<AnswerStore>();
        builder.Services.TryAddSingleton<ShardWorker>();
        builder.Services.TryAddSingleton<AnswerCollector>();
        builder.Services.TryAddSingleton<ReportBuilder>();
        builder.Services.TryAddSingleton<Baselines>();
        builder.Services.TryAddSingleton(_ => new AlertWebhook(AlertWebhook.NewClient()));
        builder.Services.TryAddSingleton<AlertLog>();
        builder.Services.TryAddSingleton<NightlyCheck>();
        builder.Services.TryAddSingleton<Watchdog>();
        builder.Services.TryAddSingleton<StatusReader>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ContainerCreation>());
        return builder;
    }

    private static BlobServiceClient Blobs(IConfiguration settings) =>
        settings["Storage"] is { Length: > 0 } connection ? new BlobServiceClient(connection)
        : settings["Storage:blobServiceUri"] is { Length: > 0 } uri ? new BlobServiceClient(new Uri(uri), new DefaultAzureCredential())
        : throw new InvalidDataException("The setting Storage is missing; set it to a connection string, or set Storage__blobServiceUri.");

    private static ServiceBusClient Bus(IConfiguration settings) =>
        settings["ServiceBus"] is { Length: > 0 } connection ? new ServiceBusClient(connection)
        : settings["ServiceBus:fullyQualifiedNamespace"] is { Length: > 0 } name ? new ServiceBusClient(name, new DefaultAzureCredential())
        : throw new InvalidDataException("The setting ServiceBus is missing; set it to a connection string, or set ServiceBus__fullyQualifiedNamespace.");

    private sealed class ContainerCreation(BlobStore store) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => store.CreateContainersAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
