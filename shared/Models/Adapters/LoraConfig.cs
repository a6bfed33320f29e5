using System.Globalization;
using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// adapter_config.json of a LoRA adapter (Hu et al., arXiv 2106.09685), with the rules by which PEFT finds the modules that it names.
/// What changes a result and is not supported is refused by its name, known to us or not.
/// </summary>
internal sealed class LoraConfig
{
    private const int MostRank = 1 << 16;
    private const double MostAlpha = 1e6;

    // How the adapter was trained or where it comes from. Transposed weights (fan_in_fan_out) are told from the base model instead, as
    // PEFT corrects a wrong setting with a warning.
    private static readonly HashSet<string> WithoutEffect =
    [
        "auto_mapping", "base_model_name_or_path", "eva_config", "fan_in_fan_out", "inference_mode", "lora_dropout", "megatron_core",
        "peft_version", "qalora_group_size", "revision", "runtime_config",
    ];

    private static readonly HashSet<string> Read =
    [
        "alpha_pattern", "bias", "exclude_modules", "init_lora_weights", "layers_pattern", "layers_to_transform", "lora_alpha", "lora_bias",
        "modules_to_save", "peft_type", "r", "rank_pattern", "target_modules", "task_type", "use_rslora",
    ];

    // Others (pissa, olora, loftq, corda, …) take from the base what they put into the adapter.
    private static readonly string[] InitialisationsThatKeepTheBase = ["gaussian", "eva", "orthogonal"];

    private readonly string file;
    private readonly int rank;
    private readonly double alpha;
    private readonly bool rankStabilized;
    private readonly bool allLinear;
    private readonly IReadOnlyList<(PythonPattern Pattern, int Rank)> ranks;
    private readonly IReadOnlyList<(PythonPattern Pattern, double Alpha)> alphas;
    private readonly ModuleNames targets;
    private readonly ModuleNames excluded;
    private readonly IReadOnlyList<int> layers;
    private readonly IReadOnlyList<PythonPattern> layerPatterns;

    private LoraConfig(JsonElement root, string file)
    {
        this.file = file;
        var fields = new JsonFields(root, file);
        RefuseUnsupported(root, fields, file);

        rank = fields.Size("r", MostRank);
        alpha = Number(fields, "lora_alpha", fields.Find("lora_alpha") ?? throw new InvalidDataException($"{file} lacks the field lora_alpha."));
        rankStabilized = fields.Flag("use_rslora", absent: false);
        HasBiases = fields.Flag("lora_bias", absent: false);
        ranks = [.. Entries(fields, "rank_pattern").Select(entry => (Suffix(entry.Key, "rank_pattern"), Rank(fields, entry.Value)))];
        alphas = [.. Entries(fields, "alpha_pattern").Select(entry => (Suffix(entry.Key, "alpha_pattern"), Number(fields, "alpha_pattern", entry.Value)))];

        allLinear = fields.Find("target_modules") is { ValueKind: JsonValueKind.String } name
            && string.Equals(name.GetString(), "all-linear", StringComparison.OrdinalIgnoreCase);
        targets = Names(fields, "target_modules")
            ?? throw new InvalidDataException($"{file} lacks target_modules: name the modules that the adapter changes, as PEFT does when it saves one.");
        excluded = Names(fields, "exclude_modules") ?? new ModuleNames([], null);
        Saved = Strings(fields, "modules_to_save");
        Bias = fields.Text("bias") ?? "none";
        if (Bias is not ("none" or "all" or "lora_only"))
        {
            throw fields.Wrong("bias", fields.Find("bias")!.Value, "none, all or lora_only");
        }

        layers = Layers(fields);
        layerPatterns = LayerPatterns(fields);
        if (layers.Count > 0 && targets.Pattern is not null)
        {
            throw fields.NotSupported("layers_to_transform", fields.Find("layers_to_transform")!.Value, "target_modules must then be a list of names");
        }
    }

    /// <summary>Which biases of the base were trained: none, all, or (lora_only) those of the adapted modules.</summary>
    public string Bias { get; }

    /// <summary>The updates have biases of their own.</summary>
    public bool HasBiases { get; }

    /// <summary>Names of modules whose weights were trained whole.</summary>
    public IReadOnlyList<string> Saved { get; }

    /// <summary>Reads an adapter_config.json.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or asks for what is not supported.</exception>
    public static LoraConfig Parse(ReadOnlyMemory<byte> utf8, string name) => StrictJson.Read(utf8, name, root => new LoraConfig(root, name));

    /// <summary>Whether a module is adapted.</summary>
    /// <param name="module">Its name.</param>
    /// <param name="isInnerLinear">It is a linear map other than the output head, which "all-linear" leaves out.</param>
    public bool Targets(string module, bool isInnerLinear)
    {
        if (excluded.Contain(module) || IsInsideSaved(module))
        {
            return false;
        }

        if (allLinear)
        {
            return isInnerLinear;
        }

        return targets.Contain(module) && (layers.Count == 0 || targets.Names.Contains(module) || layers.Contains(LayerOf(module)));
    }

    /// <summary>The rank of the update of a module: that of the first pattern in the file's order that fits its name.</summary>
    public int RankOf(string module) => ranks.Where(entry => entry.Pattern.Matches(module)).Select(entry => (int?)entry.Rank).FirstOrDefault() ?? rank;

