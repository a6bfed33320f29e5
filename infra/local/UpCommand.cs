using System.CommandLine;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>up</c>: runs the local host and watches for uploads until it is stopped.</summary>
internal static class UpCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var connection = Storage.ConnectionOption();
        var generators = new Option<int>("--generators") { Description = "Generator processes of their own. Default 0: in this process." };
        var device = LocalHost.DeviceOption();
        var command = new Command("up", "Run the pipeline and evaluate what is uploaded, until stopped with Ctrl-C.") { connection, generators, device };
        command.Run(async (arguments, cancellation) =>
        {
            await using var storage = await Storage.OpenAsync(arguments.GetValue(connection), share: false, cancellation);
            await using var host = await LocalHost.StartAsync(storage.Connection, arguments.GetValue(generators), arguments.GetValue(device), cancellation);
            Console.WriteLine("Upload suites to suites/NAME.jsonl and checkpoints to checkpoints/RUN/CHECKPOINT/ of this storage account:");
            Console.WriteLine($"  {storage.Connection}");
            if (host.Address is { } address)
            {
                Console.WriteLine($"Status: {address}/api/runs");
            }

            Console.WriteLine("Ctrl-C stops.");
            await WatchAsync(storage, host, cancellation);
            return 0;
        });
        return command;
    }

    private static async Task WatchAsync(Storage storage, LocalHost host, CancellationToken cancellation)
    {
        var reader = StatusCommand.Reader(storage.Blobs);
        var shown = new Dictionary<string, string>();
        try
        {
            while (true)
            {
                host.CheckGenerators();
                foreach (var run in await reader.RunsAsync(cancellation))
                {
                    if (await reader.ReadAsync(run, cancellation) is not { } status)
                    {
                        continue;
                    }

                    var text = string.Join('\n', StatusCommand.Lines(status).Select(CommandErrors.Inert));
                    if (shown.GetValueOrDefault(run) != text)
                    {
                        shown[run] = text;
                        Console.WriteLine(text);
                    }
                }

                await Task.Delay(TimeSpan.FromSeconds(2), cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Console.WriteLine("Stopping.");
        }
    }
}
