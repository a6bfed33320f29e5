using System.Diagnostics;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Hindsight.Local;

namespace Hindsight.Standins.Tests;

public sealed class AzuriteTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hindsight-azurite-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Blobs_and_messages_survive_a_restart()
    {
        await using (var azurite = await Azurite.StartAsync(folder.FullName))
        {
            await StoreAsync(azurite);
        }

        await using (var azurite = await Azurite.StartAsync(folder.FullName))
        {
            await AssertStoredAsync(azurite);
        }
    }

    [Fact]
    public async Task Blobs_and_messages_survive_a_kill_of_Azurite_from_the_moment_they_are_saved()
    {
        await using (var azurite = await Azurite.StartAsync(folder.FullName))
        {
            await StoreAsync(azurite);
            await SavedAsync("__azurite_db_blob__.json", "folder/b.txt");
            await SavedAsync("__azurite_db_queue__.json", "\"messageId\"");
            using var process = Process.GetProcessById(azurite.ProcessId);
            process.Kill();
        }

        await using (var azurite = await Azurite.StartAsync(folder.FullName))
        {
            await AssertStoredAsync(azurite);
        }
    }

    [Fact]
    public async Task A_folder_belongs_to_one_Azurite_which_others_can_find()
    {
        Assert.Null(Azurite.Find(folder.FullName));
        await using (var azurite = await Azurite.StartAsync(folder.FullName))
        {
            Assert.Equal(azurite.ConnectionString, Azurite.Find(folder.FullName));
            var e = await Assert.ThrowsAsync<InvalidOperationException>(() => Azurite.StartAsync(folder.FullName));
            Assert.Contains(folder.FullName, e.Message, StringComparison.Ordinal);
        }

        Assert.Null(Azurite.Find(folder.FullName));
    }

    [Fact]
    public async Task A_start_waits_for_an_Azurite_that_is_still_saving_for_a_killed_parent()
    {
        // A process that behaves like one: it has written its number and ends a moment later.
        using var leftover = Process.Start("sleep", "1.5")!;
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "azurite.pid"), $"{leftover.Id}");

        await using var azurite = await Azurite.StartAsync(folder.FullName);

        Assert.True(leftover.HasExited);
    }

    [Fact]
    public async Task Azurite_listens_on_the_loopback_interface_only()
    {
        await using var azurite = await Azurite.StartAsync(folder.FullName);
        Assert.Equal("127.0.0.1", new BlobServiceClient(azurite.ConnectionString).Uri.Host);
    }

    [Fact]
    public async Task Conditional_writes_are_refused_when_the_condition_fails()
    {
        await using var azurite = await Azurite.StartAsync(folder.FullName);
        var container = new BlobContainerClient(azurite.ConnectionString, "container");
        await container.CreateAsync();
        var blob = container.GetBlobClient("b");
        var onlyIfAbsent = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = Azure.ETag.All } };

        await blob.UploadAsync(BinaryData.FromString("first"), onlyIfAbsent);

        var e = await Assert.ThrowsAsync<Azure.RequestFailedException>(() => blob.UploadAsync(BinaryData.FromString("second"), onlyIfAbsent));
        Assert.True(e.Status is 409 or 412);
        Assert.Equal("first", (await blob.DownloadContentAsync()).Value.Content.ToString());
    }

    private async Task SavedAsync(string index, string entry)
    {
        for (var watch = Stopwatch.StartNew(); !(await File.ReadAllTextAsync(Path.Combine(folder.FullName, index))).Contains(entry, StringComparison.Ordinal); await Task.Delay(50))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{index} was not saved");
        }
    }

    private static async Task StoreAsync(Azurite azurite)
    {
        var container = new BlobContainerClient(azurite.ConnectionString, "container");
        await container.CreateAsync();
        await container.UploadBlobAsync("folder/b.txt", BinaryData.FromString("content"));
        await using var client = new ServiceBusClient(azurite.ConnectionString);
        await client.CreateSender("queue").SendMessageAsync(new ServiceBusMessage("message"));
    }

    private static async Task AssertStoredAsync(Azurite azurite)
    {
        var blob = new BlobClient(azurite.ConnectionString, "container", "folder/b.txt");
        Assert.Equal("content", (await blob.DownloadContentAsync()).Value.Content.ToString());
        await using var client = new ServiceBusClient(azurite.ConnectionString);
        Assert.Equal("message", (await client.CreateReceiver("queue").ReceiveMessageAsync(TimeSpan.FromSeconds(5)))!.Body.ToString());
    }
}
