using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Adapters;

/// <summary>An adapter folder in PEFT's layout, written from a seed: what a trainer would leave, without the trainer.</summary>
internal sealed class AdapterFolder : IDisposable
{
    private readonly Random random;

    public AdapterFolder(int seed = 1) => random = new Random(seed);

    public string Path { get; } = Directory.CreateTempSubdirectory("hindsight-").FullName;

    public JsonObject Config { get; } = new()
    {
        ["peft_type"] = "LORA", ["task_type"] = "CAUSAL_LM", ["r"] = 4, ["lora_alpha"] = 6, ["target_modules"] = new JsonArray("q_proj", "v_proj"),
    };

    public List<RawTensor> Tensors { get; } = [];

    public string ConfigPath => System.IO.Path.Combine(Path, "adapter_config.json");

    public string WeightsPath => System.IO.Path.Combine(Path, "adapter_model.safetensors");

    /// <summary>The factors of one linear map [to, from].</summary>
    public AdapterFolder AddLinear(string module, int to, int from, int rank = 4)
    {
        AddTensor($"{module}.lora_A.weight", rank, from);
        return AddTensor($"{module}.lora_B.weight", to, rank);
    }

    public AdapterFolder AddTensor(string tensor, params long[] shape) => AddNamed($"base_model.model.{tensor}", shape);

    public AdapterFolder AddNamed(string name, params long[] shape)
    {
        var values = new float[shape.Aggregate((a, b) => a * b)];
        for (var index = 0; index < values.Length; index++)
        {
            values[index] = (float)((random.NextDouble() - 0.5) * 0.4);
        }

        Tensors.Add(RawTensor.Of(name, shape, values));
        return this;
    }

    /// <summary>Query and value projections of all layers of qwen2-tied.</summary>
    public AdapterFolder AddQueryAndValue(Qwen2Sizes sizes, int rank = 4, params int[] layers)
    {
        foreach (var layer in layers.Length > 0 ? layers : [.. Enumerable.Range(0, sizes.Layers)])
        {
            AddLinear($"model.layers.{layer}.self_attn.q_proj", sizes.Queries, sizes.Hidden, rank);
            AddLinear($"model.layers.{layer}.self_attn.v_proj", sizes.Keys, sizes.Hidden, rank);
        }

        return this;
    }

    public AdapterFolder Write()
    {
        File.WriteAllText(ConfigPath, Config.ToJsonString());
        File.WriteAllBytes(WeightsPath,
        [
            .. SafetensorsHeader.Serialize(Tensors.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape))),
            .. Tensors.SelectMany(tensor => tensor.Data),
        ]);
        return this;
    }

    public Adapter Open(ModelConfig config) => Adapter.Open(Write().Path, config);

    public string Refusal(ModelConfig config) => Assert.Throws<InvalidDataException>(() => Open(config).Dispose()).Message;

    public void Edit(string tensor, Func<RawTensor, RawTensor> edit)
    {
        var index = Tensors.FindIndex(found => found.Name == tensor);
        Tensors[index] = edit(Tensors[index]);
    }

    /// <summary>B A of a linear map, [to, from], in double.</summary>
    public double[] Product(string module)
    {
        var (a, b) = (Values($"{module}.lora_A.weight"), Values($"{module}.lora_B.weight"));
        var from = (int)Tensor($"{module}.lora_A.weight").Shape[1];
        var rank = a.Length / from;
        var product = new double[b.Length / rank * from];
        for (var index = 0; index < product.Length; index++)
        {
            for (var k = 0; k < rank; k++)
            {
                product[index] += (double)b[(index / from * rank) + k] * a[(k * from) + (index % from)];
            }
        }

        return product;
    }

    public float[] Values(string tensor) => Tensor(tensor).Floats;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private RawTensor Tensor(string tensor) => Tensors.Single(found => found.Name == $"base_model.model.{tensor}");
}

internal sealed record Qwen2Sizes(int Layers, int Hidden, int Queries, int Keys, int Intermediate, int Vocabulary)
{
    public static Qwen2Sizes Of(ModelConfig config) => new(
        config.Layers, config.HiddenSize, config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize, config.IntermediateSize, config.VocabularySize);
}
