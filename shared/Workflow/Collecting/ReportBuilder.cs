using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>Grades the stored answers of an evaluation, has them scored, and makes the report's files.</summary>
public sealed class ReportBuilder(BlobStore store, AnswerStore answers, CheckpointCache cache, TimeProvider clock)
{
    private const string NeverDrawn = "they were never drawn";

    /// <summary>The report's files. All but the timings (and their block in the page) are a function of stored content. That they are made is recorded as a look at the report split.</summary>
    public async Task<ReportFiles> BuildAsync(
        Evaluation evaluation, Suite suite, IReadOnlyDictionary<Stage, StageProgress> progress, CancellationToken cancellation)
    {
        var graded = new Dictionary<Stage, IReadOnlyList<GradedVariant>>();
        // Rewards are no answers: those of the trajectory have them.
        foreach (var stage in evaluation.Stages.Where(stage => stage != Stage.Rewards))
        {
            graded[stage] = await GradeAsync(evaluation, suite, stage, cancellation);
        }

        var trajectory = graded[Stage.Trajectory];
        var missing = graded.Keys.Order().SelectMany(stage => Missing(evaluation, suite, graded[stage], stage, progress[stage])).ToList();
        if (progress.TryGetValue(Stage.Rewards, out var scoring))
        {
            missing.AddRange(Unscored(trajectory.Where(variant => variant.Variant.Late != evaluation.Base), scoring));
        }

        var variants = Variants(graded);
        var drawn = ToAnswers(evaluation, suite, graded);
        var scores = EvaluationScorer.Score(drawn);
        var looks = await ReportSplitLooks.RecordAsync(
            store, evaluation.Run, evaluation.Id, [.. new[] { scores.ReportSplit, scores.EarlyWeights?.ReportSplit, scores.Budget?.ReportSplit }.OfType<string>().Distinct()], cancellation);
        var adapters = await AdaptersAsync(evaluation.Run, trajectory, cancellation);
        var devices = graded.Values.SelectMany(stage => stage).SelectMany(variant => variant.Completions)
            .Select(completion => completion.Answer.Device).Distinct().Order(StringComparer.Ordinal).ToList();
        var data = new ReportData
        {
            Run = evaluation.Run,
            Evaluation = evaluation.Id,
            Scores = scores,
            Looks = looks,
            Genealogies = ShownGenealogy.Of(drawn, scores),
            Problems = [.. suite.Problems.Select(problem => new ProblemText(problem.Id, problem.Question, string.Join(" | ", problem.Gold)))],
            LostExamples = [.. scores.LostProblems.Select(lost => Example(suite, trajectory, scores, lost)).OfType<LostExample>()],
            Answers = [.. variants.SelectMany(variant => Shown(suite, variant))],
            Extractions = [.. variants.Where(variant => variant.Completions.Count > 0).Select(variant => variant.CountExtractions(suite))],
            Missing = missing,
            Refused = evaluation.Refused,
            AdaptersTogether = [.. adapters.Where(adapter => adapter.IsLowRank).Select(adapter => adapter.Name)],
            AdaptersMerged = [.. adapters.Where(adapter => !adapter.IsLowRank).Select(adapter => adapter.Name)],
            IsInt8 = evaluation.Spec.Precision == "int8",
            Devices = [.. devices.Select(device => new AnswerDevice(device, DecodingEngine.IsBatchInvariantOn(device)))],
            Provenance = ProvenanceOf(evaluation, suite, variants, devices),
        };
        var timings = DeviceTimes.Of(evaluation, variants.Sum(variant => variant.Completions.Count), scores.Budget, progress, clock.GetUtcNow());
        return new ReportFiles(new Dictionary<string, string>
        {
            [ReportFiles.Page] = ReportPage.Html(data, timings),
            [ReportFiles.Markdown] = ReportMarkdown.Write(data),
            [ReportFiles.Summary] = ReportSummary.Of(data).ToJson(),
            [ReportFiles.Scores] = ScoresJson.Write(scores),
            [ReportFiles.Answers] = AnswerLines.Write(suite, variants),
            [ReportFiles.Timings] = JsonSerializer.Serialize(timings, Json.Indented) + "\n",
        });
    }

