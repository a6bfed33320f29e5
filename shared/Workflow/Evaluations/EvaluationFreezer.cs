using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>What can be said of a run now.</summary>
/// <param name="Evaluation">The evaluation that the run's present content asks for; null when it cannot start.</param>
/// <param name="Suite">Its suite.</param>
/// <param name="Waiting">What it waits for (checkpoints that are not complete, a suite).</param>
/// <param name="Refused">What a person must put right first.</param>
public sealed record RunState(Evaluation? Evaluation, Suite? Suite, string? Waiting, string? Refused)
{
    /// <summary>The folders of the run, by name, complete or not.</summary>
    public IReadOnlyDictionary<string, FolderState> Folders { get; init; } = new Dictionary<string, FolderState>();

    /// <summary>The reward model that is named and whose folder seems complete, but is not taken in yet.</summary>
    public string? ModelToTakeIn { get; init; }

    /// <summary>What is asked of the nights; null for nothing.</summary>
    public NightlySpec? Nightly { get; init; }
}

/// <summary>Turns what lies in a run's folder into the evaluation it asks for. Reads only: asked twice, it says the same.</summary>
public sealed class EvaluationFreezer(BlobStore store, CheckpointFolders checkpoints)
{
    /// <summary>The file in a run's folder that says what is asked.</summary>
    public const string FileName = "evaluation.json";

    /// <summary>Name of the folder that holds the model before training.</summary>
    public const string BaseFolder = "base";

    /// <summary>The names of all runs.</summary>
    public async Task<IReadOnlyList<string>> RunsAsync(CancellationToken cancellation) =>
        [.. (await BlobStore.ListFoldersAsync(store.Checkpoints, "", cancellation)).Where(run => Names.IsSafe(run) && run != CheckpointBlobs.Models)];

    /// <summary>Looks at every run; what fails for one costs the others nothing.</summary>
    /// <param name="look">What is done with a run.</param>
    /// <param name="failed">Is told what went wrong with which run.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task ForEachRunAsync(Func<string, Task> look, Action<Exception, string> failed, CancellationToken cancellation)
    {
        foreach (var run in await RunsAsync(cancellation))
        {
            try
            {
                await look(run);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                failed(exception, run);
            }
        }
    }

    /// <summary>The runs whose evaluation names a reward model.</summary>
    public async Task<IReadOnlyList<string>> RunsWithAsync(string rewardModel, CancellationToken cancellation)
    {
        var runs = new List<string>();
        foreach (var run in await RunsAsync(cancellation))
        {
            try
            {
                if ((await ReadSpecAsync(run, cancellation)).RewardModel?.Name == rewardModel)
                {
                    runs.Add(run);
                }
            }
            catch (InvalidDataException)
            {
                // Its own plan says so.
            }
        }

        return runs;
    }

    /// <summary>The evaluation that a run asks for at present.</summary>
    public async Task<RunState> FreezeAsync(string run, CancellationToken cancellation)
    {
        var folders = new Dictionary<string, FolderState>();
        foreach (var folder in await BlobStore.ListFoldersAsync(store.Checkpoints, $"{run}/", cancellation))
        {
            folders[folder] = Names.IsSafe(folder)
                ? await checkpoints.LookAsync(run, folder, cancellation)
                : new FolderState(null, "a name of letters, digits and . _ - + = only", null);
        }

        return await FreezeAsync(run, folders.Where(folder => Names.IsSafe(folder.Key)).ToDictionary(), cancellation) with { Folders = folders };
    }

    private async Task<RunState> FreezeAsync(string run, Dictionary<string, FolderState> states, CancellationToken cancellation)
    {
        try
        {
            var spec = await ReadSpecAsync(run, cancellation);
            return await FreezeUnlessLateAsync(run, spec with { Nightly = null }, states, cancellation) with { Nightly = spec.Nightly };
        }
        catch (InvalidDataException exception)
        {
            return new RunState(null, null, null, exception.Message);
        }
    }

