using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Adapters;

public sealed class AdapterTests : IDisposable
{
    private readonly Checkpoint checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
    private readonly AdapterFolder folder = new();

    private ModelConfig Config => checkpoint.Config;

    private Qwen2Sizes Sizes => Qwen2Sizes.Of(Config);

    [Fact]
    public void Low_rank_updates_are_added_with_alpha_over_rank_and_nothing_else_changes()
    {
        folder.AddQueryAndValue(Sizes);
        AssertMerged(module => IsQueryOrValue(module) ? 6.0 / 4 : null);
    }

    [Fact]
    public void Rank_stabilised_adapters_are_scaled_by_the_root_of_the_rank()
    {
        folder.Config["use_rslora"] = true;
        folder.AddQueryAndValue(Sizes);
        AssertMerged(module => IsQueryOrValue(module) ? 6.0 / 2 : null);
    }

    [Fact]
    public void The_first_pattern_that_fits_gives_rank_and_alpha_each_for_itself()
    {
        folder.Config["rank_pattern"] = new JsonObject { ["layers.1.self_attn.q_proj"] = 2, ["q_proj"] = 3, ["model.layers.2.self_attn.v_proj"] = 5, ["v"] = 7 };
        folder.Config["alpha_pattern"] = new JsonObject { [@"layers\.[12]\..*_proj"] = 10, ["^model.layers.0.self_attn.q_proj"] = 20.5, ["q_proj"] = 30 };
        int RankOf(string module) => module.EndsWith("1.self_attn.q_proj", StringComparison.Ordinal) ? 2
            : module.EndsWith("q_proj", StringComparison.Ordinal) ? 3
            : module.Contains(".2.", StringComparison.Ordinal) ? 5 : 4;
        foreach (var module in Modules.Where(IsQueryOrValue))
        {
            folder.AddLinear(module, module.EndsWith("q_proj", StringComparison.Ordinal) ? Sizes.Queries : Sizes.Keys, Sizes.Hidden, RankOf(module));
        }

        AssertMerged(module => !IsQueryOrValue(module) ? null
            : (!module.Contains(".0.", StringComparison.Ordinal) ? 10 : module.EndsWith("q_proj", StringComparison.Ordinal) ? 20.5 : 6) / RankOf(module));
    }

    [Theory]
    [InlineData("all-linear")]
    [InlineData("ALL-LINEAR")]
    [InlineData(@"model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj")]
    [InlineData(@".*_proj")]
    [InlineData(@"(?!lm_head).*(?<=_proj)")]
    public void All_projections_can_be_named_in_words_or_by_a_pattern(string targets)
    {
        folder.Config["target_modules"] = targets;
        AddAll(_ => true);
        AssertMerged(module => module.EndsWith("_proj", StringComparison.Ordinal) ? 1.5 : null);
    }

