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
    private DateOnly Today => DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);

    /// <summary>Begins the night of every run.</summary>
    public async Task BeginAsync(CancellationToken cancellation)
    {
        foreach (var run in (await BlobStore.ListFoldersAsync(store.Checkpoints, "", cancellation)).Where(Names.IsSafe))
        {
            try
            {
                await BeginAsync(run, cancellation);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // One run's trouble must not cost the others their night.
                log.LogError(exception, "The night of {Run} cannot begin", run);
            }
        }
    }

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
                waiting.AddRange(await AdvanceAsync(run, state, book, await book.ReadAsync(name, cancellation), cancellation));
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
        var redrawn = model with
        {
            Graders = Graders.Version,
            SuiteDigest = sample.Digest,
            Base = null,
            Trajectory = [checkpoint],
            Early = null,
            Late = null,
            Refused = [],
            Spec = model.Spec with
            {
                Checkpoints = null,
                Early = null,
                Late = null,
                EarlyWeights = [],
                Greedy = false,
                Seed = Digest.Seed($"{model.Spec.Seed.ToString(CultureInfo.InvariantCulture)}/nightly/{occasion}"),
            },
        };
        await planner.KeepAsync(redrawn, sample, cancellation);
        return redrawn;
    }

    private async Task<IReadOnlyList<Evaluation>> AdvanceAsync(string run, RunState state, NightBook book, Night night, CancellationToken cancellation)
    {
        if (night.Asked is null && state.Evaluation is { } present && present.Id != night.Evaluation)
        {
            // The run asks for something else by now, and this one is not finished.
            await book.DecideAsync(night, new NightlyResult(NightlyAction.None), cancellation);
            return [];
        }

        if (!await IsClosedAsync(run, night.Evaluation, cancellation))
        {
            if (night.Date.AddDays(1) < Today)
            {
                await RaiseAsync(night, AlertKind.Infrastructure, "unfinished", $"The answers wanted in the night of {NightBook.DateOf(night.Date)} are not all drawn a day later.");
            }

            return night.Asked is null ? [] : [await StartAsync(run, night.Evaluation, cancellation)];
        }

        if (await EvaluationPlanner.ReadFailureAsync(store, run, night.Evaluation, cancellation) is { } failure)
        {
            await RaiseAsync(night, AlertKind.Infrastructure, "failed", $"The evaluation cannot be finished: {failure}");
            await book.DecideAsync(night, new NightlyResult(NightlyAction.NoVerdict), cancellation);
            return [];
        }

        var (evaluation, suite) = await ReadAsync(run, night.Evaluation, cancellation);
        await RaiseGivenUpAsync(evaluation);
        if (night.Baseline is null)
        {
            var scores = ScoresJson.Read((await BlobStore.TryReadAsync(store.Reports.GetBlobClient($"{run}/{evaluation.Id}/{ReportFiles.Scores}"), cancellation))!.ToString());
            await RaiseMissingAsync(scores.IncompleteProblems);
            await book.DecideAsync(night, new NightlyResult(NightlyAction.None), cancellation);
            return [];
        }

        return await CompareAsync();

        async Task<IReadOnlyList<Evaluation>> CompareAsync()
        {
            var (baseline, questions) = await ReadAsync(run, night.Baseline, cancellation);
            var asked = suite.Problems.Select(problem => problem.Id).ToHashSet();
            var before = (await ReportedAnswers.CountAsync(store, baseline, questions, cancellation)).Where(counts => asked.Contains(counts.ProblemId)).ToList();
            var nights = await WindowAsync(book, night, cancellation);
            var rule = new NightlyRule
            {
                FalseAlertRate = night.Asked!.FalseAlertRate,
                Margin = night.Asked.Margin,
                Window = night.Asked.Window,
                Series = Math.Max(1, await baselines.CountAsync(cancellation)),
            };
            var again = await book.ReadRemeasurementAsync(night, cancellation);
            (IReadOnlyList<ProblemCounts>, IReadOnlyList<ProblemCounts>)? fresh = null;
            if (again is not null)
            {
                var open = new List<Evaluation>();
                foreach (var id in (string[])[again.Baseline, again.Now])
                {
                    if (!await IsClosedAsync(run, id, cancellation))
                    {
                        open.Add(await StartAsync(run, id, cancellation));
                    }
                }

                if (open.Count > 0)
                {
                    return open;
                }

                var (freshBefore, freshNow) = (await CountsAsync(run, again.Baseline, cancellation), await CountsAsync(run, again.Now, cancellation));
                var least = (1 - rule.MostMissing) * before.Count * evaluation.Spec.SamplesPerProblem;
                fresh = freshBefore.Sum(counts => counts.Drawn) < least || freshNow.Sum(counts => counts.Drawn) < least ? ([], []) : (freshBefore, freshNow);
            }

            var decision = rule.Decide(before, nights, evaluation.Spec.SamplesPerProblem, fresh, Digest.Seed(night.Evaluation));
            if (decision.Action == NightlyAction.Remeasure && !await IsAnnouncedAsync())
            {
                var occasion = NightBook.DateOf(night.Date);
                var redrawnBefore = await KeepRedrawnAsync(baseline, suite, Final(baseline), $"{occasion}/baseline", cancellation);
                var redrawnNow = await KeepRedrawnAsync(baseline, suite, Final(evaluation), $"{occasion}/now", cancellation);
                await book.RemeasureAsync(night, new Remeasurement(redrawnBefore.Id, redrawnNow.Id), cancellation);
                return [await StartAsync(run, redrawnBefore.Id, cancellation), await StartAsync(run, redrawnNow.Id, cancellation)];
            }

            var present = state.Suite?.Problems.Select(problem => problem.Id).ToHashSet();
            await RaiseMissingAsync([.. decision.MissingProblems.Union(asked.Where(id => present?.Contains(id) == false)).Order(StringComparer.Ordinal)]);
            if (decision.Action == NightlyAction.Alert)
            {
                var (seen, confirmed) = (decision.Window!.Difference, decision.Confirmation!.Difference);
                await RaiseAsync(night, AlertKind.Loss, night.Weights, string.Create(CultureInfo.InvariantCulture,
                    $"Pass@1 of {Final(evaluation).Name} on {decision.Window.Problems} sentinel problems is {-100 * seen.Value:0.0} points below the baseline's (mean of {Math.Min(nights.Count, rule.Window)} night(s)), and {-100 * confirmed.Value:0.0} in fresh answers of both (95 % interval {-100 * confirmed.High:0.0} to {-100 * confirmed.Low:0.0} below)."));
            }
            else if (decision.Action == NightlyAction.NoVerdict)
            {
                await RaiseAsync(night, AlertKind.Infrastructure, "no verdict", string.Create(CultureInfo.InvariantCulture,
                    $"Nothing can be said of the night of {NightBook.DateOf(night.Date)}: {(fresh is null ? $"{100 * decision.MissingShare:0.0} % of its window's answers are missing" : "the fresh answers that were to confirm a loss are missing")}."));
            }

            // A loss that was announced before is not measured again: it stands until a person moves the baseline or the weights change.
            var action = decision.Action == NightlyAction.Remeasure ? NightlyAction.Alert : decision.Action;
            await book.DecideAsync(night, new NightlyResult(action, decision.Window, decision.Confirmation, decision.MissingShare), cancellation);
            return [];
        }

        async Task RaiseGivenUpAsync(Evaluation looked)
        {
            foreach (var stage in looked.Stages)
            {
                if ((await new StageBoard(store, run, looked.Id, stage).ReadAsync(cancellation)).Failed is { Count: > 0 } failed)
                {
                    await RaiseAsync(night, AlertKind.Infrastructure, $"given up {stage}", $"{failed.Count} shards were given up. The first: {failed.OrderBy(shard => shard.Key).First().Value.Why}");
                }
            }
        }

        async Task RaiseMissingAsync(IReadOnlyList<string> missing)
        {
            if (missing.Count > 0)
            {
                await RaiseAsync(
                    night, AlertKind.MissingProblems, string.Join('\n', missing),
                    $"{missing.Count} problems lack answers or left the suite: {string.Join(", ", missing.Take(5))}{(missing.Count > 5 ? ", …" : "")}.");
            }
        }

        async Task<bool> IsAnnouncedAsync() =>
            (await alerts.ReadAsync(run, cancellation)).Alerts.Any(alert => alert.Id == IdOf(night, AlertKind.Loss, night.Weights));

        Task RaiseAsync(Night found, AlertKind kind, string about, string text) => alerts.RaiseAsync(
            new Alert(IdOf(found, kind, about), run, found.Date, kind, found.Evaluation, found.Baseline, Short(text)),
            state.Nightly?.Webhook is { } address ? new Uri(address) : null, cancellation);

        // What lasts is announced once: a loss of the same weights, the same missing problems. What breaks every night anew is not the same.
        string IdOf(Night found, AlertKind kind, string about) =>
            Digest.OfJson(new { run, kind, found.Baseline, about, evaluation = kind == AlertKind.Infrastructure ? found.Evaluation : null });
    }

    /// <summary>Graded answers of the nights that are averaged, the newest last: those of the same weights, sample and baseline.</summary>
    private async Task<IReadOnlyList<IReadOnlyList<ProblemCounts>>> WindowAsync(NightBook book, Night night, CancellationToken cancellation)
    {
        var alike = new List<Night> { night };
        var names = (await book.ListAsync(cancellation)).Where(item => item.Decided && string.CompareOrdinal(item.Name, NightBook.NameOf(night)) < 0).Select(item => item.Name);
        foreach (var name in names.Reverse())
        {
            if (alike.Count == night.Asked!.Window)
            {
                break;
            }

            var earlier = await book.ReadAsync(name, cancellation);
            if (earlier.Asked is not null && earlier.Baseline == night.Baseline && earlier.Weights == night.Weights
                && earlier.Asked.Sentinel == night.Asked.Sentinel
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

    /// <summary>Sees to it that an evaluation is planned; what happens to its shards is the watchdog's.</summary>
    private async Task<Evaluation> StartAsync(string run, string id, CancellationToken cancellation)
    {
        var (evaluation, suite) = await ReadAsync(run, id, cancellation);
        if (!await new StageBoard(store, run, id, Stage.Trajectory).WasSentAsync(cancellation))
        {
            await planner.StartAsync(evaluation, suite, retry: false, cancellation);
        }

        return evaluation;
    }

    private async Task<bool> IsClosedAsync(string run, string id, CancellationToken cancellation) =>
        await ReportFiles.ExistsAsync(store, run, id, cancellation) || await EvaluationPlanner.ReadFailureAsync(store, run, id, cancellation) is not null;

    private async Task<(Evaluation Evaluation, Suite Suite)> ReadAsync(string run, string id, CancellationToken cancellation) =>
        await planner.ReadAsync(run, id, cancellation)
        ?? throw new InvalidDataException($"The evaluation {id} of {run}, which its nights are compared with, is no longer stored; choose another baseline.");

    private static CheckpointVersion Final(Evaluation evaluation) => evaluation.Trajectory[^1];

    private static string Short(string text) => text.Length <= 400 ? text : $"{text[..399]}…";
}
