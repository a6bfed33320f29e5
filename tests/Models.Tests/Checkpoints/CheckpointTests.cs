using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Checkpoints;

public class CheckpointTests
{
    private const string Norm = "model.norm.weight";

    [Fact]
    public void A_folder_that_is_not_there_is_refused() =>
        Assert.Equal("no/such/folder is not a folder.", Assert.Throws<InvalidDataException>(() => Checkpoint.Open("no/such/folder")).Message);

    [Fact]
    public void What_a_trainer_leaves_beside_the_model_does_not_matter()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        foreach (var name in new[] { "optimizer.pt", "rng_state.pth", "trainer_state.json", "training_args.bin", "pytorch_model.bin" })
        {
            File.WriteAllText(model.PathOf(name), "not read");
        }

        model.Load().Dispose();
    }

    [Fact]
    public void Without_generation_config_the_end_of_text_is_that_of_the_config()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        using (var checkpoint = Checkpoint.Open(model.Path))
        {
            Assert.Equal([368, 366], checkpoint.Generation.EosTokenIds);
        }

        File.Delete(model.PathOf("generation_config.json"));
        using (var checkpoint = Checkpoint.Open(model.Path))
        {
            Assert.Equal([368], checkpoint.Generation.EosTokenIds);
        }
    }

    [Theory]
    [InlineData("config.json", "config.json is missing")]
    [InlineData("tokenizer.json", "tokenizer.json is missing")]
    [InlineData("model.safetensors", "model.safetensors (or model.safetensors.index.json and its shards) is missing")]
    public void A_missing_file_is_named(string file, string sentence)
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Delete(model.PathOf(file));

        Assert.Contains(sentence, model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_is_not_missed_where_none_is_wanted()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Delete(model.PathOf("tokenizer.json"));

        using var checkpoint = Checkpoint.Open(model.Path, withTokenizer: false);

        Assert.Equal(3, checkpoint.Config.Layers);
    }

    [Fact]
    public void Pickled_weights_alone_are_refused_with_the_way_to_convert_them()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Move(model.PathOf("model.safetensors"), model.PathOf("pytorch_model.bin"));

        Assert.Contains("pytorch_model.bin", model.Refusal(), StringComparison.Ordinal);
        Assert.Contains("save_pretrained", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_alone_is_refused()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Move(model.PathOf("model.safetensors"), model.PathOf("adapter_model.safetensors"));
        File.WriteAllText(model.PathOf("adapter_config.json"), "{}");

        Assert.Contains("holds a LoRA adapter and no whole model", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_tensors_are_named()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditTensors(tensors => tensors.RemoveAll(tensor => tensor.Name == Norm || tensor.Name.EndsWith("k_proj.bias", StringComparison.Ordinal)));

        Assert.Contains("lacks the tensors \"model.layers.0.self_attn.k_proj.bias\", \"model.layers.1.self_attn.k_proj.bias\", \"model.layers.2.self_attn.k_proj.bias\", \"model.norm.weight\", which",
            model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_untied_model_needs_its_head()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditJson("config.json", config => config["tie_word_embeddings"] = false);

        Assert.Contains("lacks the tensor \"lm_head.weight\"", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_of_another_shape_is_named_with_both_shapes()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditJson("config.json", config => config["intermediate_size"] = 56);

        Assert.Contains("model.layers.0.mlp.gate_proj.weight with the shape [112, 64]", model.Refusal(), StringComparison.Ordinal);
        Assert.Contains("demands [56, 64]", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_without_a_place_is_named()
    {
        using var model = ModelFolder.CopyOf("llama-gqa/model");
        model.EditTensors(tensors => tensors.Add(RawTensor.Of("model.layers.0.self_attn.q_proj.bias", [64], new float[64])));

        Assert.Contains("holds the tensor \"model.layers.0.self_attn.q_proj.bias\", for which", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Buffers_that_follow_from_the_config_are_passed_over()
    {
        using var model = ModelFolder.CopyOf("llama-gqa/model");
        model.EditTensors(tensors => tensors.AddRange(
        [
            RawTensor.Of("model.layers.0.self_attn.rotary_emb.inv_freq", [1], float.NaN),
            RawTensor.Of("model.layers.1.attn.masked_bias", [], 0),
        ]));
        using var weights = model.Load();

        Assert.Equal(21, weights.Names.Count);
    }

    [Fact]
    public void A_head_beside_tied_embeddings_is_passed_over_when_it_is_their_copy_and_refused_when_not()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditTensors(tensors => tensors.Add(tensors.Single(tensor => tensor.Name == "model.embed_tokens.weight") with { Name = "lm_head.weight" }));
        using (var weights = model.Load())
        {
            Assert.DoesNotContain("lm_head.weight", weights.Names);
        }

        model.EditTensors(tensors => tensors.Single(tensor => tensor.Name == "lm_head.weight").Data[^2] ^= 1);

        Assert.Contains("tie_word_embeddings", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_a_type_that_is_not_supported_are_refused()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        model.EditTensors(tensors => tensors[^1] = tensors[^1] with { Type = StoredType.I32 });

        Assert.Contains("holds model.norm.weight as I32; only F32, F16 and BF16", model.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(511_020)]
    public void A_file_cut_off_is_refused(int missing)
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        using (var file = File.OpenWrite(model.PathOf("model.safetensors")))
        {
            file.SetLength(file.Length - missing);
        }

        Assert.Contains("model.safetensors is not a sound safetensors file", model.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../model-00001-of-00004.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("model/../../model.safetensors")]
    [InlineData("sub\\model.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData("C:\\model.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("model-00001-of-00004.safetensors.")]
    [InlineData("model-00001-of-00004.safetensors ")]
    [InlineData("model-00001-of-00004.safetensors\n")]
    [InlineData("model-00001\0.safetensors")]
    [InlineData("model-ä.safetensors")]
    [InlineData("CON.safetensors")]
    [InlineData("model.safetensors:stream")]
    [InlineData("pytorch_model.bin")]
    [InlineData(".safetensors")]
    public void A_shard_name_that_could_leave_the_folder_is_refused(string shard)
    {
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        model.EditJson("model.safetensors.index.json", index => index["weight_map"]![Norm] = shard);

        Assert.Contains("model.safetensors.index.json puts the tensor \"model.norm.weight\" into", model.Refusal(), StringComparison.Ordinal);
        Assert.DoesNotContain(model.Refusal(), char.IsControl);
    }

    [Theory]
    [InlineData("""{"metadata":{}}""", "lacks the object weight_map")]
    [InlineData("""{"weight_map":[]}""", "lacks the object weight_map")]
    [InlineData("""{"weight_map":{}}""", "names no tensor")]
    [InlineData("""{"weight_map":{"a":1}}""", "puts the tensor")]
    [InlineData("""{"weight_map":{"a":"model.safetensors","a":"model.safetensors"}}""", "not valid JSON")]
    [InlineData("[]", "a list where an object belongs")]
    [InlineData("{", "not valid JSON")]
    public void A_malformed_index_is_refused(string text, string sentence)
    {
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        File.WriteAllText(model.PathOf("model.safetensors.index.json"), text);

        Assert.Contains(sentence, model.Refusal(), StringComparison.Ordinal);
        Assert.Contains(model.Path, model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_is_not_there_is_named()
    {
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        File.Delete(model.PathOf("model-00003-of-00004.safetensors"));

        Assert.Contains("model-00003-of-00004.safetensors is missing: 1 of the 4 files", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_in_two_shards_is_refused()
    {
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        var norm = Enumerable.Range(1, 4).Select(number => $"model-0000{number}-of-00004.safetensors")
            .SelectMany(file => model.Tensors(file)).Single(tensor => tensor.Name == Norm);
        model.EditTensors(tensors => tensors.Add(norm), "model-00001-of-00004.safetensors");

        Assert.Contains(Norm, model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_lies_in_another_shard_than_the_index_says_is_refused()
    {
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        model.EditJson("model.safetensors.index.json", index => index["weight_map"]!["model.layers.0.input_layernorm.weight"] = "model-00001-of-00004.safetensors");

        Assert.Contains("which model.safetensors.index.json does not place there", model.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("generation_config.json")]
    public void A_link_out_of_the_folder_is_refused(string file)
    {
        using var elsewhere = ModelFolder.CopyOf("qwen2-tied/model");
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Delete(model.PathOf(file));
        File.CreateSymbolicLink(model.PathOf(file), elsewhere.PathOf(file));

        Assert.Contains("link that leads out of its folder", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_stays_in_the_folder_is_followed()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Move(model.PathOf("model.safetensors"), model.PathOf("weights"));
        File.CreateSymbolicLink(model.PathOf("model.safetensors"), "weights");

        model.Load().Dispose();
    }

    [Fact]
    public void A_link_to_nothing_or_to_itself_is_refused()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Delete(model.PathOf("model.safetensors"));
        File.CreateSymbolicLink(model.PathOf("model.safetensors"), "gone");

        Assert.Contains("to nothing", model.Refusal(), StringComparison.Ordinal);
        File.Delete(model.PathOf("model.safetensors"));
        File.CreateSymbolicLink(model.PathOf("model.safetensors"), "model.safetensors");

        Assert.Contains("model.safetensors", model.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    public void An_empty_file_counts_as_missing(string file)
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.WriteAllText(model.PathOf(file), "");

        Assert.Contains(" is missing", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_in_place_of_a_file_is_refused_and_not_waited_for()
    {
        using var model = ModelFolder.CopyOf("qwen2-tied/model");
        File.Delete(model.PathOf("generation_config.json"));
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [model.PathOf("generation_config.json")]))
        {
            mkfifo.WaitForExit();
        }

        Assert.Contains("generation_config.json is empty or no plain file", model.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Random_damage_to_any_file_is_refused_in_one_way_only()
    {
        var mutations = new Mutations(seed: 11);
        using var model = ModelFolder.CopyOf("qwen2-sharded/model");
        foreach (var file in Directory.EnumerateFiles(model.Path).Order(StringComparer.Ordinal))
        {
            var original = File.ReadAllBytes(file);
            for (var round = 0; round < 12; round++)
            {
                // Mostly in the header, where the structure is.
                var start = Math.Min(original.Length, 2000);
                File.WriteAllBytes(file, [.. mutations.Of(original[..start]), .. original[start..]]);
                try
                {
                    model.Load().Dispose();
                }
                catch (InvalidDataException)
                {
                }
            }

            File.WriteAllBytes(file, original);
        }

        model.Load().Dispose();
    }

    [Theory]
    [InlineData("config.json", true)]
    [InlineData("generation_config.json", true)]
    [InlineData("model.safetensors", true)]
    [InlineData("model-00001-of-00002.safetensors", true)]
    [InlineData("model.safetensors.index.json", true)]
    [InlineData("tokenizer.json", true)]
    [InlineData("tokenizer_config.json", true)]
    [InlineData("special_tokens_map.json", true)]
    [InlineData("chat_template.jinja", true)]
    [InlineData("chat_template.json", true)]
    [InlineData("adapter_config.json", true)]
    [InlineData("adapter_model.safetensors", true)]
    [InlineData("optimizer.pt", false)]
    [InlineData("optimizer.safetensors", false)]
    [InlineData("rng_state_0.pth", false)]
    [InlineData("scheduler.pt", false)]
    [InlineData("trainer_state.json", false)]
    [InlineData("training_args.bin", false)]
    [InlineData("pytorch_model.bin", false)]
    [InlineData("tf_model.h5", false)]
    [InlineData("README.md", false)]
    [InlineData("../model.safetensors", false)]
    [InlineData("Config.json", false)]
    public void Only_the_files_of_a_model_matter(string name, bool matters) => Assert.Equal(matters, CheckpointFiles.Matters(name));

    [Fact]
    public void A_folder_is_complete_when_the_last_shard_is_there()
    {
        var index = new ShardIndex(new Dictionary<string, string> { ["a"] = "model-1.safetensors", ["b"] = "model-2.safetensors" });
        var files = new Dictionary<string, long> { ["config.json"] = 1, ["tokenizer.json"] = 1, ["model-1.safetensors"] = 1, ["model.safetensors.index.json"] = 1 };

        Assert.StartsWith("model-2.safetensors is missing", CheckpointFiles.Missing(files, () => index), StringComparison.Ordinal);
        files["model-2.safetensors"] = 1;
        Assert.Null(CheckpointFiles.Missing(files, () => index));
    }

    [Fact]
    public void An_adapters_folder_is_complete_without_a_config_and_a_tokenizer()
    {
        var files = new Dictionary<string, long> { ["adapter_config.json"] = 1, ["README.md"] = 1 };
        string? Missing() => CheckpointFiles.Missing(files, () => throw new InvalidOperationException("read"));

        Assert.StartsWith("adapter_model.safetensors is missing", Missing(), StringComparison.Ordinal);
        files["adapter_model.safetensors"] = 1;
        Assert.Null(Missing());
        Assert.True(CheckpointFiles.IsAdapter(files));
        files.Remove("adapter_config.json");
        Assert.StartsWith("adapter_config.json is missing", Missing(), StringComparison.Ordinal);
        files["model.safetensors"] = 1;
        Assert.False(CheckpointFiles.IsAdapter(files));
        Assert.StartsWith("config.json is missing", Missing(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_digest_of_an_adapter_covers_its_two_files()
    {
        // printf 'bb  adapter_config.json\naa  adapter_model.safetensors\n' | sha256sum
        Assert.Equal("a7ebbd59906f0d620f29126b17ab7f77883bce679be918828ee0bf8937aa566b", CheckpointFiles.WeightsDigest(new Dictionary<string, string>
        {
            ["adapter_model.safetensors"] = "aa",
            ["config.json"] = "cc",
            ["tokenizer.json"] = "dd",
            ["adapter_config.json"] = "bb",
        }));
    }

    [Fact]
    public void The_index_is_read_only_where_the_weights_are_in_shards()
    {
        var files = new Dictionary<string, long> { ["config.json"] = 1, ["tokenizer.json"] = 1, ["model.safetensors"] = 1, ["model.safetensors.index.json"] = 1 };

        Assert.Null(CheckpointFiles.Missing(files, () => throw new InvalidOperationException("read")));
    }

    [Fact]
    public void The_weights_digest_is_what_sha256sum_prints()
    {
        // printf 'aa  config.json\nbb  model-1.safetensors\ncc  model-2.safetensors\n' | sha256sum
        Assert.Equal("cc6f4ed5cc9d988fea96b2d4518319341dd7116b70e6688f222c9c49215b3506", CheckpointFiles.WeightsDigest(new Dictionary<string, string>
        {
            ["model-2.safetensors"] = "cc",
            ["tokenizer.json"] = "dd",
            ["config.json"] = "aa",
            ["model-1.safetensors"] = "bb",
        }));
    }
}
