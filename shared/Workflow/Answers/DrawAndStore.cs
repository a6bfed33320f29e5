using System.Threading.Channels;

namespace Hindsight.Workflow;

/// <summary>Draws on a thread of its own, and stores meanwhile what comes out of it.</summary>
internal static class DrawAndStore
{
    /// <summary>What may wait to be stored.</summary>
    private const int Ahead = 64;

    /// <param name="draw">Draws, and hands over what is to be stored, which waits where storing does not keep up.</param>
    /// <param name="store">Stores it, one by one.</param>
    /// <param name="cancellation">Stops both; the drawing is at rest when this returns.</param>
    public static async Task RunAsync<T>(Action<Action<T>, CancellationToken> draw, Func<T, Task> store, CancellationToken cancellation)
    {
        var drawn = Channel.CreateBounded<T>(Ahead);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var drawing = Task.Run(() => Draw(draw, drawn.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var item in drawn.Reader.ReadAllAsync(cancellation))
            {
                await store(item);
            }
        }
        finally
        {
            // What draws must be at rest before anyone uses it again, or frees it.
            await stop.CancelAsync();
            await drawing;
        }
    }

    private static void Draw<T>(Action<Action<T>, CancellationToken> draw, ChannelWriter<T> drawn, CancellationToken cancellation)
    {
        try
        {
            draw(
                item =>
                {
                    while (!drawn.TryWrite(item))
                    {
                        drawn.WaitToWriteAsync(cancellation).AsTask().GetAwaiter().GetResult();
                    }
                },
                cancellation);
            drawn.Complete();
        }
        catch (Exception exception)
        {
            drawn.Complete(exception);
        }
    }
}
