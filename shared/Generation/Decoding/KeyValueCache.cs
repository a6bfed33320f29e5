using System.Runtime.InteropServices;
using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Generation;

/// <summary>
/// Keys and values of earlier tokens: for each layer two tensors [rows, keyValueHeads, capacity, headWidth], of which a run may take the
/// first rows. The memory is given by the system page by page, as rows grow.
/// </summary>
internal sealed unsafe class KeyValueCache : IDisposable
{
    private static readonly string[] Parts = ["key", "value"];

    private readonly ModelGraph graph;
    private readonly int capacity;
    private readonly Dictionary<(string Layer, string Part), nint> tensors = [];

    public KeyValueCache(ModelGraph graph, int rows, int capacity)
    {
        (this.graph, this.capacity) = (graph, capacity);
        foreach (var layer in graph.Caches)
        {
            foreach (var part in Parts)
            {
                tensors.Add((layer, part), (nint)NativeMemory.AllocZeroed((nuint)(rows * BytesPerRow)));
            }
        }
    }

    private long BytesPerRow => (long)graph.Config.KeyValueHeads * BytesPerHead;

    private long BytesPerHead => (long)capacity * BytesPerToken;

    private int BytesPerToken => graph.HeadWidth * sizeof(float);

    /// <summary>What one row needs, in bytes.</summary>
    public static long RowSize(ModelGraph graph, int capacity) =>
        (long)graph.Caches.Count * Parts.Length * graph.Config.KeyValueHeads * capacity * graph.HeadWidth * sizeof(float);

    /// <summary>Tensors over some rows, for a run that reads and extends them in place; they are the caller's to dispose.</summary>
    public IEnumerable<(string Layer, string Part, OrtValue Tensor)> Tensors(int firstRow, int rows) => tensors.Select(tensor => (
        tensor.Key.Layer,
        tensor.Key.Part,
        OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [rows, graph.Config.KeyValueHeads, capacity, graph.HeadWidth],
            tensor.Value + (nint)(firstRow * BytesPerRow), rows * BytesPerRow)));

    /// <summary>Copies the first tokens of a row of another cache of the same capacity, or of this one, to a row of this one.</summary>
    public void Copy(KeyValueCache source, int fromRow, int toRow, int tokens)
    {
        var length = (long)tokens * BytesPerToken;
        foreach (var (tensor, target) in tensors)
        {
            var from = (byte*)source.tensors[tensor] + (fromRow * BytesPerRow);
            var to = (byte*)target + (toRow * BytesPerRow);
            for (var head = 0; head < graph.Config.KeyValueHeads; head++)
            {
                Buffer.MemoryCopy(from + (head * BytesPerHead), to + (head * BytesPerHead), length, length);
            }
        }
    }

    public void Dispose()
    {
        foreach (var address in tensors.Values)
        {
            NativeMemory.Free((void*)address);
        }

        tensors.Clear();
    }
}
