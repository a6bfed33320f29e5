using System.Globalization;
using Hindsight.Reporting;
using Hindsight.Scoring;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow;

/// <summary>
/// What happens at night. A run with something new is planned; where it is asked for, a fixed sentinel sample is redrawn with the final
/// checkpoint, as an evaluation of its own: the baseline's questions under the baseline's settings, with a seed of that night. When it is drawn,
/// <see cref="NightlyRule"/> says whether to alert. A night goes on from its blobs, whoever looks at it and however often.
/// </summary>
public sealed class NightlyCheck(
    BlobStore store, MessageBus bus, EvaluationFreezer freezer, EvaluationPlanner planner, Baselines baselines, AlertLog alerts, TimeProvider clock,
    ILogger<NightlyCheck> log)
{
    private const int LongestText = 400;

    private DateOnly Today => DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);

    /// <summary>Begins the night of every run.</summary>
    public Task BeginAsync(CancellationToken cancellation) => freezer.ForEachRunAsync(
        run => BeginAsync(run, cancellation), (exception, run) => log.LogError(exception, "The night of {Run} cannot begin", run), cancellation);

    /// <summary>Takes a run's open nights as far as the stored answers allow.</summary>
    /// <returns>The evaluations that they wait for, other than the run's present one.</returns>
    public async Task<IReadOnlyList<Evaluation>> AdvanceAsync(string run, RunState state, CancellationToken cancellation)
    {
        var book = new NightBook(store, run);
        var waiting = new List<Evaluation>();
        foreach (var (name, decided) in await book.ListAsync(cancellation))
        {
            if (!decided)
            {
                waiting.AddRange(await AdvanceUnlessLostAsync(state, book, await book.ReadAsync(name, cancellation), cancellation));
            }
        }

        return waiting;
    }

    private async Task BeginAsync(string run, CancellationToken cancellation)
    {
        var state = await freezer.FreezeAsync(run, cancellation);
        if (state.Evaluation is { } present)
        {
            if (!await ReportFiles.ExistsAsync(store, run, present.Id, cancellation))
            {
                await bus.SendAsync(new PlanMessage(run), cancellation);
            }

            var book = new NightBook(store, run);
            var known = await book.ListAsync(cancellation);
            if (!known.Any(night => night.Name.EndsWith(present.Id, StringComparison.Ordinal)))
            {
                await book.OpenAsync(new Night(Today, present.Id, Final(present).WeightsDigest, null, null), cancellation);
            }

            if (state.Nightly is { } asked)
            {
                await RedrawSentinelAsync(run, present, state.Suite!, asked, book, cancellation);
            }
        }

        await AdvanceAsync(run, state, cancellation);
    }

    private async Task RedrawSentinelAsync(string run, Evaluation present, Suite suite, NightlySpec asked, NightBook book, CancellationToken cancellation)
    {
        var baseline = await baselines.ReadAsync(run, cancellation);
        var (model, questions) = baseline is null ? (present, suite) : await ReadAsync(run, baseline.Evaluation, cancellation);
        var redrawn = await KeepRedrawnAsync(model, questions.Sample(asked.Sentinel), Final(present), NightBook.DateOf(Today), cancellation);
        await book.OpenAsync(new Night(Today, redrawn.Id, Final(present).WeightsDigest, asked with { Webhook = null }, baseline?.Evaluation), cancellation);
    }

    /// <summary>Freezes the evaluation that asks a checkpoint what another evaluation asked its own, sampled answers only, with a seed of its own.</summary>
    private async Task<Evaluation> KeepRedrawnAsync(Evaluation model, Suite sample, CheckpointVersion checkpoint, string occasion, CancellationToken cancellation)
    {
        var redrawn = Redrawn(model, sample, checkpoint, Digest.Seed($"{model.Spec.Seed.ToString(CultureInfo.InvariantCulture)}/nightly/{occasion}"));
        await planner.KeepAsync(redrawn, sample, cancellation);
        return redrawn;
    }

    /// <summary>An evaluation's samples of one checkpoint, drawn again with another seed: all else that it asks for is left out.</summary>
    internal static Evaluation Redrawn(Evaluation model, Suite sample, CheckpointVersion checkpoint, ulong seed) => model with
    {
        Graders = Graders.Version,
        SuiteDigest = sample.Digest,
        TrainingText = null,
        Base = null,
        Trajectory = [checkpoint],
        Early = null,
        Late = null,
        RewardModel = null,
        Refused = [],
        Spec = model.Spec with
        {
            Checkpoints = null,
            Early = null,
            Late = null,
            EarlyWeights = [],
            Temperatures = null,
            TrainingText = null,
            RewardModel = null,
            Particles = null,
            Greedy = false,
            Seed = seed,
        },
    };

    private async Task<IReadOnlyList<Evaluation>> AdvanceUnlessLostAsync(RunState state, NightBook book, Night night, CancellationToken cancellation)
    {
        try
        {
            return await AdvanceAsync(state, book, night, cancellation);
        }
        catch (InvalidDataException exception)
        {
            // It would be the same at every look.
            await RaiseAsync(state, book, night, AlertKind.Infrastructure, "lost", exception.Message, cancellation);
            await book.DecideAsync(night, new NightlyResult(NightlyAction.NoVerdict), cancellation);
            return [];
        }
    }

    /// <returns>The redrawn evaluations that the night waits for.</returns>
    private async Task<IReadOnlyList<Evaluation>> AdvanceAsync(RunState state, NightBook book, Night night, CancellationToken cancellation)
    {
        if (night.Asked is null && state.Evaluation is { } present && present.Id != night.Evaluation)
        {
            // The run asks for something else by now, which has a night of its own.
            await book.DecideAsync(night, new NightlyResult(NightlyAction.None), cancellation);
            return [];
        }

        var again = await book.ReadRemeasurementAsync(night, cancellation);
        var open = new List<string>();
        foreach (var id in again is null ? [night.Evaluation] : (string[])[again.Baseline, again.Now])
        {
            if (!await IsClosedAsync(book.Run, id, cancellation))
            {
                open.Add(id);
            }
        }

        if (open.Count == 0)
        {
            return await DecideAsync(state, book, night, again, cancellation);
        }

        if (night.Date.AddDays(1) < Today)
        {
            await RaiseAsync(state, book, night, AlertKind.Infrastructure, "unfinished",
                $"The answers wanted in the night of {NightBook.DateOf(night.Date)} are not all drawn a day later.", cancellation);
        }

        return night.Asked is null ? [] : await StartAsync(book.Run, open, cancellation);
    }

    /// <summary>Says what a night's answers came to, or has both sides drawn afresh.</summary>
    private async Task<IReadOnlyList<Evaluation>> DecideAsync(RunState state, NightBook book, Night night, Remeasurement? again, CancellationToken cancellation)
    {
        if (await EvaluationPlanner.ReadFailureAsync(store, book.Run, night.Evaluation, cancellation) is { } failure)
        {
            await RaiseAsync(state, book, night, AlertKind.Infrastructure, "failed", $"The evaluation cannot be finished: {failure}", cancellation);
            await book.DecideAsync(night, new NightlyResult(NightlyAction.NoVerdict), cancellation);
            return [];
        }

        var (evaluation, suite) = await ReadAsync(book.Run, night.Evaluation, cancellation);
        await RaiseGivenUpAsync(state, book, night, evaluation, cancellation);
        if (night is { Asked: { } asked, Baseline: { } baseline })
        {
            return await CompareAsync(state, book, night, asked, await ReadAsync(book.Run, baseline, cancellation), (evaluation, suite), again, cancellation);
        }

        await RaiseMissingAsync(state, book, night, await IncompleteAsync(evaluation, cancellation), cancellation);
        await book.DecideAsync(night, new NightlyResult(NightlyAction.None), cancellation);
        return [];
    }

    private async Task<IReadOnlyList<Evaluation>> CompareAsync(
        RunState state, NightBook book, Night night, NightlySpec asked, (Evaluation Evaluation, Suite Suite) baseline, (Evaluation Evaluation, Suite Suite) now,
        Remeasurement? again, CancellationToken cancellation)
    {
        var sample = now.Suite.Problems.Select(problem => problem.Id).ToHashSet();
        var before = (await ReportedAnswers.CountAsync(store, baseline.Evaluation, baseline.Suite, cancellation)).Where(counts => sample.Contains(counts.ProblemId)).ToList();
        var nights = await WindowAsync(book, night, asked, cancellation);
        var rule = new NightlyRule
        {
            FalseAlertRate = asked.FalseAlertRate,
            Margin = asked.Margin,
            Window = asked.Window,
            Series = Math.Max(1, await baselines.CountAsync(cancellation)),
        };
        var perProblem = now.Evaluation.Spec.SamplesPerProblem;
        var fresh = again is null ? ((IReadOnlyList<ProblemCounts>, IReadOnlyList<ProblemCounts>)?)null
            : await FreshAsync(book.Run, again, (1 - rule.MostMissing) * before.Count * perProblem, cancellation);
        var decision = rule.Decide(before, nights, perProblem, fresh, Digest.Seed(night.Evaluation));
        if (decision.Action == NightlyAction.Remeasure && !await IsAnnouncedAsync(book, night, cancellation))
        {
            var occasion = NightBook.DateOf(night.Date);
            var redrawnBefore = await KeepRedrawnAsync(baseline.Evaluation, now.Suite, Final(baseline.Evaluation), $"{occasion}/baseline", cancellation);
            var redrawnNow = await KeepRedrawnAsync(baseline.Evaluation, now.Suite, Final(now.Evaluation), $"{occasion}/now", cancellation);
            await book.RemeasureAsync(night, new Remeasurement(redrawnBefore.Id, redrawnNow.Id), cancellation);
            return await StartAsync(book.Run, [redrawnBefore.Id, redrawnNow.Id], cancellation);
        }

        var present = state.Suite?.Problems.Select(problem => problem.Id).ToHashSet();
        var left = sample.Where(id => present?.Contains(id) == false);
        await RaiseMissingAsync(state, book, night, [.. decision.MissingProblems.Union(left).Order(StringComparer.Ordinal)], cancellation);
        if (decision.Action == NightlyAction.Alert)
        {
            var (seen, confirmed) = (decision.Window!.Difference, decision.Confirmation!.Difference);
            await RaiseAsync(state, book, night, AlertKind.Loss, night.Weights, string.Create(CultureInfo.InvariantCulture,
                $"Pass@1 of {Final(now.Evaluation).Name} on {decision.Window.Problems} sentinel problems is {-100 * seen.Value:0.0} points below the baseline's (nights averaged: {nights.Count}), and {-100 * confirmed.Value:0.0} in fresh answers of both (95 % for new problems: {-100 * confirmed.High:0.0} to {-100 * confirmed.Low:0.0})."), cancellation);
        }
        else if (decision.Action == NightlyAction.NoVerdict)
        {
            await RaiseAsync(state, book, night, AlertKind.Infrastructure, "no verdict", string.Create(CultureInfo.InvariantCulture,
                $"Nothing can be said of the night of {NightBook.DateOf(night.Date)}: {(fresh is null ? $"{100 * decision.MissingShare:0.0} % of its window's answers are missing" : "the fresh answers that were to confirm a loss are missing")}."), cancellation);
        }

        // A loss that was announced is not measured again: it stands until a person moves the baseline, or the weights change.
        var action = decision.Action == NightlyAction.Remeasure ? NightlyAction.Alert : decision.Action;
        await book.DecideAsync(night, new NightlyResult(action, decision.Window, decision.Confirmation, decision.MissingShare), cancellation);
        return [];
    }

    /// <summary>The fresh answers of both sides; none where either has less than the least.</summary>
    private async Task<(IReadOnlyList<ProblemCounts> Baseline, IReadOnlyList<ProblemCounts> Now)> FreshAsync(
        string run, Remeasurement again, double least, CancellationToken cancellation)
    {
        var (before, now) = (await CountsAsync(run, again.Baseline, cancellation), await CountsAsync(run, again.Now, cancellation));
        return before.Sum(counts => counts.Drawn) < least || now.Sum(counts => counts.Drawn) < least ? ([], []) : (before, now);
    }

    private async Task<IReadOnlyList<string>> IncompleteAsync(Evaluation evaluation, CancellationToken cancellation)
    {
        var scores = store.Reports.GetBlobClient($"{evaluation.Run}/{evaluation.Id}/{ReportFiles.Scores}");
        return await BlobStore.TryReadAsync(scores, cancellation) is { } content ? ScoresJson.Read(content.ToString()).IncompleteProblems : [];
    }

    private async Task RaiseGivenUpAsync(RunState state, NightBook book, Night night, Evaluation evaluation, CancellationToken cancellation)
    {
        foreach (var stage in evaluation.Stages)
        {
            if ((await new StageBoard(store, book.Run, evaluation.Id, stage).ReadAsync(cancellation)).Failed is { Count: > 0 } failed)
            {
                await RaiseAsync(state, book, night, AlertKind.Infrastructure, $"given up {stage}",
                    $"{failed.Count} shards were given up. The first: {failed.OrderBy(shard => shard.Key).First().Value.Why}", cancellation);
            }
        }
    }

    private async Task RaiseMissingAsync(RunState state, NightBook book, Night night, IReadOnlyList<string> missing, CancellationToken cancellation)
    {
        if (missing.Count > 0)
        {
            await RaiseAsync(state, book, night, AlertKind.MissingProblems, string.Join('\n', missing),
                $"{missing.Count} problems lack answers or left the suite: {string.Join(", ", missing.Take(5))}{(missing.Count > 5 ? ", …" : "")}.", cancellation);
        }
    }

    private Task RaiseAsync(RunState state, NightBook book, Night night, AlertKind kind, string about, string text, CancellationToken cancellation) =>
        alerts.RaiseAsync(
            new Alert(IdOf(book.Run, night, kind, about), book.Run, night.Date, kind, night.Evaluation, night.Baseline, text.Length <= LongestText ? text : $"{text[..LongestText]}…"),
            state.Nightly?.Webhook is { } address ? new Uri(address) : null, cancellation);

    private async Task<bool> IsAnnouncedAsync(NightBook book, Night night, CancellationToken cancellation) =>
        (await alerts.ReadAsync(book.Run, cancellation)).Alerts.Any(alert => alert.Id == IdOf(book.Run, night, AlertKind.Loss, night.Weights));

    /// <summary>What lasts is announced once: a loss of the same weights, the same missing problems. What breaks anew each night is not the same.</summary>
    private static string IdOf(string run, Night night, AlertKind kind, string about) =>
        Digest.OfJson(new { run, kind, night.Baseline, about, evaluation = kind == AlertKind.Infrastructure ? night.Evaluation : null });

    /// <summary>Graded answers of the nights that are averaged, the newest last: those of the same weights, sample and baseline.</summary>
    private async Task<IReadOnlyList<IReadOnlyList<ProblemCounts>>> WindowAsync(NightBook book, Night night, NightlySpec asked, CancellationToken cancellation)
    {
        var alike = new List<Night> { night };
        var names = (await book.ListAsync(cancellation)).Where(item => item.Decided && string.CompareOrdinal(item.Name, NightBook.NameOf(night)) < 0).Select(item => item.Name);
        foreach (var name in names.Reverse())
        {
            if (alike.Count == asked.Window)
            {
                break;
            }

            var earlier = await book.ReadAsync(name, cancellation);
            if (earlier.Asked is not null && earlier.Baseline == night.Baseline && earlier.Weights == night.Weights
                && earlier.Asked.Sentinel == asked.Sentinel
                && await book.ReadResultAsync(earlier, cancellation) is { Action: not NightlyAction.NoVerdict })
            {
                alike.Insert(0, earlier);
            }
        }

        var counts = new List<IReadOnlyList<ProblemCounts>>();
        foreach (var item in alike)
        {
            counts.Add(await CountsAsync(book.Run, item.Evaluation, cancellation));
        }

        return counts;
    }

    private async Task<IReadOnlyList<ProblemCounts>> CountsAsync(string run, string id, CancellationToken cancellation)
    {
        var (evaluation, suite) = await ReadAsync(run, id, cancellation);
        return await ReportedAnswers.CountAsync(store, evaluation, suite, cancellation);
    }

    /// <summary>Sees to it that evaluations are planned; what happens to their shards is the watchdog's.</summary>
    private async Task<IReadOnlyList<Evaluation>> StartAsync(string run, IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        var started = new List<Evaluation>();
        foreach (var id in ids)
        {
            var (evaluation, suite) = await ReadAsync(run, id, cancellation);
            if (!await new StageBoard(store, run, id, Stage.Trajectory).WasSentAsync(cancellation))
            {
                await planner.StartAsync(evaluation, suite, retry: false, cancellation);
            }

            started.Add(evaluation);
        }

        return started;
    }

    private async Task<bool> IsClosedAsync(string run, string id, CancellationToken cancellation) =>
        await ReportFiles.ExistsAsync(store, run, id, cancellation) || await EvaluationPlanner.ReadFailureAsync(store, run, id, cancellation) is not null;

    private async Task<(Evaluation Evaluation, Suite Suite)> ReadAsync(string run, string id, CancellationToken cancellation) =>
        await planner.ReadAsync(run, id, cancellation)
        ?? throw new InvalidDataException($"The evaluation {id} of {run}, which its nights need, is no longer stored; choose another baseline.");

    private static CheckpointVersion Final(Evaluation evaluation) => evaluation.Trajectory[^1];
}
