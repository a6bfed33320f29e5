using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>
/// A run of the decoding graph for some rows and new tokens. What is large is bound once, where the device reads it. Write the small
/// inputs in place, run, and read the logits in the array that was given.
/// </summary>
internal sealed class BoundRun : IDisposable
{
    private readonly InferenceSession session;
    private readonly OrtIoBinding binding;
    private readonly RunOptions options = new();
    private readonly List<OrtValue> tensors = [];
    private readonly List<(string Name, OrtValue Tensor)> changing = [];

    /// <param name="graph">The fused form.</param>
    /// <param name="session">A session of it.</param>
    /// <param name="constant">Inputs that stay where they are, in the memory of the device; the caller's.</param>
    /// <param name="cache">Keys and values, of which some rows are read and extended.</param>
    /// <param name="firstRow">The first of these rows.</param>
    /// <param name="rows">Sequences.</param>
    /// <param name="tokens">New tokens of each sequence; more than one only where there is one row.</param>
    /// <param name="logits">Gets [rows, outputs]; may be longer.</param>
    public BoundRun(
        ModelGraph graph, InferenceSession session, IEnumerable<(string Input, OrtValue Value)> constant, KeyValueCache cache, int firstRow,
        int rows, int tokens, Memory<float> logits)
    {
        this.session = session;
        binding = session.CreateIoBinding();
        Ids = new long[rows * tokens];
        Positions = new long[rows * tokens];
        Adapters = new long[rows * tokens];
        Selected = new long[rows];
        LastPositions = new int[rows];
        Changing(ModelGraph.Ids, Tensor<long>(Ids, rows, tokens));
        Changing(ModelGraph.Selected, Tensor<long>(Selected, rows));
        Changing(ModelGraph.LastPositions, Tensor<int>(LastPositions, rows));
        Changing(ModelGraph.GreatestLength, Tensor<int>(GreatestLength));
        if (graph.TakesPositions)
        {
            Changing(ModelGraph.Positions, Tensor<long>(Positions, rows, tokens));
        }

        if (graph.TakesAdapters)
        {
            Changing(AdapterStack.Adapters, Tensor<long>(Adapters, rows, tokens));
        }

        foreach (var (name, value) in constant)
        {
            binding.BindInput(name, value);
        }

        foreach (var (layer, part, tensor) in cache.Tensors(firstRow, rows))
        {
            tensors.Add(tensor);
            binding.BindInput(ModelGraph.Past(layer, part), tensor);
            binding.BindOutput(ModelGraph.Present(layer, part), tensor);
        }

        var outputs = graph.Config.Outputs;
        binding.BindOutput(ModelGraph.Logits, Tensor(logits[..(rows * outputs)], rows, outputs));
    }

    /// <summary>[rows, tokens].</summary>
    public long[] Ids { get; }

    /// <summary>[rows, tokens], the tokens' places in the table of positions; where the graph takes them.</summary>
    public long[] Positions { get; }

    /// <summary>[rows, tokens], the tokens' rows in the adapters' table; where the graph takes them.</summary>
    public long[] Adapters { get; }

    /// <summary>For each row the place row·tokens + token whose logits are wanted.</summary>
    public long[] Selected { get; }

    /// <summary>For each row its length with the new tokens, less one.</summary>
    public int[] LastPositions { get; }

    /// <summary>The greatest of the lengths with the new tokens, in one element.</summary>
    public int[] GreatestLength { get; } = new int[1];

    public void Run()
    {
        // For a GPU ONNX Runtime copies an input when it is bound, not when the graph runs.
        foreach (var (name, tensor) in changing)
        {
            binding.BindInput(name, tensor);
        }

        session.RunWithBinding(options, binding);
    }

    public void Dispose()
    {
        binding.Dispose();
        options.Dispose();
        tensors.ForEach(tensor => tensor.Dispose());
    }

    private void Changing(string name, OrtValue tensor) => changing.Add((name, tensor));

    private OrtValue Tensor<T>(Memory<T> values, params long[] shape) where T : unmanaged
    {
        var tensor = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, values, shape);
        tensors.Add(tensor);
        return tensor;
    }
}
