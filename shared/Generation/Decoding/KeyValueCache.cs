using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>
/// Keys and values of earlier tokens in the memory of the device that reads them: for each layer two tensors
/// [rows, keyValueHeads, capacity, headWidth], of which a run may take the first rows.
/// </summary>
internal sealed class KeyValueCache : IDisposable
{
    private static readonly string[] Parts = ["key", "value"];

    private readonly ModelGraph graph;
    private readonly int capacity;
    private readonly DeviceMemory memory;
    private readonly Dictionary<(string Layer, string Part), nint> tensors = [];

    /// <exception cref="InvalidDataException">The device has not so much memory.</exception>
    public KeyValueCache(ModelGraph graph, int rows, int capacity, DeviceMemory memory)
    {
        (this.graph, this.capacity, this.memory) = (graph, capacity, memory);
        try
        {
            foreach (var layer in graph.Caches)
            {
                foreach (var part in Parts)
                {
                    tensors.Add((layer, part), memory.Allocate(rows * BytesPerRow));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private long BytesPerRow => (long)graph.Config.KeyValueHeads * BytesPerHead;

    private long BytesPerHead => (long)capacity * BytesPerToken;

    private int BytesPerToken => graph.HeadWidth * graph.ElementSize;

    /// <summary>What one row needs, in bytes.</summary>
    public static long RowSize(ModelGraph graph, int capacity) =>
        (long)graph.Caches.Count * Parts.Length * graph.Config.KeyValueHeads * capacity * graph.HeadWidth * graph.ElementSize;

    /// <summary>Tensors over some rows, for a run that reads and extends them in place; they are the caller's to dispose.</summary>
    public IEnumerable<(string Layer, string Part, OrtValue Tensor)> Tensors(int firstRow, int rows) => tensors.Select(tensor => (
        tensor.Key.Layer,
        tensor.Key.Part,
        OrtValue.CreateTensorValueWithData(
            memory.Info, graph.ElementType, [rows, graph.Config.KeyValueHeads, capacity, graph.HeadWidth],
            tensor.Value + (nint)(firstRow * BytesPerRow), rows * BytesPerRow)));

    /// <summary>Copies the first tokens of a row of another cache of the same capacity, or of this one, to a row of this one.</summary>
    public void Copy(KeyValueCache source, int fromRow, int toRow, int tokens)
    {
        foreach (var (tensor, target) in tensors)
        {
            // A token's keys lie side by side within a head; heads lie a whole capacity apart.
            memory.Copy(
                source.tensors[tensor] + (nint)(fromRow * BytesPerRow), target + (nint)(toRow * BytesPerRow),
                (long)tokens * BytesPerToken, graph.Config.KeyValueHeads, BytesPerHead);
        }

        memory.Finish();
    }

    public void Dispose()
    {
        foreach (var address in tensors.Values)
        {
            memory.Free(address);
        }

        tensors.Clear();
    }
}
