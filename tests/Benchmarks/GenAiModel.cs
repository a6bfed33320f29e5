using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Hindsight.Models;
using Hindsight.Models.Onnx;

namespace Hindsight.Benchmarks;

/// <summary>
/// Our graph of a <see cref="RandomModel"/> and its weights as a folder that ONNX Runtime GenAI opens: the same nodes, with what GenAI
/// does not give computed before them (lengths from the attention mask, rotary tables as constants) and the logits of each row's last
/// token as [batch, 1, vocabulary].
/// </summary>
internal static class GenAiModel
{
    private const string Mask = "attention_mask";
    private const string WeightsFile = "weights.bin";
    private const int Page = 4096;
    private const int LongestSequence = 1024;

    /// <summary>The folder; it is written where it is not there yet.</summary>
    public static string Folder(RandomModel model, Precision precision)
    {
        var folder = Path.Combine(model.Folder(), string.Create(CultureInfo.InvariantCulture, $"genai-{precision}"));
        if (!Directory.Exists(folder))
        {
            var partial = Directory.CreateDirectory(folder + ".partial").FullName;
            Write(partial, model, precision);
            Directory.Move(partial, folder);
        }

        return folder;
    }

    private static void Write(string folder, RandomModel model, Precision precision)
    {
        using var checkpoint = Checkpoint.Open(model.Folder());
        using var weights = Weights.Load(checkpoint, precision);
        var graph = ModelGraph.For(weights.Config, Target.Fused, precision);
        var onnx = ModelProto.Parser.ParseFrom(graph.Bytes.Span);
        TakeInputs(onnx.Graph, graph.Rotary(LongestSequence));
        GiveLogits(onnx.Graph, model.Vocabulary);
        using (var stream = File.Create(Path.Combine(folder, WeightsFile), 1 << 20))
        {
            foreach (var initializer in onnx.Graph.Initializer.Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External))
            {
                stream.Write(new byte[(Page - (stream.Position % Page)) % Page]);
                var bytes = weights[initializer.Name].GetTensorMutableRawData();
                initializer.ExternalData.Clear();
                initializer.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = WeightsFile });
                initializer.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = stream.Position.ToString(CultureInfo.InvariantCulture) });
                initializer.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = bytes.Length.ToString(CultureInfo.InvariantCulture) });
                stream.Write(bytes);
            }
        }

        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx.ToByteArray());
        File.WriteAllText(Path.Combine(folder, "genai_config.json"), Config(model, graph));
    }

    private static void TakeInputs(GraphProto graph, RotaryTable rotary)
    {
        foreach (var input in graph.Input.Where(input => input.Name is ModelGraph.Selected or ModelGraph.LastPositions or ModelGraph.GreatestLength or ModelGraph.Cosines or ModelGraph.Sines).ToArray())
        {
            graph.Input.Remove(input);
        }

        var mask = graph.Input.Single(input => input.Name == ModelGraph.Ids).Clone();
        mask.Name = Mask;
        mask.Type.TensorType.Shape.Dim[1] = new() { DimParam = "total" };
        graph.Input.Add(mask);
        foreach (var (name, values) in new[] { (ModelGraph.Cosines, rotary.Cosines), (ModelGraph.Sines, rotary.Sines) })
        {
            graph.Initializer.Add(Constant(name, TensorProto.Types.DataType.Float, [.. rotary.Shape], values));
        }

        graph.Initializer.Add(Constant<long>("peer.zero", TensorProto.Types.DataType.Int64, [], [0]));
        graph.Initializer.Add(Constant<long>("peer.one", TensorProto.Types.DataType.Int64, [], [1]));
        graph.Initializer.Add(Constant<long>("peer.axis", TensorProto.Types.DataType.Int64, [1], [1]));
        NodeProto[] before =
        [
            // The tokens of each row so far, less one; and the most of all rows.
            Node("ReduceSum", [Mask, "peer.axis"], "peer.lengths", ("keepdims", 0)),
            Node("Sub", ["peer.lengths", "peer.one"], "peer.last"),
            Node("Cast", ["peer.last"], ModelGraph.LastPositions, ("to", (long)TensorProto.Types.DataType.Int32)),
            Node("Shape", [Mask], "peer.mask"),
            Node("Gather", ["peer.mask", "peer.one"], "peer.total"),
            Node("Cast", ["peer.total"], ModelGraph.GreatestLength, ("to", (long)TensorProto.Types.DataType.Int32)),
            // The last of each row's new tokens.
            Node("Shape", [ModelGraph.Ids], "peer.ids"),
            Node("Gather", ["peer.ids", "peer.zero"], "peer.batch"),
            Node("Gather", ["peer.ids", "peer.one"], "peer.sequence"),
            Node("Range", ["peer.zero", "peer.batch", "peer.one"], "peer.rows"),
            Node("Add", ["peer.rows", "peer.one"], "peer.next"),
            Node("Mul", ["peer.next", "peer.sequence"], "peer.ends"),
            Node("Sub", ["peer.ends", "peer.one"], ModelGraph.Selected),
        ];
        foreach (var (node, place) in before.Select((node, place) => (node, place)))
        {
            graph.Node.Insert(place, node);
        }
    }

    private static void GiveLogits(GraphProto graph, int vocabulary)
    {
        const string Rows = "peer.logits";
        var last = graph.Node.Single(node => node.Output.Contains(ModelGraph.Logits));
        last.Output[last.Output.IndexOf(ModelGraph.Logits)] = last.Name = Rows;
        graph.Node.Add(Node("Unsqueeze", [Rows, "peer.axis"], ModelGraph.Logits));
        var shape = new TensorShapeProto();
        shape.Dim.Add([new() { DimParam = "batch" }, new() { DimValue = 1 }, new() { DimValue = vocabulary }]);
        graph.Output.Single(output => output.Name == ModelGraph.Logits).Type.TensorType.Shape = shape;
    }

    private static string Config(RandomModel model, ModelGraph graph)
    {
        string Pattern(Func<string, string, string> name, string part) => name(graph.Caches[0], part).Replace(".0.", ".%d.", StringComparison.Ordinal);
        return JsonSerializer.Serialize(new
        {
            model = new
            {
                type = "qwen2",
                context_length = LongestSequence,
                vocab_size = model.Vocabulary,
                bos_token_id = 0,
                eos_token_id = model.Vocabulary - 1,
                pad_token_id = 0,
                decoder = new
                {
                    filename = "model.onnx",
                    num_hidden_layers = model.Layers,
                    hidden_size = model.Hidden,
                    head_size = graph.HeadWidth,
                    num_attention_heads = model.Heads,
                    num_key_value_heads = model.KeyValueHeads,
                    session_options = new { intra_op_num_threads = Peers.Threads, inter_op_num_threads = 1, provider_options = Array.Empty<object>() },
                    inputs = new
                    {
                        input_ids = ModelGraph.Ids,
                        attention_mask = Mask,
                        past_key_names = Pattern(ModelGraph.Past, "key"),
                        past_value_names = Pattern(ModelGraph.Past, "value"),
                    },
                    outputs = new
                    {
                        logits = ModelGraph.Logits,
                        present_key_names = Pattern(ModelGraph.Present, "key"),
                        present_value_names = Pattern(ModelGraph.Present, "value"),
                    },
                },
            },
            search = new { max_length = LongestSequence, past_present_share_buffer = true },
        });
    }

    private static NodeProto Node(string type, string[] inputs, string output, params (string Name, long Value)[] attributes)
    {
        var node = new NodeProto { OpType = type, Name = output, Input = { inputs }, Output = { output } };
        node.Attribute.Add(attributes.Select(attribute => new AttributeProto { Name = attribute.Name, Type = AttributeProto.Types.AttributeType.Int, I = attribute.Value }));
        return node;
    }

    private static TensorProto Constant<T>(string name, TensorProto.Types.DataType type, long[] shape, T[] values) where T : unmanaged =>
        new() { Name = name, DataType = type, Dims = { shape }, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())) };
}
