using System.Text.RegularExpressions;

namespace Hindsight.Models;

/// <summary>
/// A Hugging Face model folder whose config and tensors fit together. Opening reads the small files and the headers; the weights
/// themselves are read by <see cref="Weights"/>.
/// </summary>
public sealed partial class Checkpoint : IDisposable
{
    private const string Head = "lm_head.weight";

    private readonly Dictionary<string, StoredTensor> tensors;

    private Checkpoint(string folder, ModelConfig config, GenerationConfig generation, ShardIndex? index,
        IReadOnlyList<SafetensorsFile> files, Dictionary<string, StoredTensor> tensors)
    {
        Folder = folder;
        Config = config;
        Generation = generation;
        Index = index;
        Files = files;
        this.tensors = tensors;
    }

    public string Folder { get; }

    public ModelConfig Config { get; }

    public GenerationConfig Generation { get; }

    /// <summary>The tensors that the config demands, each once, by Hugging Face name, in the order of the layers.</summary>
    internal IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The shard index, or null where one file holds all.</summary>
    internal ShardIndex? Index { get; }

    internal IReadOnlyList<SafetensorsFile> Files { get; }

    internal bool Demands(string name) => tensors.ContainsKey(name);

    internal StoredTensor this[string name] => tensors[name];

    /// <summary>Opens a folder with config.json and model.safetensors, or shards named by model.safetensors.index.json.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="withTokenizer">Whether tokenizer.json must be there; what begins and ends with token ids does without.</param>
    /// <exception cref="InvalidDataException">
    /// Something is missing, malformed or not supported; the message names the file and what to do. Only safetensors are read: a pickle
    /// can run code.
    /// </exception>
    public static Checkpoint Open(string folder, bool withTokenizer = true)
    {
        if (!Directory.Exists(folder))
        {
            throw new InvalidDataException($"{folder} is not a folder.");
        }

        var sizes = new DirectoryInfo(folder).EnumerateFiles().ToDictionary(file => file.Name, file => file.Length);
        ShardIndex? index = null;
        ShardIndex ReadIndex()
        {
            var path = Inside(folder, CheckpointFiles.Index);
            return index = ShardIndex.Parse(StrictJson.ReadFile(path), path);
        }

        if (CheckpointFiles.IsAdapter(sizes))
        {
            throw new InvalidDataException($"{folder} holds a LoRA adapter and no whole model: it can only be used with the base model that it was trained on.");
        }

        if (CheckpointFiles.Missing(sizes, ReadIndex, withTokenizer) is { } missing)
        {
            throw new InvalidDataException($"{folder} cannot be loaded: {missing}");
        }

        // A pipe has no size either, and opening one would wait for ever.
        if (sizes.Keys.FirstOrDefault(name => sizes[name] == 0 && CheckpointFiles.Matters(name)) is { } empty)
        {
            throw new InvalidDataException($"{Path.Combine(folder, empty)} is empty or no plain file; save the checkpoint again or remove it.");
        }

        var configPath = Inside(folder, CheckpointFiles.Config);
        var configText = StrictJson.ReadFile(configPath);
        var config = ModelConfig.Parse(configText, configPath);
        var generation = GenerationConfig.Load(folder);

        var files = new List<SafetensorsFile>();
        try
        {
            foreach (var name in index?.Files ?? [CheckpointFiles.Weights])
            {
                files.Add(SafetensorsFile.Open(Inside(folder, name)));
            }

            index = NameInFull(files, index, config.Family.Prefix);
            var stored = ByName(files, index);
            return new Checkpoint(folder, config, generation, index, files, Match(stored, config, configPath, files[0].Path));
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var file in Files)
        {
            file.Dispose();
        }
    }

