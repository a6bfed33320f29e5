using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>
/// Decoding on a GPU: logits against the CPU's, tokens per second at 64 and 256 rows against Hugging Face transformers on the same card,
/// and where a step's time goes.
/// </summary>
internal static class Gpu
{
    private const int Prompt = 64;
    private const int NewTokens = 64;
    private const int Rounds = 3;
    private const string Library = "libonnxruntime_providers_";

    private static readonly int[] Batches = [64, 256];

    /// <param name="arguments">
    /// --provider FOLDER with ONNX Runtime's CUDA provider somewhere in it, where it is not beside the program; --checkpoint FOLDER for
    /// another model than one of random weights; float16 (the default) or bfloat16; 15m for a smaller random model; profile for the last part alone.
    /// </param>
    /// <exception cref="InvalidDataException">There is no GPU, or no provider; the message says what is missing.</exception>
    public static void Run(string[] arguments)
    {
        RequireProvider(After(arguments, "--provider"));
        var gpu = DeviceMemory.Of(Device.Cuda);
        var precision = arguments.Contains("bfloat16") ? Precision.BFloat16 : Precision.Float16;
        var folder = After(arguments, "--checkpoint") ?? (arguments.Contains("15m") ? RandomModel.FifteenMillion : RandomModel.HalfBillion).Folder();
        using var checkpoint = Checkpoint.Open(folder);
        using var weights = Weights.Load(checkpoint, precision);
        var vocabulary = checkpoint.Config.VocabularySize;
        int[] prompt = [.. Enumerable.Range(0, Prompt).Select(place => 10 + (place * 7919 % (vocabulary - 10)))];
        if (arguments.Contains("profile"))
        {
            Profile(weights, prompt);
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{gpu.Name}, {gpu.Available / (double)(1 << 30):0.0} GiB free, {folder}, {precision}"));
        CompareLogits(checkpoint, weights, prompt);
        Console.WriteLine();
        CompareSpeed(weights, folder, prompt, gpu);
        Console.WriteLine();
        StartProfile(arguments);
    }

    private static string? After(string[] arguments, string name) =>
        Array.IndexOf(arguments, name) is >= 0 and var index && index + 1 < arguments.Length ? arguments[index + 1] : null;

    /// <summary>ONNX Runtime looks for its providers beside itself.</summary>
    private static void RequireProvider(string? folder)
    {
        foreach (var name in (string[])[$"{Library}shared.so", $"{Library}cuda.so"])
        {
            var beside = Path.Combine(AppContext.BaseDirectory, name);
            if (folder is null && !File.Exists(beside))
            {
                throw new InvalidDataException(
                    $"ONNX Runtime's CUDA provider ({name}) is not beside the program: npm install --ignore-scripts --no-save --prefix FOLDER com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9 (166 MB, CUDA 13), and give --provider FOLDER.");
            }

            if (folder is not null)
            {
                var found = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, name, SearchOption.AllDirectories).FirstOrDefault() : null;
                File.Delete(beside);
                File.CreateSymbolicLink(beside, Path.GetFullPath(found ?? throw new InvalidDataException($"{folder} has no {name}; it must hold what the package com.github.asus4.onnxruntime.linux-x64-gpu installs.")));
            }
        }
    }

    private static void CompareLogits(Checkpoint checkpoint, Weights weights, int[] prompt)
    {
        using var exact = Weights.Load(checkpoint);
        using var onCpu = new Transformer(exact, Target.Fused, Environment.ProcessorCount);
        using var onGpu = new Transformer(weights, Target.Fused, threads: 1, device: Device.Cuda);
        var (expected, actual) = (onCpu.Logits(prompt), onGpu.Logits(prompt));
        var difference = new float[expected.Length];
        TensorPrimitives.Subtract(expected, actual, difference);
        var vocabulary = expected.Length / prompt.Length;
        var agreeing = Enumerable.Range(0, prompt.Length).Count(place =>
            TensorPrimitives.IndexOfMax(expected.AsSpan(place * vocabulary, vocabulary)) == TensorPrimitives.IndexOfMax(actual.AsSpan(place * vocabulary, vocabulary)));
        var mean = TensorPrimitives.Sum<float>(expected) / expected.Length;
        var table = new Table("logits on the GPU against float32 on the CPU", "");
        table.Add("greatest difference", F(TensorPrimitives.MaxMagnitude<float>(difference), "0.0000"));
        table.Add("root mean square of the differences", F(TensorPrimitives.Norm<float>(difference) / Math.Sqrt(difference.Length), "0.0000"));
        table.Add("standard deviation of the logits", F(Math.Sqrt((TensorPrimitives.SumOfSquares<float>(expected) / expected.Length) - (mean * mean)), "0.0000"));
        table.Add("the same greatest logit", string.Create(CultureInfo.InvariantCulture, $"{agreeing} of {prompt.Length}"));
        table.Print(Console.Out);
    }

