using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Adapters;

public sealed class AdapterStackBitsTests : IDisposable
{
    private const int Rows = 4;

    private static readonly int[] Text = [54, 71, 9, 30, 22];

    private readonly ModelFolder folder = Wide();
    private readonly Checkpoint checkpoint;
    private readonly Weights weights;
    private readonly List<IDisposable> opened = [];

    public AdapterStackBitsTests()
    {
        checkpoint = Checkpoint.Open(folder.Path);
        weights = Weights.Load(checkpoint);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_row_has_the_same_bits_whatever_the_other_rows_and_adapters_are(int threads)
    {
        // Ranks that share groups of columns, fill some and are wider than the blocks of a long sum.
        AdapterUpdate[] updates = [.. new[] { 5, 1, 40, 130 }.Select((rank, seed) => new AdapterUpdate(Random(seed, rank)))];
        using var plain = new Transformer(weights, Target.Fused, threads);

        float[] SecondRow(int? slot, IReadOnlyList<int?> others, params AdapterUpdate[] slots)
        {
            using var stack = AdapterStack.Create(checkpoint.Config, slots);
            using var transformer = new Transformer(weights, Target.Fused, threads, stack);
            return Second(transformer.Logits(Repeated, [others[0], slot, others[1], others[2]]));
        }

        foreach (var update in updates)
        {
            var alone = SecondRow(0, [null, null, null], update);
            Assert.Equal(alone, SecondRow(0, [0, 0, null], update));
            Assert.Equal(alone, SecondRow(1, [0, 2, 3], updates[1], update, updates[2], updates[3]));
            Assert.Equal(alone, SecondRow(4, [3, null, 5], [.. updates, update, updates[0]]));
        }

        Assert.Equal(Second(plain.Logits(Repeated, [null, null, null, null])), SecondRow(null, [0, 1, 3], updates));
        Assert.Equal(Second(plain.Logits(Repeated, [null, null, null, null])), SecondRow(null, [null, null, null]));
    }

    public void Dispose()
    {
        opened.ForEach(item => item.Dispose());
        weights.Dispose();
        checkpoint.Dispose();
        folder.Dispose();
    }

    private static int[][] Repeated => [.. Enumerable.Repeat(Text, Rows)];

    private static float[] Second(float[] logits) => logits[(logits.Length / Rows)..(2 * logits.Length / Rows)];

    /// <summary>One layer, wide enough that its sums are cut into blocks.</summary>
    private static ModelFolder Wide()
    {
        var folder = ModelFolder.CopyOf("qwen2-tied/model");
        folder.EditJson("config.json", config =>
        {
            (config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]) = (1152, 640, 1);
            (config["num_attention_heads"], config["num_key_value_heads"], config["vocab_size"]) = (9, 1, 128);
        });
        var parsed = ModelConfig.Parse(File.ReadAllBytes(folder.PathOf("config.json")), "config.json");
        var random = new Random(1);
        folder.EditTensors(tensors =>
        {
            tensors.Clear();
            tensors.AddRange(ModelGraph.For(parsed, Target.Fused).Adaptable.Parameters.Select(parameter => RawTensor.Of(
                parameter.Key, parameter.Value, [.. Enumerable.Range(0, (int)parameter.Value.Aggregate((a, b) => a * b)).Select(_ => (random.NextSingle() - 0.5f) / 4)])));
        });
        return folder;
    }

    private Adapter Random(int seed, int rank)
    {
        var adapterFolder = new AdapterFolder(seed);
        (adapterFolder.Config["r"], adapterFolder.Config["lora_alpha"], adapterFolder.Config["target_modules"]) = (rank, 1.5, new JsonArray("q_proj", "v_proj", "down_proj"));
        foreach (var linear in ModelGraph.For(checkpoint.Config, Target.Fused).Adaptable.Linears.Where(linear =>
            linear.Name.Split('.')[^1] is "q_proj" or "v_proj" or "down_proj"))
        {
            adapterFolder.AddLinear(linear.Name, (int)linear.To, (int)linear.From, rank);
        }

        var adapter = adapterFolder.Open(checkpoint.Config);
        opened.AddRange([adapter, adapterFolder]);
        return adapter;
    }
}
