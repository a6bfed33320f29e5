using System.Diagnostics;
using System.Text;
using Hindsight.Local;

namespace Hindsight.EndToEnd;

/// <summary>Runs the command line as a person would, with a cache folder of its own.</summary>
public sealed class CommandLine : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    public string Folder { get; } = Directory.CreateTempSubdirectory("hindsight-e2e-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Starts a command; its output is kept.</summary>
    public RunningCommand Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Azurite).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(Folder, "cache");
        return new RunningCommand(Process.Start(start)!);
    }

    /// <summary>Runs a command to its end.</summary>
    public async Task<CommandResult> RunAsync(params string[] arguments)
    {
        using var command = Start(arguments);
        return await command.EndAsync(Limit);
    }

    public string PathTo(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>A run's folder as a trainer leaves it: two checkpoints of a small random model, and files that nobody must touch.</summary>
    public string CreateRun(string name = "run")
    {
        var run = PathTo(name);
        Copy(TestData.PathTo("models", "qwen2-tied", "model"), Path.Combine(run, "checkpoint-1"));
        Copy(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"), Path.Combine(run, "checkpoint-2"));
        foreach (var file in (string[])["trainer_state.json", "optimizer.pt", "rng_state.pth", "training_args.bin", "scheduler.pt"])
        {
            File.WriteAllText(Path.Combine(run, "checkpoint-2", file), "not to be read");
        }

        File.WriteAllText(Path.Combine(run, "evaluation.json"), """{"samplesPerProblem": 4, "temperature": 1, "topP": 1, "maxTokens": 24, "earlyWeights": [0.5], "chat": false}""");
        return run;
    }

    public string CreateSuite(params string[] lines)
    {
        var file = PathTo("problems.jsonl");
        File.WriteAllLines(file, lines.Length > 0 ? lines : [.. Enumerable.Range(1, 12).Select(n => $$"""{"id": "p{{n}}", "question": "What is {{n}} + 30?", "answer": "{{n + 30}}", "grader": "number"}""")]);
        return file;
    }

    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}

public sealed record CommandResult(int ExitCode, string Output, string Errors);

/// <summary>A command that runs.</summary>
public sealed class RunningCommand : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    public RunningCommand(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    public async Task<CommandResult> EndAsync(TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        await _process.WaitForExitAsync(timeout.Token);
        return new CommandResult(_process.ExitCode, Output, Errors);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until the output contains a text.</summary>
    public async Task WaitForAsync(string text, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(_process.HasExited, $"It ended before it said '{text}': {Output}{Errors}");
            Assert.True(watch.Elapsed < limit, $"It did not say '{text}' in time: {Output}{Errors}");
            await Task.Delay(50);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static void Keep(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
