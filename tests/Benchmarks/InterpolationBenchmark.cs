using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// Interpolating two checkpoints while loading and as a streamed merge to disk, against plain copies of one checkpoint's bytes. All
/// files are warm in the page cache.
/// </summary>
internal static unsafe class InterpolationBenchmark
{
    private const int Rounds = 7;
    private const int WarmUps = 1;
    private const int CopyBlock = 1 << 20;
    private const double EarlyWeight = 0.3;

    /// <param name="arguments">None, or a folder to work in instead of the system's folder for temporary files.</param>
    public static void Run(string[] arguments)
    {
        var root = Directory.CreateDirectory(Path.Combine(arguments is [var folder] ? folder : Path.GetTempPath(), $"hindsight-{Environment.ProcessId}"));
        try
        {
            foreach (var type in (StoredType[])[StoredType.F32, StoredType.BF16])
            {
                Measure(root.CreateSubdirectory(type.ToString()).FullName, type);
            }
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static void Measure(string place, StoredType type)
    {
        var (early, late) = (Path.Combine(place, "early"), Path.Combine(place, "late"));
        RandomCheckpoint.Write(early, type, 1L << 30, seed: 1);
        RandomCheckpoint.Write(late, type, 1L << 30, seed: 2);
        var file = Path.Combine(late, CheckpointFiles.Weights);
        var (copied, merged) = (Path.Combine(place, "copied"), Path.Combine(place, "merged"));
        var stored = new FileInfo(file).Length;
        var loaded = stored / type.Size() * sizeof(float);

        using var memory = new Buffers(stored);
        var results = Measurement.Interleave(
            TimeProvider.System, Rounds, WarmUps,
            ("copy from memory to memory", memory.Copy),
            ("read one file into new memory", () => ReadIntoNewMemory(file)),
            ("interpolate while loading", () => Load(early, late)),
            ("copy one file", () => CopyFile(file, copied)),
            ("merge to a folder", () => Merge.Write(early, late, EarlyWeight, merged)),
            ("SHA-256 of both, part of the merge", () => Parallel.ForEach([early, late], Hash)),
            ("(remove what was written)", () => Remove(copied, merged)));
        long[] bytes = [2 * stored, 2 * stored, (2 * stored) + loaded, 2 * stored, 3 * stored, 2 * stored];
        int[] baseline = [0, 0, 0, 3, 3, 3];

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"\nTwo checkpoints of {stored / type.Size() / 1e6:F0} M parameters in {type}, {stored / 1e9:F2} GB each; medians of {Rounds} interleaved rounds."));
        var table = new Table("", "bytes read + written", "seconds", "least", "most", "GB/s", "of the copy's GB/s");
        for (var index = 0; index < bytes.Length; index++)
        {
            var (result, copy) = (results[index], results[baseline[index]]);
            var share = result.SpeedAgainst(copy) * bytes[index] / bytes[baseline[index]];
            table.Add(result.Name, Format($"{bytes[index] / 1e9:F2} GB"), Format($"{result.Median:F3}"), Format($"{result.Seconds.Min():F3}"),
                Format($"{result.Seconds.Max():F3}"), Format($"{bytes[index] / result.Median / 1e9:F2}"), Format($"{share:P0}"));
        }

        table.Print(Console.Out);
        Console.WriteLine(Format($"""
            Floor: loading moves {bytes[2] / 1e9:F2} GB, the merge {bytes[4] / 1e9:F2} GB (two parents in, one model out). The merge also hashes both
            parents for {Merge.Manifest} while it writes; hashing is not counted in its bytes. Loading fills memory of the weights
            disposed before it, as a series of variants does; copies to disk and the merge end when the disk has the data.
            """));
    }

    private static void Load(string earlyFolder, string lateFolder)
    {
        using var early = Checkpoint.Open(earlyFolder);
        using var late = Checkpoint.Open(lateFolder);
        Weights.Interpolate(early, late, EarlyWeight).Dispose();
    }

    /// <summary>What loading one checkpoint without looking at its values would cost.</summary>
    private static void ReadIntoNewMemory(string path)
    {
        using var handle = File.OpenHandle(path);
        var length = RandomAccess.GetLength(handle);
        var memory = (byte*)NativeMemory.Alloc((nuint)length);
        try
        {
            InBlocks(length, (start, size) => RandomAccess.Read(handle, new Span<byte>(memory + start, size), start));
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }

    private static void CopyFile(string from, string to)
    {
        using var source = File.OpenRead(from);
        using var target = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        source.CopyTo(target, CopyBlock);
        target.Flush(flushToDisk: true);
    }

    private static void Hash(string folder)
    {
        using var stream = File.OpenRead(Path.Combine(folder, CheckpointFiles.Weights));
        SHA256.HashData(stream);
    }

    private static void Remove(string file, string folder)
    {
        File.Delete(file);
        Directory.Delete(folder, recursive: true);
    }

    private static void InBlocks(long length, Action<long, int> work) =>
        Parallel.For(0, (length + CopyBlock - 1) / CopyBlock, block => work(block * CopyBlock, (int)Math.Min(CopyBlock, length - (block * CopyBlock))));

    private static string Format(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>Two stretches of memory that have been touched.</summary>
    private sealed class Buffers : IDisposable
    {
        private readonly long length;
        private readonly byte* source;
        private readonly byte* target;

        public Buffers(long length)
        {
            this.length = length;
            source = (byte*)NativeMemory.Alloc((nuint)length);
            target = (byte*)NativeMemory.Alloc((nuint)length);
            NativeMemory.Fill(source, (nuint)length, 1);
            NativeMemory.Fill(target, (nuint)length, 2);
        }

        /// <summary>Copies with all cores.</summary>
        public void Copy() => InBlocks(length, (start, size) => new Span<byte>(source + start, size).CopyTo(new Span<byte>(target + start, size)));

        public void Dispose()
        {
            NativeMemory.Free(source);
            NativeMemory.Free(target);
        }
    }
}