    [Fact]
    public void A_pattern_must_fit_the_whole_name()
    {
        folder.Config["target_modules"] = "q_proj";
        folder.AddQueryAndValue(Sizes);
        Assert.StartsWith($"{folder.ConfigPath} names no module of the base", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_the_ends_of_module_names_at_a_dot()
    {
        folder.Config["target_modules"] = new JsonArray("proj", "self_attn.k_proj", "model.layers.1.mlp.up_proj", "elsewhere");
        bool Fits(string module) => module.EndsWith("self_attn.k_proj", StringComparison.Ordinal) || module == "model.layers.1.mlp.up_proj";
        AddAll(Fits);
        AssertMerged(module => Fits(module) ? 1.5 : null);
    }

    [Theory]
    [InlineData("""["v_proj"]""")]
    [InlineData("\".*v_proj\"")]
    public void Modules_can_be_excluded_by_name_or_pattern(string excluded)
    {
        folder.Config["exclude_modules"] = JsonNode.Parse(excluded);
        AddAll(module => module.EndsWith("q_proj", StringComparison.Ordinal));
        AssertMerged(module => module.EndsWith("q_proj", StringComparison.Ordinal) ? 1.5 : null);
    }

    [Theory]
    [InlineData("1", "null")]
    [InlineData("[1]", "[]")]
    [InlineData("[1, 7]", "\"layers\"")]
    [InlineData("[1]", """["h", "layers"]""")]
    public void Layers_can_be_chosen_by_number(string layers, string pattern)
    {
        (folder.Config["layers_to_transform"], folder.Config["layers_pattern"]) = (JsonNode.Parse(layers), JsonNode.Parse(pattern));
        folder.AddQueryAndValue(Sizes, 4, 1);
        AssertMerged(module => IsQueryOrValue(module) && module.Contains(".1.", StringComparison.Ordinal) ? 1.5 : null);
    }

    [Theory]
    [InlineData(".lora_A.weight", ".lora_A.default.weight", ".lora_B.weight", ".lora_B.default.weight")]
    [InlineData("base_model.model.", "", "lora_", "lora_")]
    public void Older_and_bare_names_of_tensors_are_read(string from, string to, string alsoFrom, string alsoTo)
    {
        folder.AddQueryAndValue(Sizes);
        var today = folder.Tensors.ToList();
        for (var index = 0; index < today.Count; index++)
        {
            folder.Tensors[index] = today[index] with { Name = today[index].Name.Replace(from, to, StringComparison.Ordinal).Replace(alsoFrom, alsoTo, StringComparison.Ordinal) };
        }

        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);
        folder.Tensors.Clear();
        folder.Tensors.AddRange(today);
        AssertMerged(loaded, merged, module => IsQueryOrValue(module) ? 1.5 : null);
    }

    [Theory]
    [InlineData(StoredType.F16)]
    [InlineData(StoredType.BF16)]
    public void Factors_may_be_stored_in_half_precision(StoredType type)
    {
        folder.AddQueryAndValue(Sizes);
        var narrow = folder.Tensors.Select(tensor => tensor.As(type)).ToList();
        folder.Tensors.Clear();
        folder.Tensors.AddRange(narrow);
        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);
        folder.Tensors.Clear();
        folder.Tensors.AddRange(narrow.Select(tensor => RawTensor.Of(tensor.Name, [.. tensor.Shape], Widened(tensor))));
        AssertMerged(loaded, merged, module => IsQueryOrValue(module) ? 1.5 : null);
    }

    [Theory]
    [InlineData("model.norm.weight")]
    [InlineData("model.norm.modules_to_save.weight")]
    [InlineData("model.norm.modules_to_save.default.weight")]
    public void Saved_modules_take_the_place_of_the_bases(string name)
    {
        folder.Config["modules_to_save"] = new JsonArray("model.norm");
        folder.AddQueryAndValue(Sizes).AddTensor(name, Sizes.Hidden);
        AssertMerged(module => IsQueryOrValue(module) ? 1.5 : null, ("model.norm.weight", folder.Values(name)));
    }