    private async Task<List<(string Name, bool IsLowRank)>> AdaptersAsync(string run, IReadOnlyList<GradedVariant> trajectory, CancellationToken cancellation)
    {
        var adapters = new List<(string, bool)>();
        foreach (var variant in trajectory.Where(graded => graded.Completions.Count > 0).Select(graded => graded.Variant).Where(variant => variant.Late.Base is not null))
        {
            adapters.Add((variant.Name, await OpenedUpdate.IsLowRankAsync(cache, run, variant, cancellation)));
        }

        return adapters;
    }

    private async Task<IReadOnlyList<GradedVariant>> GradeAsync(Evaluation evaluation, Suite suite, Stage stage, CancellationToken cancellation)
    {
        var graded = new List<GradedVariant>();
        foreach (var variant in evaluation.Variants(stage))
        {
            CheckpointText? text;
            try
            {
                text = await cache.ReadTextAsync(evaluation.Run, variant.Late, cancellation);
            }
            catch (InvalidDataException)
            {
                text = null;
            }

            graded.Add(await GradedVariant.ReadAsync(answers, evaluation, suite, variant, text, [.. EvaluationPlanner.Kinds(evaluation, stage, variant)], cancellation));
        }

        return graded;
    }

    private static EvaluationAnswers ToAnswers(Evaluation evaluation, Suite suite, Dictionary<Stage, IReadOnlyList<GradedVariant>> graded)
    {
        var count = suite.Problems.Count;
        var drawn = graded[Stage.Trajectory].Where(variant => variant.Completions.Count > 0).ToList();
        var checkpoints = drawn.Where(variant => variant.Variant.Late != evaluation.Base).ToList();
        if (checkpoints.Count == 0)
        {
            checkpoints = [.. graded[Stage.Trajectory].Where(variant => variant.Variant.Late != evaluation.Base)];
        }

        // Without answers of the final checkpoint an earlier one stands in its place, of which nothing else was drawn.
        var grown = checkpoints[^1].Variant.Late == evaluation.Trajectory[^1] ? graded.GetValueOrDefault(Stage.Particles, []) : [];
        var points = graded.GetValueOrDefault(Stage.Interpolation, [])
            .Zip(evaluation.EarlyWeights, (variant, weight) => (Variant: variant, Weight: weight))
            .Where(point => point.Variant.Completions.Count > 0)
            .Select(point => new InterpolationAnswers(point.Weight, point.Variant.ToAnswers(count)))
            .ToList();
        return new EvaluationAnswers
        {
            ProblemIds = [.. suite.Problems.Select(problem => problem.Id)],
            Clusters = [.. suite.Problems.Select(problem => problem.Cluster)],
            Options = suite.Problems.Any(problem => problem.Options is not null) ? [.. suite.Problems.Select(problem => problem.Options)] : [],
            Base = drawn.FirstOrDefault(variant => variant.Variant.Late == evaluation.Base)?.ToAnswers(count),
            Trajectory = [.. checkpoints.Select(variant => variant.ToAnswers(count))],
            // Without the late parent's answers there is nothing to compare with.
            Interpolations = points.Count > 1 && points[0].EarlyWeight == 0 ? new InterpolationSet(evaluation.Early!.Name, evaluation.Late!.Name, points) { Tried = evaluation.EarlyWeights.Count } : null,
            Temperatures = evaluation.Stages.Contains(Stage.Temperatures)
                ? [
                    new TemperatureAnswers(evaluation.Spec.Temperature, checkpoints[^1].ToAnswers(count)),
                    .. graded[Stage.Temperatures].Select(variant => new TemperatureAnswers(variant.Variant.Temperature!.Value, variant.ToAnswers(count))),
                ]
                : [],
            MorePlain = grown.FirstOrDefault(variant => variant.Variant.Method is null)?.ToAnswers(count),
            Populations = GradedPopulations.Of(evaluation.Spec.Particles?.Choice, grown, count),
            SamplesPerProblem = evaluation.Spec.SamplesPerProblem,
            SelectShare = evaluation.Spec.SelectShare,
            Seed = evaluation.Spec.Seed,
            Margin = evaluation.Spec.Margin ?? EvaluationAnswers.DefaultMargin,
            Overlaps = [.. suite.Problems.Select(problem => problem.Overlap).OfType<ProblemOverlap>()],
        };
    }

