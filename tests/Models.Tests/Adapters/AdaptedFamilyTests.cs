using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;
using Hindsight.Models.Tests.Families;

namespace Hindsight.Models.Tests.Adapters;

public class AdaptedFamilyTests
{
    private const string Phi3 = """
        {"architectures":["Phi3ForCausalLM"],"model_type":"phi3","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":2,
        "num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":64,"rms_norm_eps":1e-5,"hidden_act":"silu"}
        """;

    private const string Gpt2 = """
        {"architectures":["GPT2LMHeadModel"],"model_type":"gpt2","vocab_size":48,"n_embd":36,"n_layer":2,"n_head":3,"n_positions":64,
        "activation_function":"gelu_new","layer_norm_epsilon":1e-5,"scale_attn_weights":true}
        """;

    public static TheoryData<string> Models => ["gemma2", "llama3-rope-scaling", "mistral-sliding-window", "qwen3-tied", Phi3, Gpt2];

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_family_can_be_adapted_merged_or_in_a_batch(string model)
    {
        using var folder = model.StartsWith('{') ? new RandomCheckpoint(model).Folder : ModelFolder.CopyOf($"{model}/model");
        using var checkpoint = Checkpoint.Open(folder.Path);
        using var adapterFolder = new AdapterFolder();
        adapterFolder.Config["target_modules"] = "all-linear";
        var linears = ModelGraph.For(checkpoint.Config, Target.Fused).Adaptable.Linears.Where(linear => linear.Name != AdaptableModules.Head).ToList();
        foreach (var linear in linears)
        {
            adapterFolder.AddLinear(linear.Name, (int)linear.To, (int)linear.From);
        }

        using var adapter = adapterFolder.Open(checkpoint.Config);
        using var loaded = Weights.Load(checkpoint);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var stack = AdapterStack.Create(checkpoint.Config, [new AdapterUpdate(adapter)]);
        foreach (var linear in linears)
        {
            var product = adapterFolder.Product(linear.Name);
            for (var index = 0; index < product.Length; index++)
            {
                var (to, from) = (index / linear.From, index % linear.From);
                var place = (int)(loaded.Shape(linear.Weight)[0] == linear.To && !linear.InputsFirst ? index : (from * linear.To) + to);
                Assert.Equal(loaded.Span(linear.Weight)[place] + (1.5 * product[index]), merged.Span(linear.Weight)[place], 1e-6);
            }
        }

        int[] ids = [1, 40, 7, 22, 3, 9, 11, 30, 2, 17];
        foreach (var target in Enum.GetValues<Target>())
        {
            using var alone = new Transformer(merged, target, threads: 1);
            using var bare = new Transformer(loaded, target, threads: 1);
            using var batched = new Transformer(loaded, target, threads: 1, stack);
            Assert.InRange(AdapterLogitsTests.Furthest(alone.Logits(ids), batched.Logits(ids, 0)), 0, 2e-4);
            Assert.InRange(AdapterLogitsTests.Furthest(bare.Logits(ids), batched.Logits(ids, null)), 0, 1e-6);
            Assert.True(AdapterLogitsTests.Furthest(bare.Logits(ids), alone.Logits(ids)) > 0.1);
        }
    }

    [Fact]
    public void The_modules_of_GPT2_are_found_by_their_names_whatever_the_config_says_of_their_layout()
    {
        using var model = new RandomCheckpoint(Gpt2);
        using var checkpoint = Checkpoint.Open(model.Folder.Path);
        using var adapterFolder = new AdapterFolder().AddLinear("transformer.h.1.attn.c_attn", 108, 36).AddLinear("transformer.h.1.attn.c_proj", 36, 36).AddLinear("transformer.h.1.mlp.c_proj", 36, 144);
        (adapterFolder.Config["target_modules"], adapterFolder.Config["layers_to_transform"], adapterFolder.Config["layers_pattern"]) = (new JsonArray("c_attn", "c_proj"), 1, "h");
        foreach (var flag in new[] { true, false })
        {
            adapterFolder.Config["fan_in_fan_out"] = flag;
            using var adapter = adapterFolder.Open(checkpoint.Config);
            Assert.Equal(3, new AdapterUpdate(adapter).Modules.Count);
        }
    }
}