    private async Task<RunState> FreezeUnlessLateAsync(
        string run, EvaluationSpec spec, Dictionary<string, FolderState> states, CancellationToken cancellation)
    {
        if (spec.Checkpoints?.FirstOrDefault(name => !states.ContainsKey(name)) is { } absent)
        {
            return new RunState(null, null, $"{absent}, which {FileName} names and nobody uploaded yet", null);
        }

        // The model before training belongs to every evaluation of its run.
        var wanted = spec.Checkpoints is null ? states
            : states.Where(state => state.Key == BaseFolder || spec.Checkpoints.Contains(state.Key)).ToDictionary();
        if (spec.Checkpoints is not null && wanted.FirstOrDefault(state => state.Value.Manifest is null) is { Key: { } late })
        {
            return new RunState(null, null, $"{late}, which waits for {wanted[late].Waiting ?? "being taken in"}", null);
        }

        return await FreezeAsync(run, spec, wanted, cancellation);
    }

    private async Task<RunState> FreezeAsync(
        string run, EvaluationSpec spec, Dictionary<string, FolderState> states, CancellationToken cancellation)
    {
        var complete = states.Where(state => state.Value.Manifest is { Refused: null })
            .Select(state => (state.Value.Manifest!.Uploaded, Version: new CheckpointVersion(state.Key, Names.Step(state.Key), state.Value.Manifest.Files)))
            .ToList();
        var refused = states.Where(state => state.Value.Manifest?.Refused is not null)
            .Select(state => new RefusedCheckpoint(state.Key, state.Value.Manifest!.Refused!))
            .OrderBy(checkpoint => checkpoint.Name, StringComparer.Ordinal).ToList();
        if (complete.Exists(checkpoint => checkpoint.Version.IsAdapter) && states.GetValueOrDefault(BaseFolder) is { Manifest: null } pending)
        {
            return new RunState(null, null, $"{BaseFolder}, which waits for {pending.Waiting ?? "being taken in"}", null);
        }

        var baseModel = complete.Find(checkpoint => checkpoint.Version.Name == BaseFolder).Version;
        complete = WithBase(complete, baseModel, refused);
        var trajectory = InTrainingOrder(complete.Where(checkpoint => checkpoint.Version.Name != BaseFolder));
        if (trajectory.Count == 0)
        {
            return refused.Count > 0
                ? new RunState(null, null, null, $"Every checkpoint of {run} was refused. {refused[0].Name}: {refused[0].Reason}")
                : new RunState(null, null, "a complete checkpoint", null);
        }

        var suite = await ReadSuiteAsync(run, spec, cancellation);
        if (suite is null)
        {
            return new RunState(null, null, spec.Suite is null
                ? $"a suite: upload suites/{run}.jsonl, or name one in {FileName}"
                : $"the suite {spec.Suite}.jsonl, which nobody uploaded yet", null);
        }

        List<TrainingFile>? training = spec.TrainingText is null ? null : [];
        foreach (var name in spec.TrainingText ?? [])
        {
            if (await TrainingText.FindAsync(store, run, name, cancellation) is not { } file)
            {
                return new RunState(null, null, $"the training text {run}/{name}, which {FileName} names and nobody uploaded yet", null);
            }

            training!.Add(file);
        }

        var (early, late) = Parents(spec, trajectory, refused);
        var model = spec.RewardModel?.Name;
        var reward = model is null ? null : await checkpoints.LookAsync(CheckpointBlobs.Models, model, cancellation);
        if (reward is { Manifest: null })
        {
            return new RunState(null, null, $"the reward model {model}, which waits for {reward.Waiting ?? "being taken in"} (upload it to models/{model})", null)
            {
                ModelToTakeIn = reward.Waiting is null ? model : null,
            };
        }

        if (reward?.Manifest?.Refused is { } refusal)
        {
            return new RunState(null, null, null, $"The reward model {model} cannot be used: {refusal}");
        }

        return new RunState(
            new Evaluation
            {
                Graders = Graders.Version,
                Run = run,
                Spec = spec,
                Suite = suite.Name,
                SuiteDigest = suite.Digest,
                TrainingText = training,
                Base = complete.Find(checkpoint => checkpoint.Version.Name == BaseFolder).Version,
                Trajectory = trajectory,
                Early = early,
                Late = late,
                RewardModel = reward is null ? null : new CheckpointVersion(model!, null, reward.Manifest!.Files),
                Refused = refused,
            },
            suite, null, null);
    }