    private static IEnumerable<MissingAnswers> Missing(Evaluation evaluation, Suite suite, IReadOnlyList<GradedVariant> graded, Stage stage, StageProgress progress)
    {
        for (var index = 0; index < graded.Count; index++)
        {
            var variant = graded[index];
            if (variant.Missing.Count == 0 || (stage == Stage.Interpolation && variant.Variant.Early is null))
            {
                continue;
            }

            // Of the samples that the trajectory wants too its own rows tell.
            var isMorePlain = stage == Stage.Particles && variant.Variant.Method is null;
            var name = isMorePlain ? $"{variant.Variant.Name}, more plain samples" : variant.Variant.Name;
            int Count(int count) => isMorePlain ? Math.Min(count, evaluation.PlainSamples - evaluation.Spec.SamplesPerProblem) : count;
            var failed = progress.Failed.Where(shard => progress.Plan!.Shards[shard.Key].Wanted.Any(wanted => wanted.Variant == index)).OrderBy(shard => shard.Key).ToList();
            if (variant.Completions.Count == 0)
            {
                var why = failed.Count > 0 ? failed[0].Value.Why : variant.Missing.Values.Select(missing => missing.Why).FirstOrDefault(why => why is not null);
                yield return new MissingAnswers(name, null, variant.Missing.Values.Sum(missing => Count(missing.Count)), why ?? NeverDrawn);
                continue;
            }

            foreach (var (problem, (count, unreadable)) in variant.Missing.OrderBy(entry => entry.Key))
            {
                var shard = failed.FirstOrDefault(shard => progress.Plan!.Shards[shard.Key].Wanted.Any(wanted => wanted.Problem == problem && wanted.Variant == index));
                yield return new MissingAnswers(name, suite.Problems[problem].Id, Count(count), unreadable ?? shard.Value?.Why ?? NeverDrawn);
            }
        }
    }

    /// <summary>Sampled answers that are there and have no score.</summary>
    private static IEnumerable<MissingAnswers> Unscored(IEnumerable<GradedVariant> trajectory, StageProgress progress)
    {
        foreach (var variant in trajectory)
        {
            var unscored = variant.Completions.Where(completion => completion.Kind == AnswerKind.Sampled && completion.Graded.Reward is null).ToList();
            if (unscored.Count > 0)
            {
                yield return new MissingAnswers(
                    $"{variant.Variant.Name}, scores of the reward model", null, unscored.Count,
                    unscored.Select(completion => completion.Answer.Failure).FirstOrDefault(why => why is not null)
                        ?? progress.Failed.Values.Select(failed => failed.Why).FirstOrDefault() ?? "they were never scored");
            }
        }
    }

    private static LostExample? Example(Suite suite, IReadOnlyList<GradedVariant> trajectory, EvaluationScores scores, LostProblem lost)
    {
        var problem = suite.Problems.Select((item, index) => (item.Id, Index: index)).First(item => item.Id == lost.ProblemId).Index;
        var solvedAt = scores.Trajectory[lost.SolvedAt].Name;
        var solved = Find(solvedAt, lost.SolvedByGreedy, lost.SolvedSample);
        var final = Find(scores.Trajectory[^1].Name, lost.LostByGreedy, lost.LostSample);
        return solved is null || final is null
            ? null
            : new LostExample(lost.ProblemId, solvedAt, solved.Text, Drawn(lost.SolvedByGreedy, lost.SolvedSample), final.Text, Drawn(lost.LostByGreedy, lost.LostSample));

        Answer? Find(string name, bool greedy, int sample) => trajectory.First(variant => variant.Variant.Name == name)
            .Find(problem, greedy ? AnswerKind.Greedy : AnswerKind.Sampled, greedy ? 0 : sample);
    }

    private static string Drawn(bool greedy, int sample) =>
        greedy ? "greedy" : string.Create(CultureInfo.InvariantCulture, $"sample {sample}");

