using System.CommandLine;
using System.Reflection;
using Hindsight.Generation;
using Hindsight.Models;
using Hindsight.Workflow;
using Spectre.Console;

namespace Hindsight.Local;

/// <summary><c>evaluate</c>: a run's folder goes in, a report comes out. <c>demo</c> does it with the small run that ships with the project.</summary>
internal static class EvaluateCommand
{
    /// <summary>The command <c>evaluate</c>.</summary>
    public static Command Evaluate()
    {
        var folder = new Argument<string>("FOLDER") { Description = "The run's folder, with checkpoint-100, checkpoint-200, … (and base) in it." };
        var suite = new Option<string>("--suite") { Description = "The problems: a JSONL file with id, question, answer and grader.", Required = true };
        var samples = new Option<int?>("--samples") { Description = "Sampled answers per problem and checkpoint. Default 16, or what evaluation.json says." };
        var run = new Option<string?>("--run") { Description = "What to call the run. Default: the folder's name." };
        var training = new Option<string[]>("--training-text")
        {
            Description = "Text that the run was trained on, JSONL or plain; problems that occur in it are flagged. May be given several times.",
        };
        var shared = new Shared();
        var command = new Command("evaluate", "Evaluate a run's checkpoints on this machine and write the report.") { folder, suite, samples, run, training };
        shared.AddTo(command);
        command.Run((arguments, cancellation) => RunAsync(
            arguments.GetRequiredValue(folder), arguments.GetRequiredValue(suite), arguments.GetValue(run), arguments.GetValue(samples),
            arguments.GetValue(training) ?? [], arguments, shared, cancellation));
        return command;
    }

    /// <summary>The command <c>demo</c>.</summary>
    public static Command Demo()
    {
        var shared = new Shared();
        var samples = new Option<int?>("--samples") { Description = "Sampled answers per problem and checkpoint." };
        var command = new Command("demo", "Evaluate the small training run that ships with this project.") { samples };
        shared.AddTo(command);
        command.Run((arguments, cancellation) => RunAsync(
            Path.Combine(DemoFolder, "run"), Path.Combine(DemoFolder, "suite.jsonl"), "demo", arguments.GetValue(samples), [], arguments, shared, cancellation));
        return command;
    }

    private static string DemoFolder =>
        typeof(EvaluateCommand).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Demo").Value!;

