using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>
/// A run of the decoding graph for some rows and new tokens, with all tensors bound once. Write the inputs in place, run, and read the
/// logits in the array that was given.
/// </summary>
internal sealed class BoundRun : IDisposable
{
    private readonly InferenceSession session;
    private readonly OrtIoBinding binding;
    private readonly RunOptions options = new();
    private readonly List<OrtValue> tensors = [];

    /// <param name="graph">The fused form.</param>
    /// <param name="session">A session of it.</param>
    /// <param name="cache">Its first rows are read and extended.</param>
    /// <param name="rotary">For all positions of the cache.</param>
    /// <param name="rows">Sequences.</param>
    /// <param name="tokens">New tokens of each sequence; more than one only where there is one row.</param>
    /// <param name="logits">Gets [rows, vocabulary]; may be longer.</param>
    public BoundRun(ModelGraph graph, InferenceSession session, KeyValueCache cache, RotaryTable rotary, int rows, int tokens, float[] logits)
    {
        this.session = session;
        binding = session.CreateIoBinding();
        Ids = new long[rows * tokens];
        Selected = new long[rows];
        LastPositions = new int[rows];
        Input(ModelGraph.Ids, Tensor<long>(Ids, rows, tokens));
        Input(ModelGraph.Selected, Tensor<long>(Selected, rows));
        Input(ModelGraph.LastPositions, Tensor<int>(LastPositions, rows));
        Input(ModelGraph.GreatestLength, Tensor<int>(GreatestLength));
        Input(ModelGraph.Cosines, Tensor<float>(rotary.Cosines, [.. rotary.Shape]));
        Input(ModelGraph.Sines, Tensor<float>(rotary.Sines, [.. rotary.Shape]));
        foreach (var (layer, part, tensor) in cache.FirstRows(rows))
        {
            tensors.Add(tensor);
            Input(ModelGraph.Past(layer, part), tensor);
            binding.BindOutput(ModelGraph.Present(layer, part), tensor);
        }

        var vocabulary = graph.Config.VocabularySize;
        binding.BindOutput(ModelGraph.Logits, Tensor(logits.AsMemory(0, rows * vocabulary), rows, vocabulary));
    }

    /// <summary>[rows, tokens].</summary>
    public long[] Ids { get; }

    /// <summary>For each row the place row·tokens + token whose logits are wanted.</summary>
    public long[] Selected { get; }

    /// <summary>For each row its length with the new tokens, less one.</summary>
    public int[] LastPositions { get; }

    /// <summary>The greatest of the lengths with the new tokens, in one element.</summary>
    public int[] GreatestLength { get; } = new int[1];

    public void Run() => session.RunWithBinding(options, binding);

    public void Dispose()
    {
        binding.Dispose();
        options.Dispose();
        tensors.ForEach(tensor => tensor.Dispose());
    }

    private void Input(string name, OrtValue tensor) => binding.BindInput(name, tensor);

    private OrtValue Tensor<T>(Memory<T> values, params long[] shape) where T : unmanaged
    {
        var tensor = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, values, shape);
        tensors.Add(tensor);
        return tensor;
    }
}