    private static Provenance ProvenanceOf(Evaluation evaluation, Suite suite, IReadOnlyList<GradedVariant> variants, IReadOnlyList<string> devices)
    {
        var spec = evaluation.Spec;
        var prompt = variants.Select(variant => variant.FirstPrompt).FirstOrDefault(first => first is not null);
        return new Provenance(
        [
            new ProvenanceGroup("Weights", [.. variants.Where(variant => variant.Variant is { Method: null, Temperature: null }).Select(variant => new ProvenanceEntry(variant.Variant.Name, variant.Variant.WeightsDigest))]),
            new ProvenanceGroup("Suite",
            [
                new ProvenanceEntry("name", suite.Name),
                new ProvenanceEntry("problems", Text(suite.Problems.Count)),
                new ProvenanceEntry("digest", suite.Digest),
                new ProvenanceEntry("select share", Text(spec.SelectShare)),
            ]),
            new ProvenanceGroup("Decoding",
            [
                new ProvenanceEntry("samples per problem", Text(spec.SamplesPerProblem)),
                new ProvenanceEntry("temperature", Text(spec.Temperature)),
                new ProvenanceEntry("top_p", Text(spec.TopP)),
                new ProvenanceEntry("top_k", spec.TopK == 0 ? "off" : Text(spec.TopK)),
                new ProvenanceEntry("greedy answer", spec.Greedy ? "one per problem and checkpoint" : "none"),
                new ProvenanceEntry("max_tokens", Text(spec.MaxTokens)),
                new ProvenanceEntry("stop", spec.Stop.Count == 0 ? "none" : JsonSerializer.Serialize(spec.Stop, Json.Compact)),
                new ProvenanceEntry("seed", Text(spec.Seed)),
                new ProvenanceEntry("precision", spec.Precision),
            ]),
            .. spec.RewardModel is not { } reward ? [] : new[]
            {
                new ProvenanceGroup("Reward model",
                [
                    new ProvenanceEntry("name", reward.Name),
                    new ProvenanceEntry("digest, with what follows", evaluation.RewardDigest!),
                    new ProvenanceEntry("as asked for", JsonSerializer.Serialize(reward, Json.Compact)),
                ]),
            },
            .. spec.Particles is not { } particles ? [] : new[]
            {
                new ProvenanceGroup("Particles",
                [
                    new ProvenanceEntry("plain samples of the final checkpoint", Text(evaluation.PlainSamples)),
                    new ProvenanceEntry("methods", string.Join("; ", evaluation.Variants(Stage.Particles).Select(variant => variant.Method).OfType<PopulationMethod>().Where(method => !method.IsMixture).Select(method => method.Name))),
                    new ProvenanceEntry("as asked for", JsonSerializer.Serialize(particles, Json.Compact)),
                ]),
            },
            new ProvenanceGroup("Prompt",
            [
                new ProvenanceEntry("around the question", spec.Prompt),
                new ProvenanceEntry("first prompt", prompt?.Text ?? "none could be written"),
                new ProvenanceEntry("its token ids", prompt is null ? "none" : string.Join(' ', prompt.Ids)),
                new ProvenanceEntry("its digest", prompt?.Digest ?? "none"),
            ]),
            new ProvenanceGroup("Versions",
            [
                new ProvenanceEntry("Hindsight", typeof(ReportBuilder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0]),
                new ProvenanceEntry("graders", evaluation.Graders),
                new ProvenanceEntry(".NET", RuntimeInformation.FrameworkDescription),
                new ProvenanceEntry("device", string.Join("; ", devices)),
            ]),
        ]);
    }

    /// <summary>All variants, in the order of the stages; weights that several stages share stand once, with the answers of all.</summary>
    private static IReadOnlyList<GradedVariant> Variants(Dictionary<Stage, IReadOnlyList<GradedVariant>> graded) =>
    [
        .. graded.OrderBy(stage => stage.Key).SelectMany(stage => stage.Value)
            .GroupBy(variant => (variant.Variant.WeightsDigest, variant.Variant.Method, variant.Variant.Temperature))
            .Select(same => same.Count() == 1 ? same.First() : same.First() with
            {
                Completions =
                [
                    .. same.SelectMany(variant => variant.Completions).DistinctBy(completion => (completion.Problem, completion.Kind, completion.Answer.Sample))
                        .OrderBy(completion => completion.Problem).ThenBy(completion => completion.Kind).ThenBy(completion => completion.Answer.Sample),
                ],
            }),
    ];

    private static IEnumerable<ShownAnswer> Shown(Suite suite, GradedVariant variant) => variant.Completions.Select(completion => new ShownAnswer(
        variant.Variant.Name, suite.Problems[completion.Problem].Id, completion.Kind == AnswerKind.Greedy ? null : completion.Answer.Sample,
        completion.Graded.Verdict, completion.Graded.Answer, AnswerLines.Name(completion.Answer.FinishReason),
        completion.Answer.Ids.Count, completion.Answer.Text));

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
