using Microsoft.Extensions.Hosting;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>
/// Ends the app with its standard input, for a process whose parent holds that open (setting StopWhenInputEnds): the system closes it
/// however the parent ends, and what is left behind has nothing to work on.
/// </summary>
internal sealed class InputWatch(HostSettings settings, IHostApplicationLifetime app) : IHostedService
{
    private static readonly TimeSpan stopLimit = TimeSpan.FromSeconds(10);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.StopWhenInputEnds)
        {
            new Thread(Watch) { IsBackground = true, Name = nameof(InputWatch) }.Start();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Watch()
    {
        using var input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0)
        {
            // Whatever is written there means nothing.
        }

        app.StopApplication();
        Thread.Sleep(stopLimit);
        Environment.Exit(1);
    }
}
