using System.Numerics.Tensors;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hindsight.Models;

/// <summary>Writes an interpolation, or a base with its adapter, as a Hugging Face folder of its own.</summary>
public static class Merge
{
    /// <summary>The file that says what a merged folder was made of.</summary>
    public const string Manifest = "merge.json";

    private const int HashBlock = 1 << 18;

    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>
    /// Writes earlyWeight · early + (1 − earlyWeight) · late to a new folder: interpolated in float32, rounded to nearest even into the
    /// late checkpoint's types, in its shards; config, tokenizer and chat template are the late checkpoint's. Tied embeddings are written
    /// once. Memory does not grow with the model. The folder appears under its name when it is whole, never before.
    /// </summary>
    /// <param name="earlyFolder">The early checkpoint.</param>
    /// <param name="lateFolder">The late checkpoint.</param>
    /// <param name="earlyWeight">The share of the early checkpoint, from 0 to 1.</param>
    /// <param name="outFolder">A folder that does not exist, or is empty.</param>
    /// <param name="cancel">Stops the merge and removes what was written.</param>
    /// <exception cref="InvalidDataException">
    /// A checkpoint is malformed, the two do not fit (the first difference is named), <paramref name="earlyWeight"/> is not in [0, 1],
    /// <paramref name="outFolder"/> holds something, or a result is too large for the late checkpoint's type.
    /// </exception>
    public static void Write(
        string earlyFolder, string lateFolder, double earlyWeight, string outFolder, CancellationToken cancel = default)
    {
        using var early = Checkpoint.Open(earlyFolder);
        using var late = Checkpoint.Open(lateFolder);
        var interpolation = new Interpolation(early, late, earlyWeight);
        Write(late, null, interpolation.Read, [lateFolder], outFolder, (json, stop) =>
        {
            json.WriteNumber("earlyWeight", earlyWeight);
            WriteParent(json, "early", earlyFolder, early.Files, CheckpointFiles.Config, stop);
            WriteParent(json, "late", lateFolder, late.Files, CheckpointFiles.Config, stop);
            json.WriteString("arithmetic", "earlyWeight * early + (1 - earlyWeight) * late in float32, rounded to nearest even into the type of late");
        }, cancel);
    }

    /// <summary>
    /// Writes a base model with an adapter merged into it to a new folder, in the base's types and shards. The tokenizer is the adapter's
    /// where it has one. An adapter of tied embeddings unties them in the new folder's config.
    /// </summary>
    /// <inheritdoc cref="WriteAdapted(string, string, string, double, string, CancellationToken)"/>
    public static void WriteAdapted(string baseFolder, string adapterFolder, string outFolder, CancellationToken cancel = default)
    {
        using var baseModel = Checkpoint.Open(baseFolder);
        using var adapter = Adapter.Open(adapterFolder, baseModel.Config);
        WriteAdapted(baseModel, new AdapterUpdate(adapter), outFolder, (json, stop) => WriteParent(json, "adapter", adapter, stop), cancel);
    }

    /// <summary>
    /// Writes a base model with earlyWeight · early + (1 − earlyWeight) · late of two of its adapters merged into it, as
    /// <see cref="WriteAdapted(string, string, string, CancellationToken)"/> does with one.
    /// </summary>
    /// <param name="baseFolder">The base model.</param>
    /// <param name="earlyAdapterFolder">The early adapter.</param>
    /// <param name="lateAdapterFolder">The late adapter.</param>
    /// <param name="earlyWeight">The share of the early adapter, from 0 to 1.</param>
    /// <param name="outFolder">A folder that does not exist, or is empty.</param>
    /// <param name="cancel">Stops the merge and removes what was written.</param>
    /// <exception cref="InvalidDataException">
    /// Base or adapter is malformed or they do not fit, <paramref name="outFolder"/> holds something, or a result is too large for the
    /// base's type.
    /// </exception>
    public static void WriteAdapted(
        string baseFolder, string earlyAdapterFolder, string lateAdapterFolder, double earlyWeight, string outFolder, CancellationToken cancel = default)
    {
        using var baseModel = Checkpoint.Open(baseFolder);
        using var early = Adapter.Open(earlyAdapterFolder, baseModel.Config);
        using var late = Adapter.Open(lateAdapterFolder, baseModel.Config);
        WriteAdapted(baseModel, new AdapterUpdate(early, late, earlyWeight), outFolder, (json, stop) =>
        {
            json.WriteNumber("earlyWeight", earlyWeight);
            WriteParent(json, "earlyAdapter", early, stop);
            WriteParent(json, "lateAdapter", late, stop);
        }, cancel);
    }

