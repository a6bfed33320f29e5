using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Hindsight.Local;

/// <summary>
/// Azurite, the Azure Storage emulator, for blobs and queues on free loopback ports. It lives no longer than this process, however
/// that ends; its data stay in a folder. What it has acknowledged is on disk when it stops or when this process dies; only a kill
/// of Azurite itself can lose the last fraction of a second.
/// </summary>
public sealed class Azurite : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";

    // The emulator's well-known key: not a secret, the same in every Azurite.
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private static readonly TimeSpan startLimit = TimeSpan.FromSeconds(90);

    private readonly FileStream folderLock;
    private readonly Process process;

    private Azurite(FileStream folderLock, Process process, string connectionString)
    {
        this.folderLock = folderLock;
        this.process = process;
        ConnectionString = connectionString;
    }

    /// <summary>A storage connection string with a blob and a queue endpoint.</summary>
    public string ConnectionString { get; }

    internal int ProcessId => process.Id;

    /// <summary>The connection string of the Azurite that another process keeps in <paramref name="folder"/> now, or null.</summary>
    public static string? Find(string folder)
    {
        if (!File.Exists(LockFile(folder)))
        {
            return null;
        }

        try
        {
            File.Open(LockFile(folder), FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return null;
        }
        catch (IOException)
        {
            return File.Exists(ConnectionFile(folder)) ? File.ReadAllText(ConnectionFile(folder)) : null;
        }
    }

    /// <summary>Starts Azurite on the data in <paramref name="folder"/> (made if it is absent) and waits until it answers.</summary>
    /// <exception cref="InvalidOperationException">Node.js or the npm packages are missing, the folder is in use, or Azurite does not come up.</exception>
    public static async Task<Azurite> StartAsync(string folder, CancellationToken cancellationToken = default)
    {
        folder = Directory.CreateDirectory(folder).FullName;
        var modules = typeof(Azurite).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "NodeModules").Value!;
        if (!Directory.Exists(Path.Combine(modules, "azurite")))
        {
            throw new InvalidOperationException($"Azurite is not in {modules}: run 'npm ci' in {Path.GetDirectoryName(modules.TrimEnd('/'))}.");
        }

        FileStream folderLock;
        try
        {
            folderLock = File.Open(LockFile(folder), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new InvalidOperationException($"Another process keeps its storage in {folder}: wait until it has ended, or use another folder.");
        }

        Process? process = null;
        try
        {
            File.Delete(ConnectionFile(folder));
            await EndLeftoverAsync(folder, cancellationToken);
            process = Launch(modules, folder);
            var connectionString = await ReadEndpointsAsync(process, folder, cancellationToken);
            await File.WriteAllTextAsync(ConnectionFile(folder), connectionString, cancellationToken);
            return new Azurite(folderLock, process, connectionString);
        }
        catch
        {
            process?.Kill();
            process?.Dispose();
            await folderLock.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        using (var limit = new CancellationTokenSource(startLimit))
        {
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }

        process.Dispose();
        await folderLock.DisposeAsync();
    }

    private static string LockFile(string folder) => Path.Combine(folder, "azurite.lock");

    private static string ConnectionFile(string folder) => Path.Combine(folder, "azurite.connection");

    private static Process Launch(string modules, string folder)
    {
        using var script = new StreamReader(typeof(Azurite).Assembly.GetManifestResourceStream("azurite.js")!);
        var start = new ProcessStartInfo("node", ["-e", script.ReadToEnd(), "--", folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["AZURITE_MODULES"] = modules;
        start.Environment.Remove("AZURITE_ACCOUNTS");
        start.Environment.Remove("NODE_OPTIONS");
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new InvalidOperationException("Node.js was not found: install Node.js 20 or later and see that 'node' is on the PATH.");
        }
    }

    private static async Task<string> ReadEndpointsAsync(Process process, string folder, CancellationToken cancellationToken)
    {
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
            {
                // Enough to tell what went wrong; the rest is read only to keep the pipe empty.
                if (errors.Length < 4096)
                {
                    errors.AppendLine(line.Data);
                }
            }
        };
        process.BeginErrorReadLine();

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(startLimit);
        string? line;
        try
        {
            line = await process.StandardOutput.ReadLineAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"Azurite did not start on {folder} in {startLimit.TotalSeconds:0} seconds.");
        }

        if (line is null)
        {
            await process.WaitForExitAsync(cancellationToken);
            lock (errors)
            {
                throw new InvalidOperationException($"Azurite could not start on {folder}: {errors.ToString().Trim()}");
            }
        }

        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        var endpoints = JsonSerializer.Deserialize<Dictionary<string, string>>(line)!;
        return $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};"
            + $"BlobEndpoint={endpoints["blob"]}/{Account};QueueEndpoint={endpoints["queue"]}/{Account};";
    }

    /// <summary>An Azurite whose parent was just killed may still be saving: it must be gone before the next one reads its files.</summary>
    private static async Task EndLeftoverAsync(string folder, CancellationToken cancellationToken)
    {
        var file = new FileInfo(Path.Combine(folder, "azurite.pid"));
        if (!file.Exists || !int.TryParse(await File.ReadAllTextAsync(file.FullName, cancellationToken), out var id))
        {
            return;
        }

        Process leftover;
        try
        {
            leftover = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return;
        }

        using (leftover)
        {
            try
            {
                // A process wrote this file just after it started; one that started at another time has only inherited the number.
                if ((file.LastWriteTimeUtc - leftover.StartTime.ToUniversalTime()).Duration() > TimeSpan.FromMinutes(1))
                {
                    return;
                }

                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(startLimit);
                await leftover.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                leftover.Kill();
                await leftover.WaitForExitAsync(cancellationToken);
            }
            catch (Exception e) when (e is InvalidOperationException or Win32Exception)
            {
                // It ended while we looked, or belongs to another user and is thus not ours.
            }
        }
    }
}