    /// <summary>The factor of the update: alpha / rank, or alpha / √rank where rank-stabilised (Kalajdzievski, arXiv 2312.03732).</summary>
    public double ScaleOf(string module)
    {
        var ofModule = alphas.Where(entry => entry.Pattern.Matches(module)).Select(entry => (double?)entry.Alpha).FirstOrDefault() ?? alpha;
        return ofModule / (rankStabilized ? Math.Sqrt(RankOf(module)) : RankOf(module));
    }

    /// <summary>Whether a module, or one that it is inside of, was trained whole.</summary>
    public bool IsInsideSaved(string module) => Enclosing(module).Any(name => Saved.Any(saved => IsSuffix(saved, name)));

    /// <summary>As older versions of PEFT matched: "norm" meant every module whose name ends so.</summary>
    public bool IsLooselyInsideSaved(string module) => Enclosing(module).Any(name => Saved.Any(saved => name.EndsWith(saved, StringComparison.Ordinal)));

    private static bool IsSuffix(string suffix, string module) => module == suffix || module.EndsWith($".{suffix}", StringComparison.Ordinal);

    private static IEnumerable<string> Enclosing(string module)
    {
        for (var end = module.Length; end > 0; end = module.LastIndexOf('.', end - 1))
        {
            yield return module[..end];
        }
    }

    private int LayerOf(string module)
    {
        var number = layerPatterns.Select(pattern => pattern.Layer(module)).FirstOrDefault(found => found is not null);
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) ? layer : -1;
    }

    private static void RefuseUnsupported(JsonElement root, JsonFields fields, string file)
    {
        const string Remedy = "merge the adapter into its base with PEFT (merge_and_unload) and save the whole model";
        if (fields.Text("peft_type") is not "LORA")
        {
            throw new InvalidDataException($"{file} has peft_type = {StrictJson.Quoted(fields.Text("peft_type") ?? "")}; only LORA is supported: {Remedy}.");
        }

        if (fields.Text("task_type") is not (null or "CAUSAL_LM"))
        {
            throw fields.NotSupported("task_type", fields.Find("task_type")!.Value, "only CAUSAL_LM is supported: other tasks have heads of their own");
        }

        if (fields.Find("init_lora_weights") is { } initialisation && initialisation.ValueKind is not (JsonValueKind.True or JsonValueKind.False)
            && !InitialisationsThatKeepTheBase.Contains(fields.Text("init_lora_weights")))
        {
            throw fields.NotSupported("init_lora_weights", initialisation, "such an adapter fits a changed base only: convert it with PEFT (save_pretrained with path_initial_model_for_weight_conversion)");
        }

        var others = root.EnumerateObject().Where(field => !WithoutEffect.Contains(field.Name) && !Read.Contains(field.Name) && !IsOff(field.Value));
        foreach (var field in others)
        {
            throw new InvalidDataException($"{file} sets {StrictJson.Quoted(field.Name)}, which is not supported: {Remedy}.");
        }
    }

    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.String => value.GetString()!.Length == 0,
        _ => false,
    };

    private static double Number(JsonFields fields, string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && Math.Abs(number) <= MostAlpha
            ? number
            : throw fields.Wrong(field, value, $"a number of at most {MostAlpha}");

    private static int Rank(JsonFields fields, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number is >= 1 and <= MostRank
            ? number
            : throw fields.Wrong("rank_pattern", value, $"whole numbers from 1 to {MostRank}");

    private static IEnumerable<(string Key, JsonElement Value)> Entries(JsonFields fields, string field) => fields.Find(field) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } entries => entries.EnumerateObject().Select(entry => (entry.Name, entry.Value)),
        { } other => throw fields.Wrong(field, other, "an object"),
    };

    private PythonPattern Suffix(string pattern, string field) => new(pattern, $"{file}, {field},", before: @"(?:.*\.)?");

    private ModuleNames? Names(JsonFields fields, string field) => fields.Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } pattern => new([], new PythonPattern(pattern.GetString()!, $"{file}, {field},")),
        _ => new(Strings(fields, field), null),
    };

    private static string[] Strings(JsonFields fields, string field) => fields.Find(field) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
            [.. list.EnumerateArray().Select(item => item.GetString()!)],
        { } other => throw fields.Wrong(field, other, "a list of names"),
    };

    private static int[] Layers(JsonFields fields) => fields.Find("layers_to_transform") switch
    {
        null => [],
        { ValueKind: JsonValueKind.Number } => [.. fields.TokenIds("layers_to_transform")],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _)) =>
            [.. list.EnumerateArray().Select(item => item.GetInt32())],
        { } other => throw fields.Wrong("layers_to_transform", other, "a layer's number or a list of them"),
    };

    private PythonPattern[] LayerPatterns(JsonFields fields)
    {
        string[] patterns = fields.Find("layers_pattern") is { ValueKind: JsonValueKind.String } one ? [one.GetString()!] : Strings(fields, "layers_pattern");
        patterns = [.. patterns.Where(pattern => pattern.Length > 0)];
        // Without a pattern any name in front of a number will do.
        return [.. (patterns.Length > 0 ? patterns : ["[^.]*"])
            .Select(pattern => new PythonPattern(pattern, $"{file}, layers_pattern,", before: @".*\.", after: @"\.(?<layer>[0-9]+)\..*"))];
    }

    /// <summary>Modules by the ends of their names, or by a pattern of the whole name.</summary>
    private sealed record ModuleNames(IReadOnlyList<string> Names, PythonPattern? Pattern)
    {
        public bool Contain(string module) => Pattern?.Matches(module) ?? Names.Any(name => IsSuffix(name, module));
    }
}
