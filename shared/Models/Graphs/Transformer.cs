using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models;

/// <summary>A model that reads whole texts: logits at every position. The weights must outlive it.</summary>
public sealed class Transformer(Weights weights, Target target, int threads) : IDisposable
{
    private readonly ModelGraph graph = ModelGraph.For(weights.Config, target);
    private readonly InferenceSession session = ModelGraph.For(weights.Config, target).Open(weights, threads);

    /// <returns>Row-major [ids, vocabulary]: row i holds the logits of the token after <c>ids[i]</c>.</returns>
    /// <exception cref="InvalidDataException">There are no ids, more than the model has positions, or one outside the vocabulary.</exception>
    public float[] Logits(IReadOnlyList<int> ids)
    {
        graph.CheckIds(ids);
        var config = graph.Config;
        var length = ids.Count;
        var inputs = new Dictionary<string, OrtValue>();
        try
        {
            inputs.Add(ModelGraph.Ids, Tensor(ids.Select(id => (long)id), 1, length));
            inputs.Add(ModelGraph.Selected, Tensor(Enumerable.Range(0, length).Select(place => (long)place), length));
            if (graph.TakesRotary)
            {
                var rotary = graph.Rotary(length);
                inputs.Add(ModelGraph.Cosines, Tensor(rotary.Cosines, [.. rotary.Shape]));
                inputs.Add(ModelGraph.Sines, Tensor(rotary.Sines, [.. rotary.Shape]));
            }

            if (graph.TakesPositions)
            {
                inputs.Add(ModelGraph.Positions, Tensor(Enumerable.Range(0, length).Select(place => (long)place), 1, length));
            }

            if (target == Target.Fused)
            {
                inputs.Add(ModelGraph.LastPositions, Tensor([length - 1], 1));
                inputs.Add(ModelGraph.GreatestLength, Tensor([length]));
                foreach (var layer in graph.Caches)
                {
                    long[] shape = [1, config.KeyValueHeads, length, graph.HeadWidth];
                    inputs.Add(ModelGraph.Past(layer, "key"), Tensor(new float[shape.Aggregate((a, b) => a * b)], shape));
                    inputs.Add(ModelGraph.Past(layer, "value"), Tensor(new float[shape.Aggregate((a, b) => a * b)], shape));
                }
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

    private static OrtValue Tensor<T>(IEnumerable<T> values, params long[] shape) where T : unmanaged =>
        OrtValue.CreateTensorValueFromMemory(values as T[] ?? [.. values], shape);
}