    private static void CompareSpeed(Weights weights, string folder, int[] prompt, DeviceMemory gpu)
    {
        var bandwidth = Bandwidth(gpu);
        var graph = ModelGraph.For(weights.Config, Target.Fused, weights.Precision);
        var floor = graph.WeightBytes.Weights / bandwidth;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{NewTokens} tokens after a prompt of {Prompt}, drawn at temperature 1, prompt included. The card copies {bandwidth / 1e9:0} GB/s (read and written), so that reading the weights alone takes a step {1000 * floor:0.00} ms."));
        using var peer = Peer.Start(folder, weights.Precision, prompt);
        var table = new Table("rows", "tok/s", "ms a step", "weights' share", "transformers tok/s", "ratio");
        foreach (var rows in Batches)
        {
            using var engine = new DecodingEngine(
                weights, new EngineOptions { Device = Device.Cuda, MaxLength = Prompt + NewTokens, MostRows = rows });
            void Draw()
            {
                var request = new GenerationRequest(prompt, [.. Enumerable.Range(0, rows)], new() { Temperature = 1, MaxTokens = NewTokens, IgnoreEos = true });
                var tokens = engine.Generate([request], _ => "", []).Sum(completion => completion.Ids.Count);
                if (tokens != rows * NewTokens)
                {
                    throw new InvalidOperationException($"{tokens} tokens were drawn.");
                }
            }

            var ours = new List<double>();
            var theirs = new List<double>();
            for (var round = -1; round < Rounds; round++)
            {
                var start = Stopwatch.GetTimestamp();
                Draw();
                var (ofUs, ofThem) = (Stopwatch.GetElapsedTime(start).TotalSeconds, peer?.Seconds(rows));
                if (round >= 0)
                {
                    ours.Add(ofUs);
                    theirs.AddRange(ofThem is { } seconds ? [seconds] : []);
                }
            }

            var engineRun = new Measurement("", ours);
            table.Add(
                rows.ToString(CultureInfo.InvariantCulture), F(rows * NewTokens / engineRun.Median, "0"), F(1000 * engineRun.Median / NewTokens, "0.00"),
                F(100 * floor * NewTokens / engineRun.Median, "0") + " %",
                theirs.Count > 0 ? F(rows * NewTokens / new Measurement("", theirs).Median, "0") : "-",
                theirs.Count > 0 ? F(engineRun.SpeedAgainst(new Measurement("", theirs)), "0.00") + " ×" : "-");
        }

        table.Print(Console.Out);
        Console.WriteLine(peer is null ? $"Hugging Face transformers is not there: {Peer.WhyNot}" : $"transformers {peer.Version}");
    }

