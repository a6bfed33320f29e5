using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Families;

/// <summary>
/// The published equations of all families in plain double arithmetic, one sequence at a time, straight from a config.json and named
/// arrays. Slow and simple; it shares nothing with the graphs.
/// </summary>
internal sealed class ReferenceModel(JsonObject config, IReadOnlyDictionary<string, RandomTensor> tensors)
{
    private readonly string family = (string)config["model_type"]!;

    /// <returns>Row-major [ids, vocabulary].</returns>
    public double[] Logits(int[] ids)
    {
        var isGpt2 = family == "gpt2";
        var layers = Whole(isGpt2 ? "n_layer" : "num_hidden_layers");
        var hidden = Whole(isGpt2 ? "n_embd" : "hidden_size");
        var embedding = isGpt2 ? "transformer.wte" : "model.embed_tokens";
        var x = ids.Select(id => Row(embedding, id, hidden)).ToArray();
        if (isGpt2)
        {
            x = [.. x.Select((row, position) => Sum(row, Row("transformer.wpe", position, hidden)))];
        }

        if (family == "gemma2")
        {
            x = [.. x.Select(row => row.Select(value => value * Math.Sqrt(hidden)).ToArray())];
        }

        for (var layer = 0; layer < layers; layer++)
        {
            var name = isGpt2 ? $"transformer.h.{layer}" : $"model.layers.{layer}";
            var (before, after) = isGpt2 ? ("ln_1", "ln_2") : ("input_layernorm", "post_attention_layernorm");
            if (family == "gemma2")
            {
                x = Added(x, Normed(Attended(Normed(x, $"{name}.input_layernorm"), name, layer), $"{name}.post_attention_layernorm"));
                x = Added(x, Normed(Fed(Normed(x, $"{name}.pre_feedforward_layernorm"), name), $"{name}.post_feedforward_layernorm"));
            }
            else
            {
                x = Added(x, Attended(Normed(x, $"{name}.{before}"), name, layer));
                x = Added(x, Fed(Normed(x, $"{name}.{after}"), name));
            }
        }

        x = Normed(x, isGpt2 ? "transformer.ln_f" : "model.norm");
        var head = tensors.ContainsKey("lm_head.weight") ? "lm_head" : embedding;
        var logits = x.Select(row => Mapped(row, head)).SelectMany(row => row);
        return family == "gemma2" && Number("final_logit_softcapping") is { } cap
            ? [.. logits.Select(logit => cap * Math.Tanh(logit / cap))]
            : [.. logits];
    }

    private double[][] Attended(double[][] x, string block, int layer)
    {
        var isGpt2 = family == "gpt2";
        var heads = Whole(isGpt2 ? "n_head" : "num_attention_heads");
        var groups = isGpt2 ? heads : Whole("num_key_value_heads");
        var size = config["head_dim"] is null ? Whole(isGpt2 ? "n_embd" : "hidden_size") / heads : Whole("head_dim");
        double[][] q, k, v;
        if (family is "gpt2" or "phi3")
        {
            var all = x.Select(row => Mapped(row, isGpt2 ? $"{block}.attn.c_attn" : $"{block}.self_attn.qkv_proj", isGpt2)).ToArray();
            q = [.. all.Select(row => row[..(heads * size)])];
            k = [.. all.Select(row => row[(heads * size)..((heads + groups) * size)])];
            v = [.. all.Select(row => row[((heads + groups) * size)..])];
        }
        else
        {
            q = [.. x.Select(row => Mapped(row, $"{block}.self_attn.q_proj"))];
            k = [.. x.Select(row => Mapped(row, $"{block}.self_attn.k_proj"))];
            v = [.. x.Select(row => Mapped(row, $"{block}.self_attn.v_proj"))];
        }

        var turning = isGpt2 ? ([], 1) : ReferenceRotary.Of(config, size, x.Length);
        double[] Head(double[] row, int head) => row[(head * size)..((head + 1) * size)];
        double[] Ready(double[] row, int head, int position, string norm)
        {
            var part = Head(row, head);
            if (family == "qwen3")
            {
                part = RootMeanSquare(part, $"{block}.self_attn.{norm}");
            }

            return isGpt2 ? part : Turned(part, position, turning);
        }

        var scale = isGpt2 && config["scale_attn_weights"] is { } scaled && !(bool)scaled ? 1
            : family == "gemma2" ? Math.Pow(Number("query_pre_attn_scalar")!.Value, -0.5) : 1 / Math.Sqrt(size);
        var window = Window(layer);
        var gathered = x.Select(_ => new double[heads * size]).ToArray();
        for (var head = 0; head < heads; head++)
        {
            var group = head / (heads / groups);
            var queries = q.Select((row, position) => Ready(row, head, position, "q_norm")).ToArray();
            var keys = k.Select((row, position) => Ready(row, group, position, "k_norm")).ToArray();
            for (var i = 0; i < x.Length; i++)
            {
                var scores = new double[i + 1];
                for (var j = 0; j <= i; j++)
                {
                    for (var element = 0; element < size; element++)
                    {
                        scores[j] += scale * queries[i][element] * keys[j][element];
                    }

                    if (family == "gemma2" && Number("attn_logit_softcapping") is { } cap)
                    {
                        scores[j] = cap * Math.Tanh(scores[j] / cap);
                    }

                    if (i - j >= window)
                    {
                        scores[j] = double.NegativeInfinity;
                    }
                }

                var greatest = scores.Max();
                var weights = scores.Select(score => Math.Exp(score - greatest)).ToArray();
                var total = weights.Sum();
                for (var j = 0; j <= i; j++)
                {
                    for (var element = 0; element < size; element++)
                    {
                        gathered[i][(head * size) + element] += weights[j] / total * v[j][(group * size) + element];
                    }
                }
            }
        }

        return [.. gathered.Select(row => Mapped(row, isGpt2 ? $"{block}.attn.c_proj" : $"{block}.self_attn.o_proj", isGpt2))];
    }

