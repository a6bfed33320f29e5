using System.CommandLine;
using Azure.Storage.Blobs;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary>The storage that a command works on: an account given by its connection string, or Azurite in the user's cache folder.</summary>
internal sealed class Storage : IAsyncDisposable
{
    private readonly Azurite? azurite;

    private Storage(string connection, Azurite? azurite)
    {
        Connection = connection;
        this.azurite = azurite;
        Blobs = new BlobStore(new BlobServiceClient(connection));
    }

    /// <summary>The option that names another account.</summary>
    public static Option<string?> ConnectionOption() => new("--connection")
    {
        Description = "Connection string of another storage account, or of an Azurite that runs already. Default: Azurite in the cache folder.",
    };

    /// <summary>The user's cache folder for this program.</summary>
    public static string CacheFolder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "hindsight");

    /// <summary>The account's connection string.</summary>
    public string Connection { get; }

    /// <summary>Its containers.</summary>
    public BlobStore Blobs { get; }

    /// <summary>Opens the storage, starting Azurite if none runs on the cache folder.</summary>
    /// <param name="connection">The value of <see cref="ConnectionOption"/>.</param>
    /// <param name="share">Whether the Azurite of another command that runs now may be used.</param>
    /// <param name="cancellation">Stops the start.</param>
    public static async Task<Storage> OpenAsync(string? connection, bool share, CancellationToken cancellation)
    {
        var folder = Path.Combine(CacheFolder, "azurite");
        var storage = connection is not null ? new Storage(connection, null)
            : share && Azurite.Find(folder) is { } running ? new Storage(running, null)
            : await StartAsync(folder, cancellation);
        try
        {
            await storage.Blobs.CreateContainersAsync(cancellation);
            return storage;
        }
        catch (FormatException)
        {
            await storage.DisposeAsync();
            throw new InvalidDataException("--connection is not a storage connection string.");
        }
        catch
        {
            await storage.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (azurite is not null)
        {
            await azurite.DisposeAsync();
        }
    }

    private static async Task<Storage> StartAsync(string folder, CancellationToken cancellation)
    {
        var azurite = await Azurite.StartAsync(folder, cancellation);
        return new Storage(azurite.ConnectionString, azurite);
    }
}