    /// <summary>The path of a file of the folder; a link may not lead out of it.</summary>
    internal static string Inside(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
            var target = File.ResolveLinkTarget(path, returnFinalTarget: true);
            return target is null || (target.Exists && target.FullName.StartsWith(root, StringComparison.Ordinal))
                ? path
                : throw new InvalidDataException($"{path} is a link that leads out of its folder or to nothing; copy the folder with its files (cp -rL).");
        }
        catch (IOException fault)
        {
            throw new InvalidDataException($"{path} cannot be followed to a file: {fault.Message}", fault);
        }
    }

    /// <summary>
    /// A model saved without its head, as the released GPT-2 files were, leaves out what the names of all its tensors begin with. Renames
    /// the tensors of such files in place.
    /// </summary>
    private static ShardIndex? NameInFull(IReadOnlyList<SafetensorsFile> files, ShardIndex? index, string prefix)
    {
        if (files.Any(file => file.Header.Tensors.Any(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal))))
        {
            return index;
        }

        string Full(string name) => name == Head ? name : prefix + name;
        foreach (var file in files)
        {
            file.Rename(Full);
        }

        return index is null ? null : new ShardIndex(index.FileOf.ToDictionary(entry => Full(entry.Key), entry => entry.Value, StringComparer.Ordinal));
    }

    private static Dictionary<string, StoredTensor> ByName(IEnumerable<SafetensorsFile> files, ShardIndex? index)
    {
        var stored = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var info in file.Header.Tensors)
            {
                if (!stored.TryAdd(info.Name, new StoredTensor(file, info)))
                {
                    throw new InvalidDataException($"{file.Path} and {stored[info.Name].File.Path} both hold the tensor {StrictJson.Quoted(info.Name)}.");
                }

                if (index is not null && index.FileOf.GetValueOrDefault(info.Name) != Path.GetFileName(file.Path))
                {
                    throw new InvalidDataException($"{file.Path} holds the tensor {StrictJson.Quoted(info.Name)}, which {CheckpointFiles.Index} does not place there.");
                }
            }
        }

        return stored;
    }

    private static Dictionary<string, StoredTensor> Match(
        Dictionary<string, StoredTensor> stored, ModelConfig config, string configPath, string weightsPath)
    {
        var expected = ModelGraph.Parameters(config).Select(parameter => (parameter.Name, Shape: parameter.Shape.Select(side => side.Factor).ToArray())).ToArray();
        var missing = expected.Where(tensor => !stored.ContainsKey(tensor.Name)).Select(tensor => tensor.Name).ToArray();
        if (missing.Length > 0)
        {
            throw new InvalidDataException($"{weightsPath} lacks {Listed(missing)}, which {configPath} demands.");
        }

        var matched = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, shape) in expected)
        {
            var tensor = stored[name];
            if (!tensor.Info.Shape.SequenceEqual(shape))
            {
                throw new InvalidDataException($"{tensor.File.Path} holds {name} with the shape {tensor.Info.ShapeText}; {configPath} demands {TensorInfo.ShapeToText(shape)}.");
            }

            if (tensor.Info.Type is not (StoredType.F32 or StoredType.F16 or StoredType.BF16))
            {
                throw new InvalidDataException($"{tensor.File.Path} holds {name} as {tensor.Info.Type.HeaderName()}; only F32, F16 and BF16 weights are supported.");
            }

            matched.Add(name, tensor);
        }

        // A tied head is the embedding, the first weight to be used. Loaders disagree about which of the two counts, so both must be the same.
        var embedding = expected[0].Name;
        if (config.TieWordEmbeddings && stored.TryGetValue(Head, out var head) && !head.SameBytes(matched[embedding]))
        {
            throw new InvalidDataException($"{head.File.Path} holds {Head} unlike {embedding}, but {configPath} ties them: set tie_word_embeddings to false or remove the tensor.");
        }

        var unexpected = stored.Keys
            .Where(name => !matched.ContainsKey(name) && name != Head && !DerivedBuffer().IsMatch(name))
            .Order(StringComparer.Ordinal)
            .ToArray();
        return unexpected.Length == 0 ? matched
            : throw new InvalidDataException($"{stored[unexpected[0]].File.Path} holds {Listed(unexpected)}, for which {configPath} has no place.");
    }

    /// <summary>Buffers that older versions of transformers saved; they follow from the config.</summary>
    [GeneratedRegex(@"(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|(self_)?attn\.(bias|masked_bias)|masked_bias)\z", RegexOptions.CultureInvariant)]
    private static partial Regex DerivedBuffer();

    private static string Listed(string[] names)
    {
        const int Shown = 5;
        var listed = string.Join(", ", names.Take(Shown).Select(StrictJson.Quoted));
        return $"the tensor{(names.Length == 1 ? "" : "s")} {listed}{(names.Length > Shown ? $" and {names.Length - Shown} more" : "")}";
    }
}