    private double Window(int layer)
    {
        var slides = config["layer_types"] is JsonArray types ? (string)types[layer]! == "sliding_attention" : family switch
        {
            "mistral" or "phi3" => true,
            "gemma2" => layer % 2 == 0,
            "qwen2" or "qwen3" => layer >= (Number("max_window_layers") ?? 28),
            _ => false,
        };
        var isOn = family is not ("qwen2" or "qwen3") || (bool)(config["use_sliding_window"] ?? false)!;
        return slides && isOn && Number("sliding_window") is { } window ? window : double.PositiveInfinity;
    }

    private static double[] Turned(double[] head, int position, (double[] Frequencies, double Magnitude) turning)
    {
        var (frequencies, magnitude) = turning;
        var (result, half) = ((double[])head.Clone(), frequencies.Length);
        for (var i = 0; i < half; i++)
        {
            var (cosine, sine) = (magnitude * Math.Cos(position * frequencies[i]), magnitude * Math.Sin(position * frequencies[i]));
            result[i] = (head[i] * cosine) - (head[i + half] * sine);
            result[i + half] = (head[i + half] * cosine) + (head[i] * sine);
        }

        return result;
    }

    private double[][] Fed(double[][] x, string block) => family switch
    {
        "gpt2" => [.. x.Select(row => Mapped([.. Mapped(row, $"{block}.mlp.c_fc", true).Select(Gelu)], $"{block}.mlp.c_proj", true))],
        "phi3" => [.. x.Select(row =>
        {
            var both = Mapped(row, $"{block}.mlp.gate_up_proj");
            var half = both.Length / 2;
            return Mapped([.. both[..half].Zip(both[half..], (gate, up) => Silu(gate) * up)], $"{block}.mlp.down_proj");
        })],
        _ => [.. x.Select(row => Mapped(
            [.. Mapped(row, $"{block}.mlp.gate_proj").Zip(Mapped(row, $"{block}.mlp.up_proj"), (gate, up) => (family == "gemma2" ? Gelu(gate) : Silu(gate)) * up)],
            $"{block}.mlp.down_proj"))],
    };

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static double Gelu(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    private double[][] Normed(double[][] x, string name) => [.. x.Select(row => family == "gpt2" ? MeanVariance(row, name) : RootMeanSquare(row, name))];

    private double[] RootMeanSquare(double[] x, string name)
    {
        var root = Math.Sqrt(x.Average(value => value * value) + (Number("rms_norm_eps") ?? (family == "phi3" ? 1e-5 : 1e-6)));
        var weight = tensors[$"{name}.weight"].Values;
        return [.. x.Select((value, i) => value / root * (weight[i] + (family == "gemma2" ? 1 : 0)))];
    }

    private double[] MeanVariance(double[] x, string name)
    {
        var mean = x.Average();
        var root = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + (Number("layer_norm_epsilon") ?? 1e-5));
        var (weight, bias) = (tensors[$"{name}.weight"].Values, tensors[$"{name}.bias"].Values);
        return [.. x.Select((value, i) => ((value - mean) / root * weight[i]) + bias[i])];
    }

    private double[] Mapped(double[] x, string name, bool inByOut = false)
    {
        var weight = tensors[$"{name}.weight"];
        var (from, to) = inByOut ? (weight.Shape[0], weight.Shape[1]) : (weight.Shape[1], weight.Shape[0]);
        Assert.Equal(from, x.Length);
        var bias = tensors.GetValueOrDefault($"{name}.bias");
        var y = new double[to];
        for (var o = 0; o < to; o++)
        {
            double sum = bias?.Values[o] ?? 0;
            for (var i = 0; i < from; i++)
            {
                sum += x[i] * weight.Values[inByOut ? (i * to) + o : (o * from) + i];
            }

            y[o] = sum;
        }

        return y;
    }

    private double[] Row(string name, int row, int size) =>
        [.. tensors[$"{name}.weight"].Values.AsSpan(row * size, size).ToArray().Select(value => (double)value)];

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (a, b) => a + b)];

    private static double[][] Added(double[][] a, double[][] b) => [.. a.Zip(b, Sum)];

    private int Whole(string field) => (int)config[field]!;

    private double? Number(string field) => (double?)config[field];
}