    [Fact]
    public void A_saved_module_is_not_adapted_and_brings_all_its_weights()
    {
        folder.Config["modules_to_save"] = new JsonArray("1.self_attn");
        folder.AddQueryAndValue(Sizes, 4, 0, 2);
        var saved = new[] { "q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight", "q_proj.bias", "k_proj.bias", "v_proj.bias" }
            .Select(name => $"model.layers.1.self_attn.{name}").ToArray();
        using var loaded = Weights.Load(checkpoint);
        foreach (var name in saved)
        {
            folder.AddTensor(name, [.. loaded.Shape(name)]);
        }

        AssertMerged(
            module => IsQueryOrValue(module) && !module.Contains(".1.", StringComparison.Ordinal) ? 1.5 : null,
            [.. saved.Select(name => (name, folder.Values(name)))]);
        folder.Tensors.RemoveAt(folder.Tensors.Count - 1);
        Assert.Contains("lacks the tensor \"model.layers.1.self_attn.v_proj.bias\"", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Fact]
    public void Trained_biases_take_the_place_of_the_bases()
    {
        folder.Config["bias"] = "all";
        folder.AddQueryAndValue(Sizes);
        var biases = Modules.Where(module => module.Contains("self_attn", StringComparison.Ordinal) && !module.EndsWith("o_proj", StringComparison.Ordinal)).ToList();
        foreach (var module in biases)
        {
            // Adapted modules are wrapped while they are trained.
            folder.AddTensor(IsQueryOrValue(module) ? $"{module}.base_layer.bias" : $"{module}.bias", module.EndsWith("q_proj", StringComparison.Ordinal) ? Sizes.Queries : Sizes.Keys);
        }

        AssertMerged(
            module => IsQueryOrValue(module) ? 1.5 : null,
            [.. biases.Select(module => ($"{module}.bias", folder.Values(IsQueryOrValue(module) ? $"{module}.base_layer.bias" : $"{module}.bias")))]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void Biases_of_adapted_modules_are_all_there_or_were_never_saved(int saved)
    {
        folder.Config["bias"] = "lora_only";
        folder.AddQueryAndValue(Sizes);
        var biases = Modules.Where(IsQueryOrValue).Take(saved).ToList();
        foreach (var module in biases)
        {
            folder.AddTensor($"{module}.bias", module.EndsWith("q_proj", StringComparison.Ordinal) ? Sizes.Queries : Sizes.Keys);
        }

        AssertMerged(module => IsQueryOrValue(module) ? 1.5 : null, [.. biases.Select(module => ($"{module}.bias", folder.Values($"{module}.bias")))]);
        if (saved > 0)
        {
            folder.Tensors.RemoveAt(folder.Tensors.Count - 1);
            Assert.Contains("lacks the tensor", folder.Refusal(Config), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Biases_of_updates_are_added_with_the_same_scale()
    {
        folder.Config["lora_bias"] = true;
        folder.AddQueryAndValue(Sizes);
        var loaded = Weights.Load(checkpoint);
        var expected = new List<(string, float[])>();
        foreach (var module in Modules.Where(IsQueryOrValue))
        {
            folder.AddTensor($"{module}.lora_B.bias", loaded.Shape($"{module}.bias")[0]);
            expected.Add(($"{module}.bias", [.. loaded.Span($"{module}.bias").ToArray().Zip(folder.Values($"{module}.lora_B.bias"), (b, v) => (float)(b + (1.5 * v)))]));
        }

        loaded.Dispose();
        AssertMerged(module => IsQueryOrValue(module) ? 1.5 : null, [.. expected]);
    }

    [Fact]
    public void A_bias_for_a_module_without_one_is_refused()
    {
        folder.Config["lora_bias"] = true;
        folder.Config["target_modules"] = new JsonArray("o_proj");
        AddAll(module => module.EndsWith("o_proj", StringComparison.Ordinal));
        foreach (var module in Modules.Where(module => module.EndsWith("o_proj", StringComparison.Ordinal)))
        {
            folder.AddTensor($"{module}.lora_B.bias", Sizes.Hidden);
        }

        Assert.Contains("model.layers.0.self_attn.o_proj, which has no bias in the base", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_a_tied_head_leaves_the_embedding_alone()
    {
        folder.Config["target_modules"] = new JsonArray("lm_head");
        folder.AddLinear("lm_head", Sizes.Vocabulary, Sizes.Hidden);
        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);

        Assert.False(adapter.IsLowRank);
        Assert.False(merged.Config.TieWordEmbeddings);
        Assert.True(loaded.Span("model.embed_tokens.weight").SequenceEqual(merged.Span("model.embed_tokens.weight")));
        var product = folder.Product("lm_head");
        for (var index = 0; index < product.Length; index++)
        {
            AssertRounded(loaded.Span("model.embed_tokens.weight")[index] + (1.5 * product[index]), merged.Span("lm_head.weight")[index]);
        }

        using var transformer = new Transformer(merged, Target.Fused, threads: 1);
        Assert.Equal(Sizes.Vocabulary, transformer.Logits([1]).Length);
    }

    [Fact]
    public void An_adapted_embedding_leaves_the_tied_head_alone()
    {
        folder.Config["target_modules"] = new JsonArray("embed_tokens");
        folder.AddTensor("model.embed_tokens.lora_embedding_A", 4, Sizes.Vocabulary).AddTensor("model.embed_tokens.lora_embedding_B", Sizes.Hidden, 4)
            .AddTensor("model.embed_tokens.base_layer.weight", Sizes.Vocabulary, Sizes.Hidden);
        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);

        Assert.True(loaded.Span("model.embed_tokens.weight").SequenceEqual(merged.Span("lm_head.weight")));
        var (a, b, saved) = (folder.Values("model.embed_tokens.lora_embedding_A"), folder.Values("model.embed_tokens.lora_embedding_B"), folder.Values("model.embed_tokens.base_layer.weight"));
        for (var index = 0; index < saved.Length; index++)
        {
            var (row, column) = (index / Sizes.Hidden, index % Sizes.Hidden);
            var product = Enumerable.Range(0, 4).Sum(k => (double)a[(k * Sizes.Vocabulary) + row] * b[(column * 4) + k]);
            AssertRounded(saved[index] + (1.5 * product), merged.Span("model.embed_tokens.weight")[index]);
        }
    }

    [Theory]
    [InlineData("embed_tokens", "lm_head")]
    [InlineData("embed_tokens")]
    [InlineData("lm_head")]
    public void Saved_embeddings_and_heads_part_where_the_base_ties_them(params string[] saved)
    {
        folder.Config["modules_to_save"] = new JsonArray([.. saved.Select(name => (JsonNode)name)]);
        folder.AddQueryAndValue(Sizes);
        foreach (var name in saved)
        {
            folder.AddTensor(name == "lm_head" ? "lm_head.weight" : "model.embed_tokens.weight", Sizes.Vocabulary, Sizes.Hidden);
        }

        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);
        Assert.False(merged.Config.TieWordEmbeddings);
        foreach (var (module, tensor) in new[] { ("embed_tokens", "model.embed_tokens.weight"), ("lm_head", "lm_head.weight") })
        {
            var expected = saved.Contains(module) ? folder.Values(tensor) : loaded.Span("model.embed_tokens.weight").ToArray();
            Assert.True(expected.AsSpan().SequenceEqual(merged.Span(tensor)), tensor);
        }
    }

    [Fact]
    public void An_embedding_of_another_vocabulary_is_refused_with_both_sizes()
    {
        folder.Config["modules_to_save"] = new JsonArray("embed_tokens");
        folder.AddQueryAndValue(Sizes).AddTensor("model.embed_tokens.weight", Sizes.Vocabulary + 8, Sizes.Hidden);
        Assert.Contains("[392, 64]", folder.Refusal(Config), StringComparison.Ordinal);
        Assert.Contains("demand [384, 64]", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("use_dora", "true")]
    [InlineData("layer_replication", "[[0, 2]]")]
    [InlineData("loftq_config", """{"loftq_bits": 4}""")]
    [InlineData("trainable_token_indices", "[1, 2]")]
    [InlineData("target_parameters", """["experts.weight"]""")]
    [InlineData("alora_invocation_tokens", "[5]")]
    [InlineData("use_qalora", "true")]
    [InlineData("megatron_config", """{"a": 1}""")]
    [InlineData("corda_config", """{"a": 1}""")]
    [InlineData("use_a_method_of_tomorrow", "true")]
    [InlineData("init_lora_weights", "\"pissa\"")]
    [InlineData("init_lora_weights", "\"loftq\"")]
    [InlineData("init_lora_weights", "\"olora\"")]
    [InlineData("task_type", "\"SEQ_CLS\"")]
    [InlineData("peft_type", "\"ADALORA\"")]
    [InlineData("peft_type", "null")]
    [InlineData("bias", "\"some\"")]
    [InlineData("r", "0")]
    [InlineData("r", "4.5")]
    [InlineData("lora_alpha", "null")]
    [InlineData("lora_alpha", "\"8\"")]
    [InlineData("target_modules", "null")]
    [InlineData("target_modules", "[1]")]
    [InlineData("target_modules", "\"(\"")]
    [InlineData("target_modules", "\".*(?P<name>q_proj)\"")]
    [InlineData("target_modules", "\"(?s).*q_proj\"")]
    [InlineData("target_modules", "\".*[a-z-[q]]_proj\"")]
    [InlineData("target_modules", "\".{,9}q_proj\"")]
    [InlineData("target_modules", "\"\\\\p{L}*\"")]
    [InlineData("rank_pattern", """{"q_proj": 0}""")]
    [InlineData("rank_pattern", """["q_proj"]""")]
    [InlineData("alpha_pattern", """{"q_proj": "8"}""")]
    [InlineData("layers_to_transform", "\"all\"")]
    public void What_is_not_supported_is_refused_by_name(string field, string value)
    {
        folder.AddQueryAndValue(Sizes).Config[field] = JsonNode.Parse(value);
        var refusal = folder.Refusal(Config);
        Assert.StartsWith(folder.ConfigPath, refusal, StringComparison.Ordinal);
        Assert.Contains(field, refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("init_lora_weights", "\"gaussian\"")]
    [InlineData("init_lora_weights", "false")]
    [InlineData("eva_config", """{"rho": 2.0}""")]
    [InlineData("loftq_config", "{}")]
    [InlineData("use_dora", "false")]
    [InlineData("corda_config", "null")]
    [InlineData("fan_in_fan_out", "true")]
    [InlineData("qalora_group_size", "16")]
    [InlineData("a_field_of_tomorrow", "null")]
    public void What_has_no_effect_is_passed_over(string field, string value)
    {
        folder.AddQueryAndValue(Sizes).Config[field] = JsonNode.Parse(value);
        AssertMerged(module => IsQueryOrValue(module) ? 1.5 : null);
    }

    [Fact]
    public void A_pattern_that_takes_long_is_given_up()
    {
        folder.AddQueryAndValue(Sizes).Config["target_modules"] = "(?=x|m)((((\\w|\\.)+)+)+)+!";
        Assert.Contains("takes more than", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("((a{1,1000}){1,1000}){1,1000}q")]
    [InlineData("(?!((a{1,1000}){1,1000}){1,1000}q)x")]
    [InlineData("((((((((((m*)*)*)*)*)*)*)*)*)*)*x")]
    public void A_pattern_that_grows_large_ends(string pattern)
    {
        folder.AddQueryAndValue(Sizes).Config["target_modules"] = pattern;
        Assert.StartsWith(folder.ConfigPath, folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("adapter_config.json", "is missing")]
    [InlineData("adapter_model.safetensors", "is missing")]
    [InlineData("tokenizer.json", "is empty or no plain file")]
    public void Missing_and_empty_files_are_named(string name, string why)
    {
        folder.AddQueryAndValue(Sizes).Write();
        var path = Path.Combine(folder.Path, name);
        if (File.Exists(path))
        {
            File.Delete(path);
        }
        else
        {
            File.Create(path).Dispose();
        }

        var refusal = Assert.Throws<InvalidDataException>(() => Adapter.Open(folder.Path, Config)).Message;
        Assert.Contains(name, refusal, StringComparison.Ordinal);
        Assert.Contains(why, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_are_missing_unexpected_or_of_the_wrong_shape_are_named()
    {
        const string Name = "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight";
        folder.AddQueryAndValue(Sizes);
        var whole = folder.Tensors.ToList();

        folder.Tensors.RemoveAll(tensor => tensor.Name == Name);
        Assert.Equal($"{folder.WeightsPath} lacks the tensor \"model.layers.1.self_attn.q_proj.lora_A.weight\", which {folder.ConfigPath} demands.", folder.Refusal(Config));

        Restore();
        folder.AddLinear("model.layers.1.self_attn.k_proj", Sizes.Keys, Sizes.Hidden);
        Assert.Contains("holds the tensors \"base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight\", ", folder.Refusal(Config), StringComparison.Ordinal);

        Restore();
        folder.AddTensor("model.layers.0.self_attn.q_proj.lora_magnitude_vector", Sizes.Queries);
        Assert.Contains("lora_magnitude_vector", folder.Refusal(Config), StringComparison.Ordinal);

        Restore();
        folder.Edit(Name, tensor => RawTensor.Of(Name, [5, Sizes.Hidden], new float[5 * Sizes.Hidden]));
        Assert.Contains($"{Name} with the shape [5, 64]; {folder.ConfigPath} and the base demand [4, 64]", folder.Refusal(Config), StringComparison.Ordinal);

        Restore();
        folder.AddNamed(Name.Replace(".weight", ".default.weight", StringComparison.Ordinal), 4, Sizes.Hidden);
        Assert.Contains("which are the same tensor", folder.Refusal(Config), StringComparison.Ordinal);

        Restore();
        folder.Edit(Name, tensor => tensor with { Name = Name.Replace(".weight", ".a.weight", StringComparison.Ordinal) });
        folder.Edit(Name.Replace("lora_A", "lora_B", StringComparison.Ordinal), tensor => tensor with { Name = Name.Replace("A.weight", "B.b.weight", StringComparison.Ordinal) });
        Assert.Contains("holds two adapters, \"a\" and \"b\"", folder.Refusal(Config), StringComparison.Ordinal);

        void Restore()
        {
            folder.Tensors.Clear();
            folder.Tensors.AddRange(whole);
        }
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused()
    {
        const string Name = "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight";
        folder.AddQueryAndValue(Sizes).Edit(Name, tensor => RawTensor.Of(Name, [.. tensor.Shape], [float.NaN, .. tensor.Floats[1..]]));
        using var adapter = folder.Open(Config);
        Assert.Contains(Name, Assert.Throws<InvalidDataException>(() => Weights.Merge(checkpoint, new AdapterUpdate(adapter))).Message, StringComparison.Ordinal);
        Assert.Contains(Name, Assert.Throws<InvalidDataException>(() => AdapterStack.Create(Config, [new AdapterUpdate(adapter)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_that_changes_nothing_is_refused()
    {
        folder.AddQueryAndValue(Sizes);
        foreach (var name in folder.Tensors.Select(tensor => tensor.Name).Where(name => name.Contains("lora_B", StringComparison.Ordinal)).ToList())
        {
            folder.Edit(name, tensor => RawTensor.Of(name, [.. tensor.Shape], new float[tensor.Floats.Length]));
        }

        Assert.StartsWith($"{folder.WeightsPath} changes nothing", folder.Refusal(Config), StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_another_base_is_refused()
    {
        folder.AddQueryAndValue(Sizes);
        using var other = Checkpoint.Open(TestData.PathTo("models", "llama-gqa", "model"));
        Assert.StartsWith(folder.WeightsPath, folder.Refusal(other.Config), StringComparison.Ordinal);
        using var adapter = folder.Open(Config);
        Assert.Contains("Architecture", Assert.Throws<InvalidDataException>(() => Weights.Merge(other, new AdapterUpdate(adapter))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_but_never_crash()
    {
        folder.AddQueryAndValue(Sizes).Write();
        var mutations = new Mutations(1);
        foreach (var path in new[] { folder.ConfigPath, folder.WeightsPath })
        {
            var whole = File.ReadAllBytes(path);
            for (var attempt = 0; attempt < 200; attempt++)
            {
                File.WriteAllBytes(path, mutations.Of(whole));
                try
                {
                    using var adapter = Adapter.Open(folder.Path, Config);
                    using var stack = AdapterStack.Create(Config, [new AdapterUpdate(adapter)]);
                }
                catch (InvalidDataException fault)
                {
                    Assert.DoesNotContain('\n', fault.Message);
                }
            }

            File.WriteAllBytes(path, whole);
        }
    }

    public void Dispose()
    {
        folder.Dispose();
        checkpoint.Dispose();
    }

    private static bool IsQueryOrValue(string module) =>
        module.EndsWith("q_proj", StringComparison.Ordinal) || module.EndsWith("v_proj", StringComparison.Ordinal);

    private static float[] Widened(RawTensor tensor) => tensor.Type == StoredType.F16
        ? Array.ConvertAll(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(tensor.Data).ToArray(), half => (float)half)
        : Array.ConvertAll(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(tensor.Data).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    private IEnumerable<string> Modules => checkpoint.Names
        .Where(name => name.EndsWith("_proj.weight", StringComparison.Ordinal)).Select(name => name[..^".weight".Length]);

    private void AddAll(Func<string, bool> which)
    {
        foreach (var module in Modules.Where(which))
        {
            var shape = checkpoint[$"{module}.weight"].Info.Shape;
            folder.AddLinear(module, (int)shape[0], (int)shape[1]);
        }
    }

    private void AssertMerged(Func<string, double?> scale, params (string Name, float[] Values)[] replaced)
    {
        using var adapter = folder.Open(Config);
        using var merged = Weights.Merge(checkpoint, new AdapterUpdate(adapter));
        using var loaded = Weights.Load(checkpoint);
        Assert.Equal(replaced.Length == 0, adapter.IsLowRank);
        AssertMerged(loaded, merged, scale, replaced);
    }

    // Every element of every weight against W + scale · B A in double.
    private void AssertMerged(Weights loaded, Weights merged, Func<string, double?> scale, params (string Name, float[] Values)[] replaced)
    {
        Assert.Equal(loaded.Names, merged.Names);
        foreach (var name in loaded.Names)
        {
            var before = loaded.Span(name);
            var after = merged.Span(name);
            var module = name[..name.LastIndexOf('.')];
            if (replaced.FirstOrDefault(item => item.Name == name) is { Values: { } values })
            {
                Assert.True(values.AsSpan().SequenceEqual(after), name);
            }
            else if (name.EndsWith(".weight", StringComparison.Ordinal) && scale(module) is { } factor)
            {
                var product = folder.Product(module);
                for (var index = 0; index < before.Length; index++)
                {
                    AssertRounded(before[index] + (factor * product[index]), after[index]);
                }
            }
            else
            {
                Assert.True(before.SequenceEqual(after), name);
            }
        }
    }

    // Once: the nearest float32 but for the order of the sums in double.
    private static void AssertRounded(double expected, float actual) =>
        Assert.InRange(Math.Abs(expected - actual), 0, (Math.Abs(expected) * 6.0e-8) + 1e-14);
}