    private static void WriteAdapted(
        Checkpoint baseModel, AdapterUpdate update, string outFolder, Action<Utf8JsonWriter, CancellationToken> describe, CancellationToken cancel)
    {
        var adapted = new AdaptedCheckpoint(baseModel, update);
        var own = update.Parts.Select(part => part.Adapter).LastOrDefault(adapter => adapter.HasTokenizer);
        Write(baseModel, adapted.UntiedHead, adapted.Read, own is null ? [baseModel.Folder] : [baseModel.Folder, own.Folder], outFolder, (json, stop) =>
        {
            WriteParent(json, "base", baseModel.Folder, baseModel.Files, CheckpointFiles.Config, stop);
            describe(json, stop);
            json.WriteString("arithmetic", "base + scale * B A summed in double, rounded to float32 and then to nearest even into the type of the base");
        }, cancel);
    }

    /// <param name="layout">Gives files, types and config.</param>
    /// <param name="untiedHead">A tensor to write besides, when embedding and head part.</param>
    /// <param name="read">Computes the elements of a tensor from a place on.</param>
    /// <param name="carried">Folders whose small files are taken over; later ones replace earlier ones'.</param>
    /// <param name="outFolder">A folder that does not exist, or is empty.</param>
    /// <param name="describe">Writes into the manifest what the folder was made of.</param>
    /// <param name="cancel">Stops the merge and removes what was written.</param>
    private static void Write(
        Checkpoint layout, TensorInfo? untiedHead, Weights.Read read, IReadOnlyList<string> carried, string outFolder,
        Action<Utf8JsonWriter, CancellationToken> describe, CancellationToken cancel)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outFolder));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new InvalidDataException($"{outFolder} exists already and is not an empty folder; name a new one.");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        using var turn = TakeTurn(target);
        var partial = Beside(target, ".partial");
        DeleteFolder(partial);
        // The digests take longer than the arithmetic: the parents are hashed while the weights are written.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var manifest = Task.Run(() => ManifestOf(describe, stop.Token), CancellationToken.None);
        try
        {
            Directory.CreateDirectory(partial);
            foreach (var file in layout.Files)
            {
                var tensors = file.Header.Tensors.Where(tensor => layout.Demands(tensor.Name));
                WriteWeights(
                    [.. tensors, .. file == layout.Files[^1] && untiedHead is not null ? [untiedHead] : Array.Empty<TensorInfo>()],
                    read, Path.Combine(partial, Path.GetFileName(file.Path)), cancel);
            }

            if (layout.Index is { } index)
            {
                WriteIndex(index, layout, untiedHead, Path.Combine(partial, CheckpointFiles.Index));
            }

            foreach (var folder in carried)
            {
                foreach (var name in Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Where(name => IsCarriedOver(name, folder == layout.Folder)))
                {
                    File.Copy(Checkpoint.Inside(folder, name), Path.Combine(partial, name), overwrite: true);
                }
            }

            if (untiedHead is not null)
            {
                Untie(Path.Combine(partial, CheckpointFiles.Config));
            }

            File.WriteAllBytes(Path.Combine(partial, Manifest), manifest.GetAwaiter().GetResult());
            if (Directory.Exists(target))
            {
                Directory.Delete(target);
            }

            Directory.Move(partial, target);
        }
        catch
        {
            stop.Cancel();
            manifest.ContinueWith(_ => { }, TaskScheduler.Default).Wait(CancellationToken.None);
            DeleteFolder(partial);
            throw;
        }
    }

    private static bool IsCarriedOver(string name, bool isModel) =>
        CheckpointFiles.Matters(name) && !CheckpointFiles.IsWeights(name)
        && name is not (CheckpointFiles.Index or CheckpointFiles.AdapterConfig or CheckpointFiles.AdapterWeights)
        && (isModel || name is not (CheckpointFiles.Config or CheckpointFiles.GenerationConfig));

    private static void Untie(string configPath)
    {
        var config = JsonNode.Parse(File.ReadAllBytes(configPath))!.AsObject();
        config["tie_word_embeddings"] = false;
        File.WriteAllText(configPath, config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static void WriteWeights(TensorInfo[] tensors, Weights.Read read, string path, CancellationToken cancel)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        stream.Write(SafetensorsHeader.Serialize(tensors.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape))));
        var values = new float[Weights.LargestBlock];
        var rounded = new ushort[Weights.LargestBlock];
        foreach (var tensor in tensors)
        {
            foreach (var (start, length) in Weights.Blocks(tensor.Elements))
            {
                cancel.ThrowIfCancellationRequested();
                read(tensor.Name, start, values.AsSpan(0, length));
                stream.Write(Rounded(values.AsSpan(0, length), rounded.AsSpan(0, length), tensor));
            }
        }

        stream.Flush(flushToDisk: true);
    }

    private static ReadOnlySpan<byte> Rounded(Span<float> values, Span<ushort> rounded, TensorInfo tensor)
    {
        if (tensor.Type == StoredType.F32)
        {
            return MemoryMarshal.AsBytes(values);
        }

        return (tensor.Type == StoredType.BF16 ? ElementWise.Narrow(values, rounded) : NarrowToHalf(values, MemoryMarshal.Cast<ushort, Half>(rounded)))
            ? MemoryMarshal.AsBytes(rounded)
            : throw new InvalidDataException($"The merged tensor {tensor.Name} has a weight too large for {tensor.Type.HeaderName()}, the type of the checkpoint whose layout it takes: save that one in a wider type, or exchange the parents.");
    }

    // Widens the rounded values back to see whether one became infinite.
    private static bool NarrowToHalf(Span<float> values, Span<Half> rounded)
    {
        TensorPrimitives.ConvertToHalf(values, rounded);
        TensorPrimitives.ConvertToSingle(rounded, values);
        return ElementWise.AllFinite(values);
    }

    private static void WriteIndex(ShardIndex index, Checkpoint layout, TensorInfo? untiedHead, string path)
    {
        var fileOf = layout.Names.ToDictionary(name => name, name => index.FileOf[name], StringComparer.Ordinal);
        if (untiedHead is not null)
        {
            fileOf.Add(untiedHead.Name, Path.GetFileName(layout.Files[^1].Path));
        }

        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", layout.Names.Sum(name => layout[name].Info.ByteLength) + (untiedHead?.ByteLength ?? 0));
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (name, file) in fileOf.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteString(name, file);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static byte[] ManifestOf(Action<Utf8JsonWriter, CancellationToken> describe, CancellationToken cancel)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            describe(json, cancel);
            var version = typeof(Merge).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            json.WriteString("tool", $"Hindsight {version}");
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteParent(Utf8JsonWriter json, string role, Adapter adapter, CancellationToken cancel) =>
        WriteParent(json, role, adapter.Folder, [adapter.Weights], CheckpointFiles.AdapterConfig, cancel);

    private static void WriteParent(
        Utf8JsonWriter json, string role, string folder, IEnumerable<SafetensorsFile> files, string config, CancellationToken cancel)
    {
        var sums = files.Select(file => file.Path).Append(Path.Combine(folder, config)).ToDictionary(path => Path.GetFileName(path), path => Sha256(path, cancel));
        json.WriteStartObject(role);
        json.WriteString("folder", Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))));
        json.WriteString("weightsDigest", CheckpointFiles.WeightsDigest(sums));
        json.WriteEndObject();
    }

    private static string Sha256(string path, CancellationToken cancel)
    {
        using var handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[HashBlock];
        int read;
        for (long position = 0; (read = RandomAccess.Read(handle, buffer, position)) > 0; position += read)
        {
            cancel.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Keeps a second merge into the same folder out; a crash gives the lock back.</summary>
    private static FileStream TakeTurn(string target)
    {
        var path = Beside(target, ".lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException fault)
        {
            throw new InvalidDataException($"Another merge writes to {target} (it holds {path}), or the place cannot be written to.", fault);
        }
    }

    private static string Beside(string target, string suffix) =>
        Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.merge{suffix}");

    private static void DeleteFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