    /// <summary>Bytes a second that the card copies, each counted as read and as written.</summary>
    private static double Bandwidth(DeviceMemory gpu)
    {
        const long Bytes = 1L << 30;
        const int Times = 10;
        var memory = gpu.Allocate(2 * Bytes);
        try
        {
            gpu.Copy(memory, memory + (nint)Bytes, Bytes, 1, Bytes);
            gpu.Finish();
            var start = Stopwatch.GetTimestamp();
            for (var time = 0; time < Times; time++)
            {
                gpu.Copy(memory, memory + (nint)Bytes, Bytes, 1, Bytes);
            }

            gpu.Finish();
            return 2.0 * Bytes * Times / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        finally
        {
            gpu.Free(memory);
        }
    }

    /// <summary>In a process of its own: to be charged to the operator that takes it, time must not run on behind the calls.</summary>
    private static void StartProfile(string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["gpu", "profile", .. arguments]);
        start.Environment["CUDA_LAUNCH_BLOCKING"] = "1";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidDataException($"The profile's process ended with exit code {process.ExitCode}.");
        }
    }

    private static void Profile(Weights weights, int[] prompt)
    {
        const int Steps = 16;
        foreach (var rows in Batches)
        {
            var folder = Directory.CreateTempSubdirectory("hindsight-profile-");
            try
            {
                using (var batch = new DecodingBatch(
                    weights, rows, Prompt + Steps + 1, threads: 1, device: Device.Cuda, profile: Path.Combine(folder.FullName, "profile")))
                {
                    batch.Begin(prompt);
                    batch.ReadPiece();
                    for (var row = 0; row < rows; row++)
                    {
                        batch.Place(row);
                    }

                    for (var step = 0; step < Steps; step++)
                    {
                        batch.Step(Enumerable.Repeat(10 + step, rows).ToArray());
                    }
                }

                using var events = JsonDocument.Parse(File.ReadAllBytes(folder.GetFiles().Single().FullName));
                PrintTop(events.RootElement, rows);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
    }

    private static void PrintTop(JsonElement events, int rows)
    {
        var operators = new Dictionary<string, (long Microseconds, int Calls)>(StringComparer.Ordinal);
        foreach (var one in events.EnumerateArray())
        {
            if (one.GetProperty("cat").GetString() == "Node" && one.GetProperty("name").GetString()!.EndsWith("_kernel_time", StringComparison.Ordinal))
            {
                var arguments = one.GetProperty("args");
                var name = $"{arguments.GetProperty("op_name").GetString()} ({arguments.GetProperty("provider").GetString()})";
                var (microseconds, calls) = operators.GetValueOrDefault(name);
                operators[name] = (microseconds + one.GetProperty("dur").GetInt64(), calls + 1);
            }
        }

        var total = operators.Values.Sum(spent => spent.Microseconds);
        var table = new Table(string.Create(CultureInfo.InvariantCulture, $"operators at {rows} rows, each waited for"), "share", "ms", "calls");
        foreach (var (name, (microseconds, calls)) in operators.OrderByDescending(spent => spent.Value.Microseconds).Take(10))
        {
            table.Add(name, F(100.0 * microseconds / total, "0.0") + " %", F(microseconds / 1000.0, "0.00"), calls.ToString(CultureInfo.InvariantCulture));
        }

        table.Print(Console.Out);
    }

    private static string F(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>transformers in a Python process that keeps the model.</summary>
    private sealed class Peer(Process process, string version) : IDisposable
    {
        private const string Interpreter = "python3";

        public static string WhyNot { get; private set; } = "";

        public string Version => version;

        /// <returns>Null where Python lacks it, or it sees no GPU.</returns>
        public static Peer? Start(string folder, Precision precision, int[] prompt)
        {
            try
            {
                using var probe = Process.Start(new ProcessStartInfo(
                    Interpreter,
                    ["-c", "import torch, transformers; assert torch.cuda.is_available(), 'torch sees no GPU'; print(transformers.__version__, 'torch', torch.__version__)"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
                var error = probe.StandardError.ReadToEndAsync();
                var found = probe.StandardOutput.ReadToEnd().Trim();
                probe.WaitForExit();
                if (probe.ExitCode != 0)
                {
                    WhyNot = error.Result.Trim().Split('\n')[^1];
                    return null;
                }

                var process = Process.Start(new ProcessStartInfo(
                    Interpreter,
                    [
                        Path.Combine(AppContext.BaseDirectory, "peers", "transformers_generate.py"), folder, NewTokens.ToString(CultureInfo.InvariantCulture),
                        precision.ToString().ToLowerInvariant(), string.Join(',', prompt),
                    ])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                })!;
                var peer = new Peer(process, found);
                return peer.Line() == "ready" ? peer : throw new InvalidDataException("transformers did not load the model.");
            }
            catch (System.ComponentModel.Win32Exception exception)
            {
                WhyNot = exception.Message;
                return null;
            }
        }

        public double Seconds(int rows)
        {
            process.StandardInput.WriteLine(rows.ToString(CultureInfo.InvariantCulture));
            return double.Parse(Line(), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }

        private string Line() => process.StandardOutput.ReadLine() ?? throw new InvalidDataException("transformers ended before it answered.");
    }
}
