using Hindsight.Models.Onnx;
using Hindsight.Models.Tests.Families;

namespace Hindsight.Models.Tests;

public class GraphTests
{
    private static readonly Dim Batch = Dim.Named("batch");
    private static readonly Dim Sequence = Dim.Named("sequence");

    [Fact]
    public void Sides_multiply_whatever_the_order()
    {
        Assert.Equal(Batch * Sequence * 6, 2 * Sequence * 3 * Batch);
        Assert.NotEqual(Batch * 2, Sequence * 2);
        Assert.Equal((Dim)24, Shape.Of([2, 3, 4]).Size);
        Assert.Equal("[6·batch·sequence, 4]", Shape.Of([6 * (Sequence * Batch), 4]).ToString());
    }

    [Fact]
    public void The_same_operator_on_the_same_inputs_is_one_node()
    {
        var graph = new Graph();
        var x = graph.Apply(new Input("x", DType.Float32, [Batch, 8]));
        var again = graph.Apply(new Input("x", DType.Float32, [Batch, 8]));
        Assert.Equal((x * 2f) + x, (again * 2f) + again);
        Assert.Equal(x.Transpose(1, 0), again.Transpose(1, 0));
        Assert.NotEqual(x.Transpose(1, 0), again.Transpose(0, 1));
        Assert.NotEqual(x * 2f, x * 3f);
    }

    [Fact]
    public void Inputs_that_do_not_fit_are_refused_with_their_shapes()
    {
        var graph = new Graph();
        var x = graph.Apply(new Input("x", DType.Float32, [Batch, 8]));
        var weight = graph.Apply(new Parameter("w", [4, 9]));
        var refusal = Assert.Throws<ArgumentException>(() => graph.Apply(new LinearMap(), x, weight));
        Assert.Contains("[batch, 8]", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("[4, 9]", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => x.Reshape([Sequence, 8]));
        Assert.Throws<ArgumentException>(() => x * weight);
    }

    [Theory]
    [InlineData("llama-gqa/model")]
    [InlineData("qwen2-tied/model")]
    [InlineData("stories260k-real/model")]
    [InlineData("qwen3-tied/model")]
    [InlineData("gemma2/model")]
    public void A_graph_names_exactly_the_tensors_of_its_checkpoint(string folder)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", folder));
        using var weights = Weights.Load(checkpoint);
        foreach (var target in Enum.GetValues<Target>())
        {
            var model = ModelProto.Parser.ParseFrom(ModelGraph.For(checkpoint.Config, target).Bytes.Span);
            var outside = model.Graph.Initializer.Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External).ToList();
            Assert.Equal(weights.Names.Order(StringComparer.Ordinal), outside.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
            Assert.All(outside, tensor => Assert.Equal(weights.Shape(tensor.Name), tensor.Dims));
        }
    }

    [Fact]
    public void Checkpoints_of_one_shape_share_their_graph()
    {
        using var first = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var second = Checkpoint.Open(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        Assert.Same(ModelGraph.For(first.Config, Target.Fused), ModelGraph.For(second.Config, Target.Fused));
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void The_plain_form_has_operators_of_the_standard_alone_and_names_are_unique(string name)
    {
        using var checkpoint = FamilyCases.Of(name);
        using var weights = checkpoint.Folder.Load();
        foreach (var target in Enum.GetValues<Target>())
        {
            var model = ModelProto.Parser.ParseFrom(ModelGraph.For(weights.Config, target).Bytes.Span);
            string[] contrib = ["com.microsoft", "SimplifiedLayerNormalization"];
            Assert.Equal(
                target == Target.Fused,
                model.Graph.Node.Any(node => contrib.Contains(node.Domain) || contrib.Contains(node.OpType)) || model.OpsetImport.Count > 1);
            var names = model.Graph.Node.SelectMany(node => node.Output)
                .Concat(model.Graph.Input.Select(input => input.Name))
                .Concat(model.Graph.Initializer.Select(tensor => tensor.Name)).ToList();
            Assert.Equal(names.Count, names.Distinct().Count());
        }
    }
}
