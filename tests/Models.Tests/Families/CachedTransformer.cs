using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models.Tests.Families;

/// <summary>The fused form over a cache that is kept between runs, as a decoding engine uses it.</summary>
internal sealed class CachedTransformer : IDisposable
{
    private readonly ModelGraph graph;
    private readonly InferenceSession session;
    private readonly int capacity;
    private readonly Dictionary<(string Layer, string Part), float[]> caches;

    public CachedTransformer(Weights weights, int rows, int capacity)
    {
        graph = ModelGraph.For(weights.Config, Target.Fused);
        session = graph.Open(weights, threads: 1);
        this.capacity = capacity;
        var size = graph.Config.KeyValueHeads * capacity * graph.HeadWidth;
        caches = graph.Caches.SelectMany(layer => new[] { (layer, "key"), (layer, "value") }).ToDictionary(cache => cache, _ => new float[rows * size]);
    }

    public float[] Read(int[][] tokens, int[] starts, int length) => Read(tokens, starts, [.. starts.Select(_ => length)]);

    /// <summary>Logits of all new tokens of the first rows, whose cached tokens stay.</summary>
    /// <param name="tokens">As many for each row.</param>
    /// <param name="starts">How many tokens each row has already.</param>
    /// <param name="lengths">How long each row's text will be in the end, which frequencies may depend on.</param>
    public float[] Read(int[][] tokens, int[] starts, int[] lengths) => Run(tokens, starts, lengths, firstRow: 0);

    /// <summary>Reads the first tokens of one row.</summary>
    public void ReadRow(int row, int[] tokens, int length)
    {
        if (tokens.Length > 0)
        {
            Run([tokens], [0], [length], row);
        }
    }

    public void Dispose() => session.Dispose();

    private float[] Run(int[][] tokens, int[] starts, int[] lengths, int firstRow)
    {
        var (rows, count) = (tokens.Length, tokens[0].Length);
        var ends = starts.Select(start => start + count).ToArray();
        var inputs = new Dictionary<string, OrtValue>
        {
            [ModelGraph.Ids] = Tensor(tokens.SelectMany(row => row).Select(id => (long)id).ToArray(), rows, count),
            [ModelGraph.Selected] = Tensor(Enumerable.Range(0, rows * count).Select(place => (long)place).ToArray(), rows * count),
            [ModelGraph.LastPositions] = Tensor(ends.Select(end => end - 1).ToArray(), rows),
            [ModelGraph.GreatestLength] = Tensor(new[] { ends.Max() }),
        };
        if (graph.TakesRotary)
        {
            // Without positions one table serves all; with them each row has a table of its own, one behind the other.
            var rotary = graph.TakesPositions ? graph.Rotary(capacity, lengths) : graph.Rotary(capacity);
            inputs[ModelGraph.Cosines] = Tensor(rotary.Cosines, [.. rotary.Shape]);
            inputs[ModelGraph.Sines] = Tensor(rotary.Sines, [.. rotary.Shape]);
        }

        if (graph.TakesPositions)
        {
            inputs[ModelGraph.Positions] = Tensor(
                starts.SelectMany((start, row) => Enumerable.Range(start + (graph.TakesRotary ? row * capacity : 0), count).Select(place => (long)place)).ToArray(),
                rows, count);
        }

        long[] cacheShape = [rows, graph.Config.KeyValueHeads, capacity, graph.HeadWidth];
        var size = (int)(cacheShape[1] * cacheShape[2] * cacheShape[3]);
        var outputs = new Dictionary<string, OrtValue> { [ModelGraph.Logits] = Tensor(new float[rows * count * graph.Config.VocabularySize], rows * count, graph.Config.VocabularySize) };
        foreach (var ((layer, part), values) in caches)
        {
            var tensor = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, values.AsMemory(firstRow * size, rows * size), cacheShape);
            inputs[ModelGraph.Past(layer, part)] = tensor;
            outputs[ModelGraph.Present(layer, part)] = tensor;
        }

        using var options = new RunOptions();
        session.Run(options, inputs.Keys, inputs.Values, outputs.Keys, outputs.Values);
        var logits = outputs[ModelGraph.Logits].GetTensorDataAsSpan<float>().ToArray();
        foreach (var value in inputs.Values.Concat(outputs.Values).Distinct())
        {
            value.Dispose();
        }

        return logits;
    }

    private static OrtValue Tensor<T>(T[] values, params long[] shape) where T : unmanaged => OrtValue.CreateTensorValueFromMemory(values, shape);
}
