using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>
/// What in Azure Event Grid does: for every new blob, and every new content of a blob, sends the event Microsoft.Storage.BlobCreated
/// to a queue, at least once. What has been announced is kept in the container azure-webjobs-hosts; it is written after the events
/// were sent, so a crash in between sends them again. Runs in whichever process has the function that takes the events.
/// </summary>
internal sealed class BlobEvents(BlobServiceClient storage, ServiceBusSender sender, HostSettings settings, TimeProvider clock, ILogger logger)
{
    private readonly BlobContainerClient records = storage.GetBlobContainerClient("azure-webjobs-hosts");

    public async Task RunAsync(CancellationToken stopping)
    {
        var announced = new Dictionary<string, Dictionary<string, string>>();
        while (!stopping.IsCancellationRequested)
        {
            var start = clock.GetTimestamp();
            try
            {
                foreach (var container in settings.BlobEventContainers)
                {
                    announced[container] = await AnnounceAsync(
                        container,
                        announced.GetValueOrDefault(container) ?? await ReadAsync(container, stopping).ConfigureAwait(false),
                        stopping).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                logger.LogWarning(e, "New blobs could not be announced; it is tried again.");
                announced.Clear();
            }
            catch (OperationCanceledException)
            {
                return;
            }

            // Listing a large container is work for the emulator: it gets nine tenths of its time for others.
            var pause = TimeSpan.FromTicks(Math.Max(settings.BlobEventInterval.Ticks, 9 * clock.GetElapsedTime(start).Ticks));
            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private BlobClient Record(string container) => records.GetBlobClient($"blobevents/{container}.json");

    private async Task<Dictionary<string, string>> ReadAsync(string container, CancellationToken stopping)
    {
        await records.CreateIfNotExistsAsync(cancellationToken: stopping).ConfigureAwait(false);
        try
        {
            var content = await Record(container).DownloadContentAsync(stopping).ConfigureAwait(false);
            return JsonSerializer.Deserialize<Dictionary<string, string>>(content.Value.Content)!;
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return [];
        }
    }

    /// <returns>The tag of every blob that is there now.</returns>
    private async Task<Dictionary<string, string>> AnnounceAsync(string container, Dictionary<string, string> announced, CancellationToken stopping)
    {
        var client = storage.GetBlobContainerClient(container);
        var now = new Dictionary<string, string>();
        var news = new List<ServiceBusMessage>();
        try
        {
            await foreach (var blob in client.GetBlobsAsync(cancellationToken: stopping).ConfigureAwait(false))
            {
                // Without the quotes that the header has, as in Azure.
                var tag = $"{blob.Properties.ETag}".Trim('"');
                now[blob.Name] = tag;
                if (announced.GetValueOrDefault(blob.Name) != tag)
                {
                    news.Add(Event(client, blob, tag));
                }
            }
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return announced;
        }

        if (news.Count > 0 || now.Count != announced.Count)
        {
            await sender.SendMessagesAsync(news, stopping).ConfigureAwait(false);
            await Record(container).UploadAsync(BinaryData.FromObjectAsJson(now), overwrite: true, stopping).ConfigureAwait(false);
        }

        return now;
    }

    private static ServiceBusMessage Event(BlobContainerClient container, BlobItem blob, string tag)
    {
        var url = container.GetBlobClient(blob.Name).Uri.ToString();
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{url} {tag}")).AsSpan(0, 16)).ToString();
        return new ServiceBusMessage(BinaryData.FromObjectAsJson(new
        {
            id,
            topic = $"/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/{container.AccountName}",
            subject = $"/blobServices/default/containers/{container.Name}/blobs/{blob.Name}",
            eventType = "Microsoft.Storage.BlobCreated",
            eventTime = (blob.Properties.LastModified ?? default).ToString("O", CultureInfo.InvariantCulture),
            data = new
            {
                api = "PutBlob",
                eTag = tag,
                contentType = blob.Properties.ContentType ?? "application/octet-stream",
                contentLength = blob.Properties.ContentLength ?? 0,
                blobType = $"{blob.Properties.BlobType}Blob",
                url,
            },
            dataVersion = "",
            metadataVersion = "1",
        }))
        {
            MessageId = id,
            ContentType = "application/json",
        };
    }
}
