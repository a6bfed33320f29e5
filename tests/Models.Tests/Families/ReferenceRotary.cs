using System.Text.Json.Nodes;

namespace Hindsight.Models.Tests.Families;

/// <summary>Rotary frequencies as the papers and transformers define them, from a config.json.</summary>
internal static class ReferenceRotary
{
    public static (double[] Frequencies, double Magnitude) Of(JsonObject config, int headSize, int length)
    {
        var rope = (config["rope_parameters"] ?? config["rope_scaling"]) as JsonObject ?? [];
        double? Number(string field) => (double?)(rope[field] ?? config[field]);
        var size = (int)(headSize * (Number("partial_rotary_factor") ?? 1));
        var theta = Number("rope_theta") ?? 10_000;
        var longest = (double)config["max_position_embeddings"]!;
        var trained = Number("original_max_position_embeddings") ?? longest;
        var factor = (double?)rope["factor"];
        var plain = Enumerable.Range(0, size / 2).Select(i => 1 / Math.Pow(theta, 2.0 * i / size)).ToArray();
        switch ((string?)(rope["rope_type"] ?? rope["type"]))
        {
            case "linear":
                return ([.. plain.Select(frequency => frequency / factor!.Value)], 1);

            case "dynamic":
                if (length <= longest)
                {
                    return (plain, 1);
                }

                var grown = theta * Math.Pow((factor!.Value * length / longest) - (factor.Value - 1), size / (size - 2.0));
                return ([.. Enumerable.Range(0, size / 2).Select(i => 1 / Math.Pow(grown, 2.0 * i / size))], 1);

            case "llama3":
                var (low, high) = ((double)rope["low_freq_factor"]!, (double)rope["high_freq_factor"]!);
                return ([.. plain.Select(frequency =>
                {
                    var wave = 2 * Math.PI / frequency;
                    if (wave < trained / high)
                    {
                        return frequency;
                    }

                    if (wave > trained / low)
                    {
                        return frequency / factor!.Value;
                    }

                    var smooth = ((trained / wave) - low) / (high - low);
                    return ((1 - smooth) * frequency / factor!.Value) + (smooth * frequency);
                })], 1);

            case "yarn":
                var times = factor ?? longest / trained;
                double Dimension(double turns) => size * Math.Log(trained / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
                var (from, to) = (Dimension((double?)rope["beta_fast"] ?? 32), Dimension((double?)rope["beta_slow"] ?? 1));
                if ((bool?)rope["truncate"] ?? true)
                {
                    (from, to) = (Math.Floor(from), Math.Ceiling(to));
                }

                from = Math.Max(from, 0);
                to = Math.Min(to, size - 1);
                if (from == to)
                {
                    to += 0.001;
                }

                double Mscale(double weight) => times <= 1 ? 1 : (0.1 * weight * Math.Log(times)) + 1;
                var magnitude = (double?)rope["attention_factor"]
                    ?? (rope["mscale"] is { } mscale && rope["mscale_all_dim"] is { } ofAll ? Mscale((double)mscale) / Mscale((double)ofAll) : Mscale(1));
                return ([.. plain.Select((frequency, i) =>
                {
                    var ramp = Math.Clamp((i - from) / (to - from), 0, 1);
                    return (frequency / times * ramp) + (frequency * (1 - ramp));
                })], magnitude);

            case "longrope" or "su":
                var extension = factor ?? longest / trained;
                var factors = rope[length > trained ? "long_factor" : "short_factor"]!.AsArray();
                return (
                    [.. plain.Select((frequency, i) => frequency / (double)factors[i]!)],
                    (double?)rope["attention_factor"] ?? (extension <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(extension) / Math.Log(trained)))));

            default:
                return (plain, 1);
        }
    }
}
