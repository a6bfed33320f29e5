using System.Text;
using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Checkpoints;

public class ModelConfigTests
{
    private const string Llama = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":384,"hidden_size":64,"intermediate_size":128,
        "num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":512,"rms_norm_eps":1e-5,
        "rope_theta":500000.0,"hidden_act":"silu","tie_word_embeddings":false,"torch_dtype":"float32","bos_token_id":1,"eos_token_id":2}
        """;

    [Fact]
    public void A_Llama_config_is_read()
    {
        Assert.Equal(new ModelConfig
        {
            Architecture = "LlamaForCausalLM",
            VocabularySize = 384,
            HiddenSize = 64,
            IntermediateSize = 128,
            Layers = 2,
            Heads = 4,
            KeyValueHeads = 2,
            HeadSize = 16,
            MaxPositions = 512,
            Rotary = new UnscaledRotary(16, 500_000),
            Windows = [null, null],
            AttentionScale = 0.25,
            NormEpsilon = 1e-5f,
            TieWordEmbeddings = false,
            AttentionBias = false,
            OutputBias = false,
            MlpBias = false,
        }, Parse(Llama));
    }

    [Fact]
    public void The_form_of_transformers_5_means_the_same()
    {
        Assert.Equal(Parse(Llama), Parse(With(root =>
        {
            root.Remove("rope_theta");
            root.Remove("torch_dtype");
            root["dtype"] = "float32";
            root["rope_parameters"] = new JsonObject { ["rope_theta"] = 500_000.0, ["rope_type"] = "default" };
        })));
    }

    [Fact]
    public void Absent_or_null_fields_take_the_defaults_of_transformers()
    {
        var config = Parse(With(root =>
        {
            foreach (var field in new[] { "rope_theta", "rms_norm_eps", "hidden_act", "tie_word_embeddings", "architectures" })
            {
                root.Remove(field);
            }

            root["num_key_value_heads"] = null;
            root["head_dim"] = null;
            root["rope_scaling"] = null;
        }));

        Assert.Equal((10_000d, 1e-6f, false, 4, 16), (config.Rotary!.Theta, config.NormEpsilon, config.TieWordEmbeddings, config.KeyValueHeads, config.HeadSize));
    }

    [Fact]
    public void Qwen2_has_biases_on_query_key_and_value_only()
    {
        var config = Parse(With(root => (root["model_type"], root["architectures"]) = ("qwen2", new JsonArray("Qwen2ForCausalLM"))));

        Assert.Equal(("Qwen2ForCausalLM", true, false, false), (config.Architecture, config.AttentionBias, config.OutputBias, config.MlpBias));
    }

    [Fact]
    public void Llama_can_have_biases_everywhere()
    {
        var config = Parse(With(root => (root["attention_bias"], root["mlp_bias"]) = (true, true)));

        Assert.Equal((true, true, true), (config.AttentionBias, config.OutputBias, config.MlpBias));
    }

    [Fact]
    public void A_sliding_window_that_is_not_used_has_no_effect() =>
        Assert.Equal(Parse(Llama), Parse(With(root => (root["sliding_window"], root["use_sliding_window"], root["max_window_layers"]) = (8, false, 1))));

    [Theory]
    [InlineData("architectures", """["MambaForCausalLM"]""", "MambaForCausalLM", "supported are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM")]
    [InlineData("architectures", """["Qwen2ForQuestionAnswering"]""", "Qwen2ForQuestionAnswering", "supported are")]
    [InlineData("architectures", """["Qwen2ForCausalLM"]""", "model_type", "\"llama\"")]
    [InlineData("architectures", """["\u001b[31mForCausalLM"]""", "?[31mForCausalLM", "supported are")]
    [InlineData("architectures", "[]", "architectures", "a list of one name")]
    [InlineData("quantization_config", """{"quant_method":"gptq"}""", "quantization_config", "bfloat16")]
    [InlineData("auto_map", """{"AutoModelForCausalLM":"modeling.M"}""", "auto_map", "code of their own")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act", "silu")]
    [InlineData("use_sliding_window", "true", "use_sliding_window", "not supported")]
    [InlineData("layer_types", """["full_attention","sliding_attention"]""", "layer_types", "full_attention")]
    [InlineData("pretraining_tp", "2", "pretraining_tp = 2", "only 1")]
    [InlineData("partial_rotary_factor", "0.5", "partial_rotary_factor = 0.5", "only 1")]
    [InlineData("text_config", """{"hidden_size":64}""", "text_config", "save the text model alone")]
    [InlineData("rope_scaling", """{"rope_type":"mrope","mrope_section":[2,3,3]}""", "rope_scaling.rope_type = \"mrope\"", "supported are default, linear, dynamic, llama3, yarn and longrope")]
    [InlineData("rope_scaling", """{"rope_type":"llama3","factor":8}""", "lacks the field rope_scaling.low_freq_factor")]
    [InlineData("rope_scaling", """{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4}""", "low_freq_factor = 4", "less than high_freq_factor")]
    [InlineData("rope_scaling", """{"type":"linear"}""", "lacks the field rope_scaling.factor")]
    [InlineData("rope_scaling", """{"type":"linear","factor":-2}""", "rope_scaling.factor = -2", "above 0")]
    [InlineData("rope_scaling", """{"factor":2}""", "rope_scaling.factor = 2", "no rope_type")]
    [InlineData("rope_scaling", """{"type":"longrope","short_factor":[1,2,3],"long_factor":[1,2,3]}""", "short_factor = [1,2,3]", "3 numbers where 8 pairs turn")]
    [InlineData("rope_scaling", """{"type":"longrope","short_factor":[1,0,3]}""", "short_factor = [1,0,3]", "a list of numbers above 0")]
    [InlineData("rope_scaling", """{"type":"longrope","short_factor":[1,1,1,1,1,1,1,1],"long_factor":[2,2,2,2,2,2,2,2],"original_max_position_embeddings":1}""", "rope_scaling", "not finite")]
    [InlineData("rope_scaling", "2", "rope_scaling", "a number")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","rope_theta":500000,"beta_slow":0}""", "rope_parameters.beta_slow = 0", "above 0")]
    [InlineData("rope_parameters", """{"full_attention":{"rope_type":"default","rope_theta":500000}}""", "rope_parameters.full_attention", "differ between layer types")]
    [InlineData("rope_parameters", """{"rope_type":"default","partial_rotary_factor":0.5}""", "rope_parameters.partial_rotary_factor = 0.5", "only 1")]
    [InlineData("rope_parameters", """{"rope_type":"default","rope_theta":10000}""", "rope_parameters.rope_theta = 10000", "another rope_theta outside")]
    public void What_is_not_supported_is_refused_by_name(string field, string value, params string[] sentence)
    {
        var message = Refusal(With(root => root[field] = JsonNode.Parse(value)));

        Assert.All(sentence, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("qwen3", "Qwen3ForCausalLM", "hidden_act", "\"gelu\"", "silu")]
    [InlineData("qwen2", "Qwen2ForCausalLM", "layer_types", """["full_attention","sliding_attention"]""", "there is no sliding_window")]
    [InlineData("qwen2", "Qwen2ForCausalLM", "max_window_layers", "-1", "max_window_layers = -1")]
    [InlineData("mistral", "MistralForCausalLM", "layer_types", """["full_attention"]""", "each of the 2 layers")]
    [InlineData("mistral", "MistralForCausalLM", "layer_types", """["full_attention","linear_attention"]""", "sliding_attention")]
    [InlineData("mistral", "MistralForCausalLM", "sliding_window", "0", "sliding_window = 0")]
    [InlineData("gemma2", "Gemma2ForCausalLM", "hidden_activation", "\"gelu\"", "gelu_pytorch_tanh")]
    [InlineData("gemma2", "Gemma2ForCausalLM", "use_bidirectional_attention", "true", "causal")]
    [InlineData("gemma2", "Gemma2ForCausalLM", "attn_logit_softcapping", "-1", "attn_logit_softcapping = -1")]
    [InlineData("phi3", "Phi3ForCausalLM", "partial_rotary_factor", "0.32", "even number of each head's 16")]
    [InlineData("gpt2", "GPT2LMHeadModel", "scale_attn_by_inverse_layer_idx", "true", "only false")]
    [InlineData("gpt2", "GPT2LMHeadModel", "activation_function", "\"relu\"", "gelu_new")]
    [InlineData("gpt2", "GPT2LMHeadModel", "n_head", "3", "does not divide")]
    public void Each_family_refuses_what_it_does_not_have(string modelType, string architecture, string field, string value, string sentence)
    {
        var message = Refusal(With(root =>
        {
            (root["model_type"], root["architectures"]) = (modelType, new JsonArray(architecture));
            (root["n_embd"], root["n_layer"], root["n_head"], root["n_positions"]) = (64, 2, 4, 512);
            root[field] = JsonNode.Parse(value);
        }));

        Assert.Contains(sentence, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Angles_beyond_all_numbers_are_refused() => Assert.Contains(
        "angles that are not finite numbers: look at rope_theta",
        Refusal(With(root => (root["rope_theta"], root["head_dim"]) = (5e-324, 64))),
        StringComparison.Ordinal);

    [Fact]
    public void Absent_fields_take_the_defaults_of_their_family()
    {
        ModelConfig Bare(string modelType) => Parse(With(root =>
        {
            root["model_type"] = modelType;
            root.Remove("architectures");
            root.Remove("tie_word_embeddings");
        }));

        var (qwen3, gemma2, mistral, phi3) = (Bare("qwen3"), Bare("gemma2"), Bare("mistral"), Bare("phi3"));
        Assert.Equal((128, false), (qwen3.HeadSize, qwen3.TieWordEmbeddings));
        Assert.Equal((256, true, 50d, 30d, 1 / 16d), (gemma2.HeadSize, gemma2.TieWordEmbeddings, gemma2.AttentionCap, gemma2.LogitCap, gemma2.AttentionScale));
        Assert.Equal([4096, null], gemma2.Windows);
        Assert.Equal([4096, 4096], mistral.Windows);
        Assert.Equal([null, null], phi3.Windows);
    }

    [Theory]
    [InlineData("""{"type":"linear","factor":3}""", 1536, int.MaxValue, false)]
    [InlineData("""{"type":"dynamic","factor":2.5}""", 1280, 512, true)]
    [InlineData("""{"type":"yarn","factor":4,"original_max_position_embeddings":512}""", 2048, int.MaxValue, false)]
    [InlineData("""{"type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32}""", 512, int.MaxValue, false)]
    [InlineData("""{"type":"longrope","short_factor":[1,1,1,1,1,1,1,1],"long_factor":[2,2,2,2,2,2,2,2],"original_max_position_embeddings":64}""", 512, 64, false)]
    public void Scaling_says_how_far_a_model_reaches_and_where_its_frequencies_change(string scaling, int reach, int changeAfter, bool follow)
    {
        var config = Parse(With(root => root["rope_scaling"] = JsonNode.Parse(scaling)));

        Assert.Equal((reach, changeAfter, follow), (config.MaxPositions, config.Rotary!.FrequenciesChangeAfter, config.Rotary.FrequenciesFollowLength));
        Assert.Equal(config, Parse(With(root => root["rope_scaling"] = JsonNode.Parse(scaling))));
    }

    [Theory]
    [InlineData("vocab_size", "0")]
    [InlineData("vocab_size", "-5")]
    [InlineData("vocab_size", "1e30")]
    [InlineData("vocab_size", "384.5")]
    [InlineData("vocab_size", "\"384\"")]
    [InlineData("hidden_size", "99999999999999999999")]
    [InlineData("hidden_size", "65")]
    [InlineData("intermediate_size", "0")]
    [InlineData("num_hidden_layers", "0")]
    [InlineData("num_hidden_layers", "1000000")]
    [InlineData("num_attention_heads", "0")]
    [InlineData("num_key_value_heads", "3")]
    [InlineData("num_key_value_heads", "8")]
    [InlineData("head_dim", "0")]
    [InlineData("head_dim", "15")]
    [InlineData("head_dim", "1048576")]
    [InlineData("max_position_embeddings", "0")]
    [InlineData("max_position_embeddings", "1000000000")]
    [InlineData("rms_norm_eps", "-1e-6")]
    [InlineData("rms_norm_eps", "0")]
    [InlineData("rms_norm_eps", "1e400")]
    [InlineData("rope_theta", "0")]
    [InlineData("rope_theta", "1e400")]
    [InlineData("tie_word_embeddings", "1")]
    public void An_impossible_size_is_refused_with_its_field_and_value(string field, string value)
    {
        var message = Refusal(With(root => root[field] = JsonNode.Parse(value)));

        Assert.Contains(field, message, StringComparison.Ordinal);
        Assert.Contains(value, message, StringComparison.Ordinal);
        Assert.StartsWith("the-config", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vocab_size")]
    [InlineData("hidden_size")]
    [InlineData("intermediate_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("num_attention_heads")]
    [InlineData("max_position_embeddings")]
    public void A_missing_size_is_named(string field) =>
        Assert.Equal($"the-config lacks the field {field}.", Refusal(With(root => root.Remove(field))));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"vocab_size\":1,\"vocab_size\":2}")]
    [InlineData("{\"model_type\":\"\\ud800\"}")]
    public void What_is_not_a_strict_JSON_object_is_refused(string text) => Assert.StartsWith("the-config", Refusal(text), StringComparison.Ordinal);

    [Fact]
    public void A_random_mutation_is_refused_in_one_way_only()
    {
        var original = Encoding.UTF8.GetBytes(Llama);
        var mutations = new Mutations(seed: 7);
        var refused = 0;
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = mutations.Of(original);
            try
            {
                var config = ModelConfig.Parse(bytes, "the-config");
                Assert.True(config.Heads % config.KeyValueHeads == 0 && config.HeadSize % 2 == 0);
                Assert.NotEmpty(ModelGraph.Parameters(config));
                GenerationConfig.Parse(bytes, "the-config", bytes, "the-config");
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1, 1_999);
    }

    [Theory]
    [InlineData("""{"eos_token_id":[7,5,7],"bos_token_id":3}""", new[] { 7, 5 }, 3)]
    [InlineData("""{"eos_token_id":9}""", new[] { 9 }, 1)]
    [InlineData("""{"eos_token_id":null}""", new[] { 2 }, 1)]
    [InlineData("""{}""", new[] { 2 }, 1)]
    [InlineData(null, new[] { 2 }, 1)]
    public void End_of_text_comes_from_generation_config_and_else_from_config(string? generation, int[] eos, int bos)
    {
        var parsed = GenerationConfig.Parse(Encoding.UTF8.GetBytes(Llama), "the-config",
            generation is null ? null : Encoding.UTF8.GetBytes(generation), "the-generation");

        Assert.Equal(eos, parsed.EosTokenIds);
        Assert.Equal(bos, parsed.BosTokenId);
    }

    [Fact]
    public void An_end_of_text_that_is_no_id_is_refused()
    {
        var message = Assert.Throws<InvalidDataException>(() => GenerationConfig.Parse(Encoding.UTF8.GetBytes(Llama), "the-config",
            Encoding.UTF8.GetBytes("""{"eos_token_id":[1,"</s>"]}"""), "the-generation")).Message;

        Assert.StartsWith("the-generation has eos_token_id = ", message, StringComparison.Ordinal);
    }

    private static string With(Action<JsonObject> edit)
    {
        var root = JsonNode.Parse(Llama)!.AsObject();
        edit(root);
        return root.ToJsonString();
    }

    private static ModelConfig Parse(string json) => ModelConfig.Parse(Encoding.UTF8.GetBytes(json), "the-config");

    private static string Refusal(string json) => Assert.Throws<InvalidDataException>(() => Parse(json)).Message;
}
