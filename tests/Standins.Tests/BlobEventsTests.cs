using System.Text.Json;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Standins.Tests;

public sealed class BlobEventsTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    [Fact]
    public async Task An_upload_becomes_one_event_per_content_also_after_a_restart()
    {
        var (container, queue) = (azurite.NewName(), azurite.NewName());
        var blobs = new BlobContainerClient(azurite.ConnectionString, container);
        await blobs.CreateAsync();
        await blobs.UploadBlobAsync("early.txt", BinaryData.FromString("e"));
        string etag;
        await using (var app = await StartAsync(container, queue))
        {
            await app.Journal.AtLeastAsync(1);
            etag = (await blobs.GetBlobClient("run/a b/config.json").UploadAsync(BinaryData.FromString("{}"))).Value.ETag.ToString().Trim('"');
            var entry = (await app.Journal.AtLeastAsync(2))[1];

            using var json = JsonDocument.Parse(entry);
            var (root, data) = (json.RootElement, json.RootElement.GetProperty("data"));
            Assert.Equal("Microsoft.Storage.BlobCreated", root.GetProperty("eventType").GetString());
            Assert.Equal($"/blobServices/default/containers/{container}/blobs/run/a b/config.json", root.GetProperty("subject").GetString());
            Assert.Equal(etag, data.GetProperty("eTag").GetString());
            Assert.Equal(("PutBlob", 2, "BlockBlob"), (data.GetProperty("api").GetString(), data.GetProperty("contentLength").GetInt32(), data.GetProperty("blobType").GetString()));
            Assert.Equal("{}", (await new BlobClient(azurite.ConnectionString, container, new BlobUriBuilder(new Uri(data.GetProperty("url").GetString()!)).BlobName)
                .DownloadContentAsync()).Value.Content.ToString());

            await blobs.GetBlobClient("early.txt").UploadAsync(BinaryData.FromString("again"), overwrite: true);
            await app.Journal.AtLeastAsync(3);
            await Task.Delay(TimeSpan.FromSeconds(0.5));
            Assert.Equal(3, app.Journal.Entries.Count);
        }

        await using (var app = await StartAsync(container, queue))
        {
            await blobs.UploadBlobAsync("late.txt", BinaryData.FromString("l"));
            var entry = (await app.Journal.AtLeastAsync(1))[0];
            Assert.Contains("late.txt", entry, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Uploads_of_before_the_container_was_watched_are_announced_when_it_is_made_later()
    {
        var (container, queue) = (azurite.NewName(), azurite.NewName());
        await using var app = await StartAsync(container, queue);
        await Task.Delay(TimeSpan.FromSeconds(0.3));
        var blobs = new BlobContainerClient(azurite.ConnectionString, container);
        await blobs.CreateAsync();
        await blobs.UploadBlobAsync("x", BinaryData.FromString("x"));

        Assert.Contains($"/containers/{container}/blobs/x", (await app.Journal.AtLeastAsync(1))[0], StringComparison.Ordinal);
    }

    private Task<FunctionApp> StartAsync(string container, string queue) => FunctionApp.StartAsync([typeof(Uploads)], new()
    {
        ["ServiceBus"] = azurite.Settings(),
        ["Storage"] = azurite.ConnectionString,
        ["UploadQueue"] = queue,
        ["BlobEvents:Queue"] = queue,
        ["BlobEvents:Containers"] = container,
        ["BlobEvents:Interval"] = "00:00:00.1",
        ["AzureFunctionsJobHost:extensions:serviceBus:maxConcurrentCalls"] = "1",
    });

    internal sealed class Uploads(Journal journal)
    {
        [Function(nameof(Uploads))]
        public void Run([ServiceBusTrigger("%UploadQueue%", Connection = "ServiceBus")] ServiceBusReceivedMessage message) => journal.Write(message.Body.ToString());
    }
}