    private static async Task<int> RunAsync(
        string folder, string suiteFile, string? name, int? samples, string[] trainingText, ParseResult arguments, Shared shared, CancellationToken cancellation)
    {
        var run = Names.Require(name ?? Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)), "run");
        var checkpoints = RunFolder.Open(folder);
        var suite = ReadSuite(suiteFile);
        var (generators, device) = (arguments.GetValue(shared.Generators), arguments.GetValue(shared.Device));
        var spec = ReadSpec(folder, checkpoints, suite.Name, samples, device);
        var training = TrainingFiles(folder, spec, trainingText);
        spec = training.Count == 0 ? spec : spec with { TrainingText = [.. training.Select(file => file.Name)] };
        spec = EvaluationSpec.Parse(spec.ToJson(), "This evaluation");

        await using var storage = await Storage.OpenAsync(arguments.GetValue(shared.Connection), share: false, cancellation);
        await RequireRewardModelAsync(folder, spec, storage.Blobs, cancellation);
        await BlobStore.WriteIfChangedAsync(storage.Blobs.Suites.GetBlobClient($"{suite.Name}.jsonl"), suite.Content, cancellation);
        await RunFolder.UploadAsync(storage.Blobs.Checkpoints, run, training, cancellation);
        await BlobStore.WriteIfChangedAsync(storage.Blobs.Checkpoints.GetBlobClient($"{run}/{EvaluationFreezer.FileName}"), spec.ToJson(), cancellation);

        var progress = EvaluationProgress.Create(AnsiConsole.Console);
        await progress.UploadAsync(report => checkpoints.UploadAsync(storage.Blobs, run, spec.RewardModel?.Name, report, cancellation));
        RunStatus status;
        await using (var host = await LocalHost.StartAsync(storage.Connection, generators, device, cancellation))
        {
            await host.PlanAsync(run, cancellation);
            status = await progress.WaitAsync(StatusCommand.Reader(storage.Blobs), run, host.CheckGenerators, cancellation);
        }

        foreach (var refused in checkpoints.Refused.Concat(status.Refused))
        {
            CommandErrors.Say($"{refused.Name} was left out: {refused.Reason}");
        }

        if (status.Report is null)
        {
            CommandErrors.Say(status.Error ?? $"The evaluation waits for {status.Waiting}.");
            return 1;
        }

        var failed = status.Stages.Sum(stage => stage.Failed);
        if (failed > 0)
        {
            CommandErrors.Say($"{failed} shards could not be drawn; the report says which answers are missing, and why.");
        }

        await ReportDownload.SaveAsync(storage.Blobs, run, status.Evaluation!, arguments.GetValue(shared.Out)!, cancellation);
        return failed == 0 && checkpoints.Refused.Count + status.Refused.Count == 0 ? 0 : 1;
    }

    private static Suite ReadSuite(string file)
    {
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"The suite {file} does not exist.");
        }

        return Suite.Parse(Names.Require(Path.GetFileNameWithoutExtension(file), "suite"), File.ReadAllBytes(file));
    }

    /// <summary>A reward model that lies nowhere, or lacks a file, would be waited for without end.</summary>
    private static async Task RequireRewardModelAsync(string folder, EvaluationSpec spec, BlobStore blobs, CancellationToken cancellation)
    {
        if (spec.RewardModel?.Name is not { } name)
        {
            return;
        }

        if (RunFolder.MissingRewardModelFile(folder, name) is { } missing)
        {
            throw new InvalidDataException($"The reward model in {RunFolder.RewardModelFolder(folder, name)} cannot be used: {missing}");
        }

        if (!Directory.Exists(RunFolder.RewardModelFolder(folder, name))
            && (await BlobStore.ListAsync(blobs.Models, $"{name}/", cancellation)).Count == 0)
        {
            throw new InvalidDataException(
                $"{Path.Combine(folder, EvaluationFreezer.FileName)} names the reward model '{name}', which is not there: put its folder at {RunFolder.RewardModelFolder(folder, name)}, or upload it to {name}/ in the container models.");
        }
    }

    /// <summary>Files of training text: those that evaluation.json names lie beside it, others are named on the command line.</summary>
    private static List<FileInfo> TrainingFiles(string folder, EvaluationSpec spec, string[] named)
    {
        List<FileInfo> files = [.. (spec.TrainingText ?? []).Select(name => new FileInfo(Path.Combine(folder, name))), .. named.Select(name => new FileInfo(name))];
        files = [.. files.DistinctBy(file => file.FullName)];
        foreach (var file in files)
        {
            if (!file.Exists)
            {
                throw new InvalidDataException($"The training text {file} does not exist.");
            }

            Names.Require(file.Name, "training text's");
            TrainingText.CheckSize(file.ToString(), file.Length);
        }

        return files;
    }

    /// <summary>The folder's evaluation.json, with the suite given and the checkpoints found.</summary>
    private static EvaluationSpec ReadSpec(string folder, RunFolder checkpoints, string suite, int? samples, Device device)
    {
        var file = Path.Combine(folder, EvaluationFreezer.FileName);
        var spec = File.Exists(file) ? EvaluationSpec.Parse(File.ReadAllBytes(file), file) : new EvaluationSpec();
        if (spec.Checkpoints?.FirstOrDefault(name => !checkpoints.Checkpoints.Contains(name)) is { } absent)
        {
            throw new InvalidDataException($"{file} is not a valid evaluation: field 'checkpoints' names {absent}, which is not a checkpoint in {folder}.");
        }

        spec = spec with { Suite = suite, Checkpoints = spec.Checkpoints ?? checkpoints.Checkpoints, SamplesPerProblem = samples ?? spec.SamplesPerProblem };
        // Said before anything is uploaded.
        DeviceMemory.Of(device);
        new EngineOptions { Device = device }.Check(PrecisionNames.Parse(spec.Precision));
        return EvaluationSpec.Parse(spec.ToJson(), "This evaluation");
    }

    private sealed class Shared
    {
        public Option<int> Generators { get; } = new("--generators")
        {
            Description = "Generator processes of their own, as containers would be. Default 0: the generator runs in this process.",
        };

        public Option<Device> Device { get; } = LocalHost.DeviceOption();

        public Option<string> Out { get; } = new("--out")
        {
            Description = "Where to put the report. Default: hindsight-report in the current folder.",
            DefaultValueFactory = _ => "hindsight-report",
        };

        public Option<string?> Connection { get; } = Storage.ConnectionOption();

        public void AddTo(Command command)
        {
            Generators.Validators.Add(result =>
            {
                if (result.GetValue(Generators) is < 0 or > 64)
                {
                    result.AddError("--generators must be between 0 and 64.");
                }
            });
            command.Add(Generators);
            command.Add(Device);
            command.Add(Out);
            command.Add(Connection);
        }
    }
}
