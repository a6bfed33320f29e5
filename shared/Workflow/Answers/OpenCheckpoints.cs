using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>
/// The checkpoints that were read last, kept open: the variants of a sweep of weights have the same parents, whose files are so opened
/// and mapped once, and whose pages stay where there is room for them. The system takes pages of a mapped file back when memory runs
/// short, so no plan counts them.
/// </summary>
internal sealed class OpenCheckpoints : IDisposable
{
    /// <summary>The parents of an interpolation.</summary>
    private const int Most = 2;

    private readonly Lock turn = new();

    // The one that was asked for last comes last.
    private readonly List<Checkpoint> open = [];

    /// <summary>How many times a checkpoint was opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Reads from one checkpoint or two; one reader at a time, since another could close what is read.</summary>
    /// <param name="folders">Their folders, whose files do not change.</param>
    /// <param name="read">Is given them in that order, open until it returns.</param>
    /// <exception cref="InvalidDataException">A checkpoint is malformed.</exception>
    public T Read<T>(IReadOnlyList<string> folders, Func<IReadOnlyList<Checkpoint>, T> read)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(folders.Count, Most);
        lock (turn)
        {
            return read([.. folders.Select(folder => Open(folder, folders))]);
        }
    }

    public void Dispose()
    {
        open.ForEach(checkpoint => checkpoint.Dispose());
        open.Clear();
    }

    private Checkpoint Open(string folder, IReadOnlyList<string> wanted)
    {
        if (open.Find(checkpoint => checkpoint.Folder == folder) is { } known)
        {
            open.Remove(known);
            open.Add(known);
            return known;
        }

        var opened = Checkpoint.Open(folder);
        Opened++;
        if (open.Count == Most)
        {
            var oldest = open.First(checkpoint => !wanted.Contains(checkpoint.Folder));
            open.Remove(oldest);
            oldest.Dispose();
        }

        open.Add(opened);
        return opened;
    }
}
