using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests;

public class RewardHeadTests
{
    private const int Hidden = 64;

    [Theory]
    [InlineData("qwen2-reward", "per_token_file", 1)]
    [InlineData("qwen2-prm", "logits_file", 2)]
    public void Scores_equal_the_reference_at_every_token(string model, string field, int labels)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", model, "model"));
        using var weights = Weights.Load(checkpoint);
        Assert.Equal(labels, checkpoint.Config.Outputs);
        foreach (var target in Enum.GetValues<Target>())
        {
            using var transformer = new Transformer(weights, target, threads: 1);
            foreach (var (ids, expected) in Golden(model, field))
            {
                var scores = transformer.Logits(ids);
                Assert.Equal(expected.Length, scores.Length);
                Assert.All(scores.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 5e-4f));
            }
        }
    }

    [Fact]
    public void In_int8_the_head_stays_in_floating_point_and_scores_stay_near()
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-reward", "model"));
        using var exact = Weights.Load(checkpoint);
        using var rounded = Weights.Load(checkpoint, Precision.Int8);
        var (ids, _) = Golden("qwen2-reward", "per_token_file").First();
        using var a = new Transformer(exact, Target.Fused, threads: 1);
        using var b = new Transformer(rounded, Target.Fused, threads: 1);
        Assert.All(a.Logits(ids).Zip(b.Logits(ids)), pair => Assert.Equal(pair.First, pair.Second, 1f));
        Assert.DoesNotContain(ModelGraph.For(checkpoint.Config, Target.Fused, Precision.Int8).Int8Parameters, parameter => parameter.Codes.StartsWith("score", StringComparison.Ordinal));
    }

    /// <summary>A head that is made of rows of a language model's head must score what these rows' logits are.</summary>
    [Theory]
    [InlineData("llama-gqa", "LlamaForSequenceClassification", 1)]
    [InlineData("llama-gqa", "LlamaForSequenceClassification", 3)]
    [InlineData("llama-gqa", "LlamaForTokenClassification", 2)]
    [InlineData("qwen2-sharded", "Qwen2ForTokenClassification", 2)]
    [InlineData("mistral-sliding-window", "MistralForSequenceClassification", 1)]
    [InlineData("llama3-rope-scaling", "LlamaForSequenceClassification", 1)]
    [InlineData("qwen2-tied", "Qwen2ForSequenceClassification", 1)]
    [InlineData("qwen3-tied", "Qwen3ForTokenClassification", 2)]
    [InlineData("gemma2", "Gemma2ForSequenceClassification", 1)]
    public void Every_family_can_be_the_body_of_a_reward_model(string model, string architecture, int labels)
    {
        using var languageFolder = ModelFolder.CopyOf($"{model}/model");
        // Gemma 2 caps its logits; its scores have no cap.
        languageFolder.EditJson("config.json", config => config["final_logit_softcapping"] = null);
        using var language = Checkpoint.Open(languageFolder.Path);
        using var weights = Weights.Load(language);
        using var transformer = new Transformer(weights, Target.Plain, threads: 1);
        using var folder = RewardModelOf(model, architecture, labels);
        using var rewards = folder.Load();
        using var scoring = new Transformer(rewards, Target.Fused, threads: 1);
        int[] ids = [5, 9, 300, 41, 7, 7, 120];
        var (logits, scores) = (transformer.Logits(ids), scoring.Logits(ids));
        Assert.Equal(labels * ids.Length, scores.Length);
        for (var place = 0; place < ids.Length; place++)
        {
            for (var label = 0; label < labels; label++)
            {
                Assert.Equal(logits[(place * language.Config.VocabularySize) + label], scores[(place * labels) + label], 5e-4f);
            }
        }
    }

    [Fact]
    public void The_two_layers_of_a_qwen_reward_model_have_a_relu_between_them()
    {
        using var folder = ModelFolder.CopyOf("qwen2-prm/model");
        folder.EditJson("config.json", config => config["architectures"] = new JsonArray("Qwen2ForRewardModel"));
        folder.EditTensors(tensors =>
        {
            tensors.RemoveAll(tensor => tensor.Name.StartsWith("score.2", StringComparison.Ordinal));
            // |x| of the first hidden unit, as relu(x) + relu(-x), is never negative; without the ReLU it would be 0.
            var first = tensors.Single(tensor => tensor.Name == "score.0.weight").Floats[..Hidden];
            tensors.RemoveAll(tensor => tensor.Name.StartsWith("score.0", StringComparison.Ordinal));
            var inner = new float[Hidden * Hidden];
            first.CopyTo(inner, 0);
            first.Select(value => -value).ToArray().CopyTo(inner, Hidden);
            tensors.Add(RawTensor.Of("score.0.weight", [Hidden, Hidden], inner));
            tensors.Add(RawTensor.Of("score.0.bias", [Hidden], new float[Hidden]));
            tensors.Add(RawTensor.Of("score.2.weight", [1, Hidden], [1, 1, .. new float[Hidden - 2]]));
            tensors.Add(RawTensor.Of("score.2.bias", [1], 0));
        });
        using var weights = folder.Load();
        using var transformer = new Transformer(weights, Target.Fused, threads: 1);
        Assert.All(transformer.Logits([1, 2, 3, 40]), score => Assert.True(score > 1e-3));
    }

    [Theory]
    [InlineData("LlamaForCausalLM", "architectures")]
    [InlineData("LlamaForSequenceClassification", "model_type")]
    [InlineData("GPT2ForTokenClassification", "supported are")]
    [InlineData("Qwen2ForSomethingElse", "supported are")]
    public void An_architecture_that_is_not_what_the_file_says_is_refused(string architecture, string expected)
    {
        using var folder = ModelFolder.CopyOf("qwen2-reward/model");
        folder.EditJson("config.json", config => config["architectures"] = new JsonArray(architecture));
        Assert.Contains(expected, folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_of_another_number_of_labels_is_refused_by_its_shape()
    {
        using var folder = ModelFolder.CopyOf("qwen2-reward/model");
        folder.EditJson("config.json", config => config.Remove("id2label"));
        Assert.Contains("score.weight with the shape [1,64]", folder.Refusal().Replace(" ", "", StringComparison.Ordinal).Replace("score.weightwiththeshape", "score.weight with the shape ", StringComparison.Ordinal), StringComparison.Ordinal);
        folder.EditJson("config.json", config => config["id2label"] = 4);
        Assert.Contains("id2label", folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Code_of_its_own_is_refused_in_any_other_reward_model()
    {
        using var folder = ModelFolder.CopyOf("qwen2-reward/model");
        folder.EditJson("config.json", config => config["auto_map"] = new JsonObject { ["AutoModel"] = "x.Y" });
        Assert.Contains("auto_map", folder.Refusal(), StringComparison.Ordinal);
    }

    private static ModelFolder RewardModelOf(string model, string architecture, int labels)
    {
        var folder = ModelFolder.CopyOf($"{model}/model");
        var tensors = Directory.EnumerateFiles(folder.Path, "*.safetensors").SelectMany(file => folder.Tensors(Path.GetFileName(file))).ToList();
        var head = tensors.Find(tensor => tensor.Name == "lm_head.weight") ?? tensors.Single(tensor => tensor.Name == "model.embed_tokens.weight");
        var width = (int)head.Shape[1];
        tensors.RemoveAll(tensor => tensor.Name == "lm_head.weight");
        tensors.Add(RawTensor.Of("score.weight", [labels, width], head.Floats[..(labels * width)]));
        if (architecture.EndsWith("ForTokenClassification", StringComparison.Ordinal))
        {
            tensors.Add(RawTensor.Of("score.bias", [labels], new float[labels]));
        }

        foreach (var file in Directory.EnumerateFiles(folder.Path, "model*.safetensors*"))
        {
            File.Delete(file);
        }

        folder.WriteTensors(tensors);
        folder.EditJson("config.json", config =>
        {
            config["architectures"] = new JsonArray(architecture);
            config["id2label"] = new JsonObject(Enumerable.Range(0, labels).Select(label => KeyValuePair.Create($"{label}", (JsonNode?)$"LABEL_{label}")));
        });
        return folder;
    }

    private static IEnumerable<(int[] Ids, float[] Scores)> Golden(string model, string field)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(TestData.PathTo("models", model, "golden", "golden.json")));
        return [.. json.RootElement.GetProperty("prompts").EnumerateArray().Select(prompt => (
            prompt.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32()).ToArray(),
            MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(TestData.PathTo("models", model, "golden", prompt.GetProperty(field).GetString()!))).ToArray()))];
    }
}
