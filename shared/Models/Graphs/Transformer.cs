using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>A model that reads whole texts: logits at every position. The weights must outlive it.</summary>
public sealed class Transformer : IDisposable
{
    private readonly ModelGraph graph;
    private readonly InferenceSession session;

    /// <param name="weights">The model, or the base of the adapters.</param>
    /// <param name="target">The form of the graph.</param>
    /// <param name="threads">Threads that one run uses.</param>
    /// <param name="stack">Adapters that texts may be read under; they must outlive it too.</param>
    /// <param name="device">What computes.</param>
    /// <exception cref="InvalidDataException">There is no GPU that can be used; the message says what is missing.</exception>
    public Transformer(Weights weights, Target target, int threads, AdapterStack? stack = null, Device device = Device.Cpu)
    {
        graph = ModelGraph.For(weights.Config, target, weights.Precision, stack);
        session = graph.Open(weights, threads, stack, device);
    }

    /// <returns>Row-major [ids, vocabulary]: row i holds the logits of the token after <c>ids[i]</c>.</returns>
    /// <exception cref="InvalidDataException">There are no ids, more than the model has positions, or one outside the vocabulary.</exception>
    public float[] Logits(IReadOnlyList<int> ids) => Logits([ids], [null]);

    /// <summary>The logits under one adapter of a stack.</summary>
    /// <param name="ids">One text.</param>
    /// <param name="slot">The place of the adapter in the stack; null for the base alone.</param>
    /// <inheritdoc cref="Logits(IReadOnlyList{int})"/>
    public float[] Logits(IReadOnlyList<int> ids, int? slot) => Logits([ids], [slot]);

    /// <summary>The logits of several texts of one length, each under an adapter of its own.</summary>
    /// <returns>Row-major [texts, ids, vocabulary].</returns>
    internal float[] Logits(IReadOnlyList<IReadOnlyList<int>> texts, IReadOnlyList<int?> slots)
    {
        var (rows, length) = (texts.Count, texts[0].Count);
        foreach (var ids in texts)
        {
            graph.CheckIds(ids);
        }

        var config = graph.Config;
        var inputs = new Dictionary<string, OrtValue>();
        try
        {
            inputs.Add(ModelGraph.Ids, Tensor(texts.SelectMany(ids => ids).Select(id => (long)id), rows, length));
            inputs.Add(ModelGraph.Selected, Tensor(Enumerable.Range(0, rows * length).Select(place => (long)place), rows * length));
            if (graph.TakesRotary)
            {
                var rotary = graph.Rotary(length);
                inputs.Add(ModelGraph.Cosines, Floats(rotary.Cosines, [.. rotary.Shape]));
                inputs.Add(ModelGraph.Sines, Floats(rotary.Sines, [.. rotary.Shape]));
            }

            if (graph.TakesPositions)
            {
                inputs.Add(ModelGraph.Positions, Tensor(Enumerable.Range(0, rows * length).Select(place => (long)place % length), rows, length));
            }

            if (graph.Target == Target.Fused)
            {
                inputs.Add(ModelGraph.LastPositions, Tensor(Enumerable.Repeat(length - 1, rows), rows));
                inputs.Add(ModelGraph.GreatestLength, Tensor([length]));
                foreach (var layer in graph.Caches)
                {
                    long[] shape = [rows, config.KeyValueHeads, length, graph.HeadWidth];
                    inputs.Add(ModelGraph.Past(layer, "key"), Floats(new float[shape.Aggregate((a, b) => a * b)], shape));
                    inputs.Add(ModelGraph.Past(layer, "value"), Floats(new float[shape.Aggregate((a, b) => a * b)], shape));
                }
            }

            if (graph.TakesAdapters)
            {
                inputs.Add(AdapterStack.Adapters, Tensor(slots.SelectMany(slot => Enumerable.Repeat(AdapterStack.RowOf(slot), length)), rows, length));
            }

            using var run = new RunOptions();
            using var results = session.Run(run, inputs, [ModelGraph.Logits]);
            return results[0].GetTensorDataAsSpan<float>().ToArray();
        }
        finally
        {
            foreach (var input in inputs.Values)
            {
                input.Dispose();
            }
        }
    }

    public void Dispose() => session.Dispose();

    private OrtValue Floats(float[] values, params long[] shape) => graph.ElementType switch
    {
        TensorElementType.Float16 => Narrow<Float16>(values, DType.Float16, shape),
        TensorElementType.BFloat16 => Narrow<BFloat16>(values, DType.BFloat16, shape),
        _ => Tensor(values, shape),
    };

    private static OrtValue Narrow<T>(float[] values, DType type, long[] shape) where T : unmanaged
    {
        var narrow = new T[values.Length];
        ElementWise.Narrow(values, type, MemoryMarshal.Cast<T, ushort>(narrow.AsSpan()));
        return Tensor(narrow, shape);
    }

    private static OrtValue Tensor<T>(IEnumerable<T> values, params long[] shape) where T : unmanaged =>
        OrtValue.CreateTensorValueFromMemory(values as T[] ?? [.. values], shape);
}
