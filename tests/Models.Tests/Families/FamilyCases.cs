using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Families;

/// <summary>Every family and rotary scaling with the features they can have.</summary>
public static class FamilyCases
{
    private const string Phi3 = """
        {"architectures":["Phi3ForCausalLM"],"model_type":"phi3","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":2,
        "num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":64,"original_max_position_embeddings":16,"rms_norm_eps":1e-5,
        "hidden_act":"silu","sliding_window":null,"tie_word_embeddings":false,"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"}}
        """;

    private const string Gpt2 = """
        {"architectures":["GPT2LMHeadModel"],"model_type":"gpt2","vocab_size":48,"n_embd":36,"n_layer":2,"n_head":3,"n_positions":64,
        "activation_function":"gelu_new","layer_norm_epsilon":1e-5,"scale_attn_weights":true}
        """;

    private const string Llama = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":2,
        "num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":32,"rms_norm_eps":1e-5,"rope_theta":10000.0}
        """;

    private const string Qwen2 = """
        {"architectures":["Qwen2ForCausalLM"],"model_type":"qwen2","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":3,
        "num_attention_heads":4,"num_key_value_heads":1,"max_position_embeddings":64,"tie_word_embeddings":true}
        """;

    private const string Qwen3 = """
        {"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":2,
        "num_attention_heads":4,"num_key_value_heads":2,"head_dim":12,"max_position_embeddings":64,"attention_bias":true,"tie_word_embeddings":false}
        """;

    private const string Gemma2 = """
        {"architectures":["Gemma2ForCausalLM"],"model_type":"gemma2","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":3,
        "num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,"max_position_embeddings":64,"query_pre_attn_scalar":20,"sliding_window":6,
        "attn_logit_softcapping":4.0,"final_logit_softcapping":null,"hidden_activation":"gelu_pytorch_tanh",
        "layer_types":["full_attention","sliding_attention","full_attention"]}
        """;

    private const string Mistral = """
        {"architectures":["MistralForCausalLM"],"model_type":"mistral","vocab_size":48,"hidden_size":32,"intermediate_size":40,"num_hidden_layers":2,
        "num_attention_heads":4,"num_key_value_heads":2,"head_dim":null,"max_position_embeddings":64,"sliding_window":null,"rope_theta":1000000.0}
        """;

    // A config, and fields that are different in it.
    private static readonly Dictionary<string, (string Config, string Changes)> Known = new()
    {
        ["Phi-3"] = (Phi3, "{}"),
        ["Phi-3 with a window"] = (Phi3, """{"sliding_window":5}"""),
        ["Phi-3 with part of a head turned"] = (Phi3, """{"partial_rotary_factor":0.75,"head_dim":16}"""),
        ["Phi-3 with part of a small head turned"] = (Phi3, """{"partial_rotary_factor":0.5,"tie_word_embeddings":true}"""),
        ["Phi-3 with part of a wide head turned"] = (Phi3, """{"rope_parameters":{"rope_type":"default","rope_theta":5000,"partial_rotary_factor":0.5},"head_dim":32}"""),
        ["Phi-3 longrope"] = (Phi3, """{"rope_scaling":{"type":"longrope","short_factor":[1,1.1,1.3,1.5],"long_factor":[1.2,2,3.5,4]}}"""),
        ["Phi-3 su"] = (Phi3, """{"rope_scaling":{"type":"su","short_factor":[1,1.1,1.3,1.5],"long_factor":[1.2,2,3.5,4],"attention_factor":1.3}}"""),
        ["Phi-3 longrope on part of a head"] = (Phi3, """{"partial_rotary_factor":0.75,"rope_scaling":{"type":"longrope","short_factor":[1.0,1.5,2],"long_factor":[1.1,2.5,4]}}"""),
        ["GPT-2"] = (Gpt2, "{}"),
        ["GPT-2 with heads of 11"] = (Gpt2, """{"n_embd":33,"scale_attn_weights":false,"tie_word_embeddings":false}"""),
        ["GPT-2 with a feed-forward of its own width"] = (Gpt2, """{"n_inner":50}"""),
        ["Llama"] = (Llama, """{"attention_bias":true}"""),
        ["Llama linear"] = (Llama, """{"rope_scaling":{"type":"linear","factor":2.5}}"""),
        ["Llama dynamic"] = (Llama, """{"rope_scaling":{"rope_type":"dynamic","factor":2.0}}"""),
        ["Llama dynamic, heads of 10"] = (Llama, """{"rope_scaling":{"rope_type":"dynamic","factor":4.0},"head_dim":10,"max_position_embeddings":16}"""),
        ["Llama llama3"] = (Llama, """{"rope_parameters":{"rope_type":"llama3","rope_theta":10000.0,"factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":16},"rope_theta":null,"max_position_embeddings":128}"""),
        ["Llama yarn"] = (Llama, """{"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32},"head_dim":16}"""),
        ["Qwen2 yarn without truncation"] = (Qwen2, """{"rope_scaling":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":16,"truncate":false,"beta_fast":4},"head_dim":16}"""),
        ["Qwen3 yarn with mscale"] = (Qwen3, """{"rope_parameters":{"rope_type":"yarn","rope_theta":1000,"factor":4.0,"original_max_position_embeddings":16,"mscale":1.5,"mscale_all_dim":0.7}}"""),
        ["Qwen3 yarn with an attention factor"] = (Qwen3, """{"rope_scaling":{"rope_type":"yarn","factor":4.0,"attention_factor":0.8}}"""),
        ["Qwen2"] = (Qwen2, "{}"),
        ["Qwen2 with windows in the upper layers"] = (Qwen2, """{"use_sliding_window":true,"sliding_window":5,"max_window_layers":1}"""),
        ["Qwen2 with layer types"] = (Qwen2, """{"use_sliding_window":true,"sliding_window":3,"max_window_layers":1,"layer_types":["sliding_attention","full_attention","sliding_attention"]}"""),
        ["Qwen3"] = (Qwen3, "{}"),
        ["Gemma 2"] = (Gemma2, "{}"),
        ["Gemma 2 as published"] = (Gemma2, """{"layer_types":null,"final_logit_softcapping":2.5,"attn_logit_softcapping":null}"""),
        ["Mistral without a window"] = (Mistral, "{}"),
        ["Mistral with a window"] = (Mistral, """{"sliding_window":1}"""),
    };

    public static TheoryData<string> Names => [.. Known.Keys];

    /// <summary>A checkpoint of that case.</summary>
    internal static RandomCheckpoint Of(string name, int seed = 1)
    {
        var root = JsonNode.Parse(Known[name].Config)!.AsObject();
        foreach (var (field, value) in JsonNode.Parse(Known[name].Changes)!.AsObject())
        {
            root[field] = value?.DeepClone();
        }

        return new RandomCheckpoint(root.ToJsonString(), seed);
    }
}
