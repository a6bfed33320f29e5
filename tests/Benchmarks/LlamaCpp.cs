using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>A build of llama.cpp, driven by peers/llama.c, which the machine's C compiler builds against it.</summary>
internal sealed unsafe class LlamaCpp
{
    private readonly nint library;

    private LlamaCpp(nint library, string description) => (this.library, Description) = (library, description);

    /// <summary>What was found, and the features of the processor that it says to use.</summary>
    public string Description { get; }

    /// <summary>Finds a build.</summary>
    /// <param name="folder">
    /// Where the libraries lie, at any depth: a folder of CMake's, or one in which node-llama-cpp was installed. The sources, for their
    /// headers, lie there or in the folder above.
    /// </param>
    /// <returns>Null where there is none; the reason is printed.</returns>
    public static LlamaCpp? Find(string folder)
    {
        var libllama = Find(folder, "libllama.so") ?? Find(folder, "libllama.v*.so");
        var place = Path.GetDirectoryName(libllama) ?? folder;
        var libggml = Find(place, "libggml.so") ?? Find(place, "libggml.v*.so");
        var above = Path.GetDirectoryName(Path.GetFullPath(folder)) ?? folder;
        var (llama, ggml) = (Find(folder, "llama.h") ?? Find(above, "llama.h"), Find(folder, "ggml-backend.h") ?? Find(above, "ggml-backend.h"));
        if (libllama is null || libggml is null || llama is null || ggml is null)
        {
            Console.WriteLine($"llama.cpp is left out: {folder} does not have its libraries and headers. {Peers.HowToGetThem}");
            return null;
        }

        var source = Path.Combine(AppContext.BaseDirectory, "peers", "llama.c");
        var driver = Path.Combine(Directory.CreateTempSubdirectory("hindsight-").FullName, "libpeer.so");
        var compiler = new ProcessStartInfo("cc")
        {
            ArgumentList =
            {
                "-O2", "-pthread", "-shared", "-fPIC", "-I", Path.GetDirectoryName(llama)!, "-I", Path.GetDirectoryName(ggml)!, source, "-o", driver,
                libllama, libggml, $"-Wl,-rpath,{place}", $"-Wl,-rpath-link,{place}",
            },
        };
        try
        {
            using var process = Process.Start(compiler)!;
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                Console.WriteLine("llama.cpp is left out: its driver could not be compiled; see above.");
                return null;
            }

            var library = NativeLibrary.Load(driver);
            using var path = new Utf8(place);
            var start = (delegate* unmanaged<byte*, byte*>)NativeLibrary.GetExport(library, "peer_start");
            return new(library, $"{libllama}: {Marshal.PtrToStringUTF8((nint)start(path.Pointer))?.Trim()}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.WriteLine("llama.cpp is left out: there is no C compiler named cc to compile its driver with.");
            return null;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(driver)!, recursive: true);
        }
    }

    /// <summary>Reads a model.</summary>
    public Model Open(string file, int threads)
    {
        using var path = new Utf8(file);
        var open = (delegate* unmanaged<byte*, int, nint>)NativeLibrary.GetExport(library, "peer_open");
        var model = open(path.Pointer, threads);
        return model != 0 ? new(library, model) : throw new InvalidDataException($"llama.cpp could not read {file}.");
    }

    private static string? Find(string folder, string pattern)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        // The npm package brings one folder a platform; those for graphics cards have longer names.
        return !Directory.Exists(folder) ? null : Directory.EnumerateFiles(folder, pattern, options)
            .Where(path => !path.Contains("linux-arm", StringComparison.Ordinal))
            .OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal).FirstOrDefault();
    }

    /// <summary>How llama.cpp is to batch.</summary>
    /// <param name="Rows">Answers drawn at once.</param>
    /// <param name="Unified">One store of keys and values for all rows, in which they share the prompt's; else each row has its own.</param>
    internal readonly record struct Setting(int Rows, bool Unified)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"batch {Rows}, {(Unified ? "common" : "separate")} key-value store");
    }

    /// <summary>A model that llama.cpp has read.</summary>
    internal sealed class Model(nint library, nint model) : IPeer
    {
        private (Setting Setting, int Length)? arranged;

        public Setting Setting { get; set; } = new(16, true);

        public IReadOnlyList<int[]> Draw(Workload work, Decoding decoding)
        {
            if (arranged != (Setting, work.MaxLength))
            {
                var arrange = (delegate* unmanaged<nint, int, int, byte, byte>)NativeLibrary.GetExport(library, "peer_arrange");
                if (arrange(model, Setting.Rows, work.MaxLength, Setting.Unified ? (byte)1 : (byte)0) == 0)
                {
                    throw new InvalidOperationException($"llama.cpp cannot make a context of {Setting}.");
                }

                arranged = (Setting, work.MaxLength);
            }

            var draw = (delegate* unmanaged<nint, int*, int*, int*, int, int, float, int, int*, nint>)NativeLibrary.GetExport(library, "peer_draw");
            int[] prompts = [.. work.Prompts.SelectMany(prompt => prompt)];
            int[] promptLengths = [.. work.Prompts.Select(prompt => prompt.Length)];
            int[] answerLengths = [.. work.AnswerLengths];
            var ids = new int[work.Tokens];
            fixed (int* promptsAt = prompts, promptLengthsAt = promptLengths, answerLengthsAt = answerLengths, idsAt = ids)
            {
                var drawn = draw(
                    model, promptsAt, promptLengthsAt, answerLengthsAt, promptLengths.Length, work.Samples,
                    (float)decoding.Temperature, decoding.TopK, idsAt);
                if (drawn != ids.Length)
                {
                    throw new InvalidOperationException($"llama.cpp drew {drawn} of {ids.Length} tokens.");
                }
            }

            var answers = new List<int[]>();
            var start = 0;
            foreach (var length in answerLengths)
            {
                for (var sample = 0; sample < work.Samples; sample++)
                {
                    answers.Add(ids[start..(start += length)]);
                }
            }

            return answers;
        }

        public float[] Logits(int[] prompt)
        {
            Draw(new([prompt], [1], 1), new());
            int vocabulary;
            var logits = ((delegate* unmanaged<nint, int*, float*>)NativeLibrary.GetExport(library, "peer_prompt_logits"))(model, &vocabulary);
            return new ReadOnlySpan<float>(logits, vocabulary).ToArray();
        }

        public void Dispose() => ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "peer_close"))(model);
    }
}
