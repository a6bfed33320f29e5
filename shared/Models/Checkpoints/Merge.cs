using System.Numerics.Tensors;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Hindsight.Models;

/// <summary>Writes an interpolation as a Hugging Face folder of its own.</summary>
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
        var earlyDigest = Task.Run(() => WeightsDigest(early, stop.Token), CancellationToken.None);
        var lateDigest = Task.Run(() => WeightsDigest(late, stop.Token), CancellationToken.None);
        try
        {
            Directory.CreateDirectory(partial);
            foreach (var file in late.Files)
            {
                WriteWeights(file, interpolation, late, Path.Combine(partial, Path.GetFileName(file.Path)), cancel);
            }

            if (late.Index is { } index)
            {
                WriteIndex(index, late, Path.Combine(partial, CheckpointFiles.Index));
            }

            foreach (var name in Directory.EnumerateFiles(lateFolder).Select(path => Path.GetFileName(path)).Where(IsCarriedOver))
            {
                File.Copy(Checkpoint.Inside(lateFolder, name), Path.Combine(partial, name));
            }

            WriteManifest(
                [("early", early, earlyDigest.GetAwaiter().GetResult()), ("late", late, lateDigest.GetAwaiter().GetResult())],
                earlyWeight, Path.Combine(partial, Manifest));
            if (Directory.Exists(target))
            {
                Directory.Delete(target);
            }

            Directory.Move(partial, target);
        }
        catch
        {
            stop.Cancel();
            Task.WhenAll(earlyDigest, lateDigest).ContinueWith(_ => { }, TaskScheduler.Default).Wait(CancellationToken.None);
            DeleteFolder(partial);
            throw;
        }
    }

    private static bool IsCarriedOver(string name) =>
        CheckpointFiles.Matters(name) && !CheckpointFiles.IsWeights(name)
        && name is not (CheckpointFiles.Index or CheckpointFiles.AdapterConfig or CheckpointFiles.AdapterWeights);

    private static void WriteWeights(
        SafetensorsFile file, Interpolation interpolation, Checkpoint late, string path, CancellationToken cancel)
    {
        var tensors = file.Header.Tensors.Where(tensor => late.Demands(tensor.Name)).ToArray();
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        stream.Write(SafetensorsHeader.Serialize(tensors.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape))));
        var values = new float[Weights.LargestBlock];
        var rounded = new ushort[Weights.LargestBlock];
        foreach (var tensor in tensors)
        {
            foreach (var (start, length) in Weights.Blocks(tensor.Elements))
            {
                cancel.ThrowIfCancellationRequested();
                interpolation.Read(tensor.Name, start, values.AsSpan(0, length));
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

        return (tensor.Type == StoredType.BF16 ? Precision.Narrow(values, rounded) : NarrowToHalf(values, MemoryMarshal.Cast<ushort, Half>(rounded)))
            ? MemoryMarshal.AsBytes(rounded)
            : throw new InvalidDataException($"The merged tensor {tensor.Name} has a weight too large for {tensor.Type.HeaderName()}, the late checkpoint's type: merge with the parents exchanged or save the late one in a wider type.");
    }

    // Widens the rounded values back to see whether one became infinite.
    private static bool NarrowToHalf(Span<float> values, Span<Half> rounded)
    {
        TensorPrimitives.ConvertToHalf(values, rounded);
        TensorPrimitives.ConvertToSingle(rounded, values);
        return Precision.AllFinite(values);
    }

    private static void WriteIndex(ShardIndex index, Checkpoint late, string path)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", late.Names.Sum(name => late[name].Info.ByteLength));
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var name in late.Names.Order(StringComparer.Ordinal))
        {
            json.WriteString(name, index.FileOf[name]);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteManifest((string Role, Checkpoint Checkpoint, string WeightsDigest)[] parents, double earlyWeight, string path)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteNumber("earlyWeight", earlyWeight);
        foreach (var (role, parent, digest) in parents)
        {
            json.WriteStartObject(role);
            json.WriteString("folder", Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(parent.Folder))));
            json.WriteString("weightsDigest", digest);
            json.WriteEndObject();
        }

        json.WriteString("arithmetic", "earlyWeight * early + (1 - earlyWeight) * late in float32, rounded to nearest even into the type of late");
        var version = typeof(Merge).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        json.WriteString("tool", $"Hindsight {version}");
        json.WriteEndObject();
    }

    private static string WeightsDigest(Checkpoint checkpoint, CancellationToken cancel)
    {
        var paths = checkpoint.Files.Select(file => file.Path).Append(Path.Combine(checkpoint.Folder, CheckpointFiles.Config));
        return CheckpointFiles.WeightsDigest(paths.ToDictionary(path => Path.GetFileName(path), path => Sha256(path, cancel)));
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
