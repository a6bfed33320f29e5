using System.Globalization;
using Azure.Messaging.ServiceBus;
using Hindsight.Local;

namespace Hindsight.Standins.Tests;

/// <summary>One Azurite for all classes of the collection, in a folder of its own.</summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hindsight-azurite-");
    private Azurite azurite = null!;
    private int queues;

    public string ConnectionString => azurite.ConnectionString;

    public async Task InitializeAsync() => azurite = await Azurite.StartAsync(folder.FullName);

    public async Task DisposeAsync()
    {
        await azurite.DisposeAsync();
        folder.Delete(recursive: true);
    }

    /// <summary>A queue, or container, that no other test uses.</summary>
    internal string NewName() => string.Create(CultureInfo.InvariantCulture, $"name-{Interlocked.Increment(ref queues)}");

    internal ServiceBusClient Client(double lockSeconds = 60, int maxDeliveries = 5) => new(Settings(lockSeconds, maxDeliveries));

    internal string Settings(double lockSeconds = 60, int maxDeliveries = 5) =>
        string.Create(CultureInfo.InvariantCulture, $"{ConnectionString}QueueLockDuration={TimeSpan.FromSeconds(lockSeconds)};QueueMaxDeliveryCount={maxDeliveries}");
}