    /// <summary>The checkpoints, adapters with their base; adapters that lack one are refused.</summary>
    private static List<(DateTimeOffset Uploaded, CheckpointVersion Version)> WithBase(
        List<(DateTimeOffset Uploaded, CheckpointVersion Version)> checkpoints, CheckpointVersion? baseModel, List<RefusedCheckpoint> refused)
    {
        var why = refused.Find(checkpoint => checkpoint.Name == BaseFolder) is { } broken ? $"it holds a LoRA adapter, and the model in {BaseFolder} was refused: {broken.Reason}"
            : baseModel is { IsAdapter: true } ? $"it holds a LoRA adapter, and {BaseFolder} holds another; put the whole model that they were trained on into {BaseFolder}."
            : $"it holds a LoRA adapter, which needs the model that it was trained on: put that whole model into the run's folder as {BaseFolder}.";
        var usable = new List<(DateTimeOffset, CheckpointVersion)>();
        foreach (var (uploaded, version) in checkpoints)
        {
            if (!version.IsAdapter)
            {
                usable.Add((uploaded, version));
            }
            else if (baseModel is { IsAdapter: false })
            {
                usable.Add((uploaded, version with { Base = baseModel }));
            }
            else
            {
                refused.Add(new RefusedCheckpoint(version.Name, version.Name == BaseFolder ? "it holds a LoRA adapter; it must hold the whole model that the run was trained from." : why));
            }
        }

        refused.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return usable;
    }

    /// <summary>By step; checkpoints whose names tell none (a final one, often) follow, by time of upload, then by name.</summary>
    private static List<CheckpointVersion> InTrainingOrder(IEnumerable<(DateTimeOffset Uploaded, CheckpointVersion Version)> checkpoints)
    {
        return [.. checkpoints
            .OrderBy(checkpoint => checkpoint.Version.Step ?? long.MaxValue)
            .ThenBy(checkpoint => checkpoint.Version.Step is null ? checkpoint.Uploaded.UtcTicks : 0)
            .ThenBy(checkpoint => checkpoint.Version.Name, StringComparer.Ordinal)
            .Select(checkpoint => checkpoint.Version)];
    }

    private static (CheckpointVersion? Early, CheckpointVersion? Late) Parents(
        EvaluationSpec spec, List<CheckpointVersion> trajectory, List<RefusedCheckpoint> refused)
    {
        if (spec.EarlyWeights.Count == 0 || spec.SamplesPerProblem == 0)
        {
            return (null, null);
        }

        var early = spec.Early is null ? trajectory[0] : Find(spec.Early, "early");
        var late = spec.Late is null ? trajectory[^1] : Find(spec.Late, "late");
        return early is null || late is null || early.Name == late.Name ? (null, null) : (early, late);

        CheckpointVersion? Find(string name, string field) =>
            trajectory.Find(checkpoint => checkpoint.Name == name)
            ?? (refused.Exists(checkpoint => checkpoint.Name == name)
                ? null
                : throw new InvalidDataException($"{FileName} is not a valid evaluation: field '{field}' names {name}, which is not a checkpoint of this run."));
    }

    private async Task<EvaluationSpec> ReadSpecAsync(string run, CancellationToken cancellation) =>
        await BlobStore.TryReadAsync(store.Checkpoints.GetBlobClient($"{run}/{FileName}"), cancellation) is { } content
            ? EvaluationSpec.Parse(content, $"{run}/{FileName}")
            : new EvaluationSpec();

    private async Task<Suite?> ReadSuiteAsync(string run, EvaluationSpec spec, CancellationToken cancellation)
    {
        var name = spec.Suite ?? run;
        var content = await BlobStore.TryReadAsync(store.Suites.GetBlobClient($"{name}.jsonl"), cancellation);
        if (content is null && spec.Suite is null)
        {
            var suites = (await BlobStore.ListAsync(store.Suites, "", cancellation))
                .Where(blob => blob.Name.EndsWith(".jsonl", StringComparison.Ordinal)).ToList();
            if (suites.Count == 1)
            {
                name = suites[0].Name[..^".jsonl".Length];
                content = await BlobStore.TryReadAsync(store.Suites.GetBlobClient(suites[0].Name), cancellation);
            }
        }

        return content is null ? null : Suite.Parse(name, content);
    }
}
