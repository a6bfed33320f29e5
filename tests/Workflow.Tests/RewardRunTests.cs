using System.Text;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Reporting;

namespace Hindsight.Workflow.Tests;

/// <summary>Runs whose evaluation names a reward model.</summary>
public sealed class RewardRunTests(Pipeline pipeline) : IClassFixture<Pipeline>
{
    private const string Particles = """
        {"samplesPerProblem": 4, "maxTokens": 40, "temperature": 1, "topP": 1, "earlyWeights": [], "greedy": false,
         "rewardModel": {"name": "prm", "delimiter": " "},
         "particles": {"budget": 8, "maxSteps": 6, "threshold": 1, "potential": "stepOdds", "potentialTemperature": 0.5,
                       "methods": ["beamSearch", "parallelTempering", "hubCompat", "entropicFilter", "diverseTreeSearch"]}}
        """;

    private static readonly string[] Problems =
    [
        """{"id": "a", "question": "1 + 1 =", "answer": "2", "grader": "number"}""",
        """{"id": "b", "question": "Say hello", "answer": "hello", "grader": "exact"}""",
        """{"id": "c", "question": "Count to ten.", "answer": "10", "grader": "number"}""",
    ];

    [Fact]
    public async Task A_run_waits_for_its_reward_model_and_then_has_every_answer_scored()
    {
        await DropAsync("waits", """{"samplesPerProblem": 4, "maxTokens": 12, "earlyWeights": [], "rewardModel": {"name": "late", "delimiter": " ", "aggregation": "product"}}""");
        await pipeline.PumpAsync();
        Assert.Contains("upload it to models/late", (await pipeline.StatusAsync("waits")).Waiting, StringComparison.Ordinal);

        await pipeline.UploadRewardModelAsync("late", TestData.PathTo("models", "qwen2-prm", "model"));
        await pipeline.AnnounceRewardModelAsync("late");
        await pipeline.PumpAsync();

        var scores = await pipeline.ScoresAsync("waits");
        Assert.NotEmpty(scores.BestOfN);
        Assert.NotEmpty(scores.WeightedMajority);
        var (evaluation, suite) = await EvaluationAsync("waits");
        foreach (var variant in evaluation.Variants(Stage.Rewards))
        {
            var answers = await ReadAsync(evaluation, suite, variant, AnswerKind.Rewards);
            Assert.Equal(3 * 4, answers.Count);
            Assert.All(answers, answer => Assert.True(answer.Failure is null && answer.Rewards!.Count > 0 && answer.Rewards.All(reward => reward is > 0 and < 1)));
        }
    }

    [Fact]
    public async Task Each_method_stores_a_population_of_the_budget_and_a_second_plan_wants_nothing()
    {
        await pipeline.UploadRewardModelAsync("prm", TestData.PathTo("models", "qwen2-prm", "model"));
        await pipeline.AnnounceRewardModelAsync("prm");
        await DropAsync("methods", Particles);
        await pipeline.PumpAsync();

        var (evaluation, suite) = await EvaluationAsync("methods");
        var variants = evaluation.Variants(Stage.Particles);
        Assert.Equal(3 + 5 + 2 + 1, variants.Count);
        Assert.Equal(8, variants.Where(variant => variant.Method?.IsMixture == true).Sum(variant => variant.Method!.Answers));
        // The plain samples of the trajectory, and more of them for what is compared at equal budget.
        var plain = await ReadAsync(evaluation, suite, variants[^1], AnswerKind.Sampled);
        Assert.Equal((3 * 3 * 8, null), (plain.Count, variants[^1].Method));
        Assert.Equal(plain.Count, (await pipeline.ReportAsync("methods", ReportFiles.Answers)).Split('\n').Count(line =>
            line.Contains(variants[^1].WeightsDigest, StringComparison.Ordinal) && line.Contains("\"sampled\"", StringComparison.Ordinal)));
        foreach (var variant in variants.SkipLast(1))
        {
            var answers = await ReadAsync(evaluation, suite, variant, AnswerKind.Particles);
            foreach (var problem in answers.GroupBy(answer => answer.Prompt))
            {
                Assert.Equal(Enumerable.Range(0, variant.Method!.Answers), problem.Select(answer => answer.Sample));
                Assert.Equal(1, problem.Sum(answer => answer.Particle!.Weight), 1e-9);
                var population = problem.First().Population!;
                Assert.True(population.DrawnTokens > 0 && population.RewardTokens > 0);
                Assert.All(problem.Skip(1), answer => Assert.Null(answer.Population));
            }
        }

        var budget = (await pipeline.ScoresAsync("methods")).Budget!;
        Assert.Equal(3 * 8, budget.MostPlain);
        Assert.Equal(
            [
                "beam search of 8", "best-of-4", "diverse tree search of 8", "entropic particle filter of 8", "parallel tempering, 2 iterations of 2 at 2 temperatures",
                "particle Gibbs, 2 iterations of 4", "particle filter (its_hub) of 8", "particle filter of 8", "particle filter, 2 islands of 4",
                "particle filters over 2 checkpoints", "self-consistency, Maj@4", "weighted best-of-4",
            ],
            budget.Methods.Select(method => method.Name).Where(name => !name.StartsWith("Temporal", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.All(budget.Methods.Where(method => method.Family == "particle filter"), method => Assert.True(method is { DrawnTokens: > 0, RewardTokens: > 0, DrawnByWeight: not null }));
        var page = await pipeline.ReportAsync("methods", ReportFiles.Page);
        Assert.Contains("What else the same tokens buy", page, StringComparison.Ordinal);
        Assert.Contains("What else the same device time buys", page, StringComparison.Ordinal);
        Assert.Contains("plain samples of the final checkpoint", page, StringComparison.Ordinal);
        Assert.Contains(evaluation.RewardDigest!, page, StringComparison.Ordinal);
        var timings = JsonSerializer.Deserialize<Timings>(await pipeline.ReportAsync("methods", ReportFiles.Timings), Json.Indented)!;
        Assert.Equal(budget.Methods.Select(method => method.Name), timings.Methods.Select(method => method.Method));
        Assert.All(timings.Methods, method => Assert.True(method.Seconds > 0));

        await pipeline.Get<EvaluationPlanner>().PlanAsync(new PlanMessage("methods"), CancellationToken.None);
        await pipeline.PumpAsync(_ => throw new InvalidOperationException("Nothing is left to be drawn."));
        Assert.DoesNotContain(await BlobStore.ListAsync(pipeline.Store.Answers, "rounds/", CancellationToken.None), _ => true);
    }

    [Fact]
    public async Task A_population_whose_worker_died_goes_on_with_the_same_answers()
    {
        await pipeline.UploadRewardModelAsync("prm", TestData.PathTo("models", "qwen2-prm", "model"));
        await pipeline.AnnounceRewardModelAsync("prm");
        await DropAsync("dies", Particles.Replace("\"maxSteps\": 6", "\"maxSteps\": 12", StringComparison.Ordinal));
        var deaths = new Dictionary<int, int>();
        await pipeline.PumpAsync(async shard =>
        {
            // Each shard of populations is stopped twice, when something of it is stored.
            if (shard.Stage == Stage.Particles && (deaths[shard.Shard] = deaths.GetValueOrDefault(shard.Shard) + 1) <= 2)
            {
                using var stop = new CancellationTokenSource();
                var drawing = pipeline.Get<ShardWorker>().DrawAsync(shard, stop.Token);
                while (!drawing.IsCompleted && (await BlobStore.ListAsync(pipeline.Store.Answers, "rounds/", CancellationToken.None)).Count == 0)
                {
                    await Task.Delay(5);
                }

                await stop.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
                {
                    await drawing;
                    throw new OperationCanceledException();
                });
                throw new WorkerDiedException();
            }
        });
        Assert.All((await pipeline.StatusAsync("dies")).Stages, stage => Assert.Equal((0, stage.Shards), (stage.Failed, stage.Done)));
        var (evaluation, suite) = await EvaluationAsync("dies");
        var resumed = await AllAsync(evaluation, suite);
        // One more where another run has not drawn the plain samples already.
        Assert.InRange(deaths.Count, 10, 11);

        // The same once more, by a worker that lives: other weights would be other answers, so the store is emptied.
        foreach (var blob in await BlobStore.ListAsync(pipeline.Store.Answers, "", CancellationToken.None))
        {
            await pipeline.Store.Answers.DeleteBlobAsync(blob.Name);
        }

        foreach (var blob in await BlobStore.ListAsync(pipeline.Store.Evaluations, "runs/dies/", CancellationToken.None))
        {
            await pipeline.Store.Evaluations.DeleteBlobAsync(blob.Name);
        }

        foreach (var blob in await BlobStore.ListAsync(pipeline.Store.Reports, "dies/", CancellationToken.None))
        {
            await pipeline.Store.Reports.DeleteBlobAsync(blob.Name);
        }

        await pipeline.Get<EvaluationPlanner>().PlanAsync(new PlanMessage("dies"), CancellationToken.None);
        await pipeline.PumpAsync();
        Assert.Equal(await AllAsync(evaluation, suite), resumed);
    }

    [Theory]
    [InlineData("""{"rewardModel": {"name": "../x"}}""", "rewardModel.name")]
    [InlineData("""{"particles": {"budget": 8}, "rewardModel": {"name": "prm"}, "samplesPerProblem": 0}""", "samplesPerProblem is 0")]
    [InlineData("""{"particles": {"budget": 8, "potential": "stepOdds"}}""", "needs a rewardModel")]
    [InlineData("""{"particles": {"budget": 8, "allocations": [{"particles": 3, "iterations": 2, "chains": 1}]}, "rewardModel": {"name": "prm"}}""", "budget of 8")]
    [InlineData("""{"particles": {"methods": ["smc"]}}""", "field 'particles.methods[0]' must be one of particleFilter, entropicFilter,")]
    [InlineData("""{"particles": {"choice": "best"}}""", "field 'particles.choice' must be one of weightedMajority, highestScore, drawnByWeight.")]
    [InlineData("""{"rewardModel": {"name": "prm", "aggregation": "mean"}}""", "field 'rewardModel.aggregation' must be one of ")]
    [InlineData("""{"particles": {"allocations": 3}}""", "field 'particles.allocations' cannot be read: its value is not of the kind")]
    [InlineData("""{"particles": {"budget": 8, "stop": ["a"], "stopPattern": "b"}, "rewardModel": {"name": "prm"}}""", "cannot stand beside particles.stopPattern")]
    [InlineData("""{"particles": {"budget": 6, "methods": ["beamSearch"]}, "rewardModel": {"name": "prm"}}""", "multiple of 4")]
    [InlineData("""{"particles": {"delimiter": []}, "rewardModel": {"name": "prm"}}""", "'particles.delimiter' must be 1 to 16 texts")]
    [InlineData("""{"particles": {"delimiter": [".", 3]}, "rewardModel": {"name": "prm"}}""", "field 'particles.delimiter' cannot be read (It must be a text or a list of texts)")]
    [InlineData("""{"particles": {"delimiter": {"a": "b"}}, "rewardModel": {"name": "prm"}}""", "field 'particles.delimiter' cannot be read (It must be a text or a list of texts)")]
    [InlineData("""{"particles": {"stop": []}, "rewardModel": {"name": "prm"}}""", "'particles.stop' must be 1 to 16 texts")]
    [InlineData("""{"particles": {"stop": ["\\boxed", ""]}, "rewardModel": {"name": "prm"}}""", "'particles.stop' must be 1 to 16 texts")]
    [InlineData("""{"particles": {"stopPattern": "answer: ("}, "rewardModel": {"name": "prm"}}""", "'particles.stopPattern' is not a regular expression")]
    [InlineData("""{"particles": {"stopPattern": "(?<!no )answer"}, "rewardModel": {"name": "prm"}}""", "'particles.stopPattern' must do without lookaround")]
    [InlineData("""{"particles": {"stopPattern": "((a{99}){99}){99}"}, "rewardModel": {"name": "prm"}}""", "'particles.stopPattern' must do without")]
    public void Impossible_requests_are_refused_by_field(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => EvaluationSpec.Parse(Encoding.UTF8.GetBytes(json), "evaluation.json")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_particle_spec_without_stops_keeps_its_identity_and_each_of_them_makes_another()
    {
        // As it was before there were any: answers are found again by it.
        const string Before = """{"potentialTemperature":1,"aggregation":"minimum","threshold":0.5,"maxSteps":40,"stepTokens":1024}""";
        Assert.Equal(Before, JsonSerializer.Serialize(new ParticleSpec().OfOneMethod, Json.Compact));
        Assert.DoesNotContain("stopOnRepeat", Encoding.UTF8.GetString(new EvaluationSpec { Particles = new ParticleSpec() }.ToJson()), StringComparison.Ordinal);
        ParticleSpec[] others = [new(), new() { Stop = ["####"] }, new() { StopPattern = "####" }, new() { StopOnRepeat = true }];
        Assert.Equal(4, others.Select(spec => Digest.OfJson(spec.OfOneMethod)).Distinct().Count());

        Assert.Contains("\"delimiter\":\".\"", JsonSerializer.Serialize(new ParticleSpec { Delimiter = ["."] }.OfOneMethod, Json.Compact), StringComparison.Ordinal);
        Assert.Contains("\"delimiter\":[\".\",\"!\"]", JsonSerializer.Serialize(new ParticleSpec { Delimiter = [".", "!"] }.OfOneMethod, Json.Compact), StringComparison.Ordinal);

        // Searches were cut off after the most steps once; the answers of other methods are the same.
        Assert.Equal("""{"kind":"beamSearch","particles":8,"iterations":1,"chains":1,"isMixture":false,"writesToEnd":true}""", JsonSerializer.Serialize(new PopulationMethod(PopulationKind.BeamSearch, 8), Json.Compact));
        Assert.Equal("""{"kind":"hubCompat","particles":8,"iterations":1,"chains":1,"isMixture":false}""", JsonSerializer.Serialize(new PopulationMethod(PopulationKind.HubCompat, 8), Json.Compact));
    }

    [Fact]
    public void Stops_of_the_file_are_those_of_the_steps()
    {
        static StepRule Rule(string stop)
        {
            var spec = EvaluationSpec.Parse(Encoding.UTF8.GetBytes(
                $$"""{"rewardModel": {"name": "prm", "delimiter": "\n"}, "particles": { {{stop}}, "stopOnRepeat": true, "stepTokens": 9 } }"""), "evaluation.json");
            return EvaluationSpec.Parse(spec.ToJson(), "evaluation.json").Particles!.Steps(spec.RewardModel);
        }

        var rule = Rule(""" "stop": ["\\boxed"] """);
        Assert.Equal(["\n"], rule.Delimiters);
        Assert.Equal(["\\boxed"], rule.Stop);
        Assert.Equal((null, true, 9), (rule.StopPattern, rule.StopOnRepeat, rule.MostTokens));
        Assert.Equal("a+", Rule(""" "stopPattern": "a+" """).StopPattern);
        Assert.Equal(["\n\n"], new ParticleSpec().Steps(null).Delimiters);
        Assert.Equal([["."], [".", "!"]], new[] { """ "." """, """ [".", "!"] """ }.Select(delimiter => EvaluationSpec.Parse(
            EvaluationSpec.Parse(Encoding.UTF8.GetBytes($$"""{"particles": {"delimiter": {{delimiter}} } }"""), "evaluation.json").ToJson(), "evaluation.json").Particles!.Steps(null).Delimiters));
    }

    [Fact]
    public async Task A_language_model_among_the_reward_models_is_refused_and_so_is_a_reward_model_among_the_checkpoints()
    {
        await pipeline.UploadRewardModelAsync("talks", TestData.PathTo("models", "qwen2-tied", "model"));
        await pipeline.AnnounceRewardModelAsync("talks");
        await DropAsync("refused", """{"samplesPerProblem": 2, "maxTokens": 4, "rewardModel": {"name": "talks"}}""");
        Assert.Contains("holds a language model", (await pipeline.StatusAsync("refused")).Error, StringComparison.Ordinal);

        await pipeline.UploadAsync("refused", "checkpoint-30", TestData.PathTo("models", "qwen2-prm", "model"));
        await pipeline.AnnounceAsync("refused", "checkpoint-30");
        Assert.Contains((await pipeline.StatusAsync("refused")).Refused, refused => refused.Reason.Contains("holds a reward model", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("separator", "\"separator\": \"not one token\"", "models/prm cannot be used as evaluation.json asks", "rewardModel.separator")]
    [InlineData("label", "\"label\": 7", "models/prm cannot be used as evaluation.json asks", "rewardModel.label is 7, and it has the labels 0 to 1")]
    public async Task A_reward_model_that_could_score_nothing_is_refused_before_anything_is_drawn(string run, string field, string which, string why)
    {
        await pipeline.UploadRewardModelAsync("prm", TestData.PathTo("models", "qwen2-prm", "model"));
        await pipeline.AnnounceRewardModelAsync("prm");
        await DropAsync($"bad-{run}", $$"""{"samplesPerProblem": 2, "maxTokens": 4, "seed": 99, "rewardModel": {"name": "prm", {{field}} } }""");
        var before = await pipeline.StoredAnswersAsync();
        await pipeline.PumpAsync();
        var error = (await pipeline.StatusAsync($"bad-{run}")).Error;
        Assert.Contains(which, error, StringComparison.Ordinal);
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Equal(before, await pipeline.StoredAnswersAsync());
    }

    private async Task DropAsync(string run, string spec)
    {
        await pipeline.UploadSuiteAsync(run, Problems);
        await pipeline.UploadSpecAsync(run, spec);
        await pipeline.UploadAsync(run, "checkpoint-10", TestData.PathTo("models", "qwen2-tied", "model"));
        await pipeline.UploadAsync(run, "checkpoint-20", TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        await pipeline.AnnounceAsync(run, "checkpoint-10");
        await pipeline.AnnounceAsync(run, "checkpoint-20");
    }

    private async Task<(Evaluation Evaluation, Suite Suite)> EvaluationAsync(string run) =>
        (await pipeline.Get<EvaluationPlanner>().ReadAsync(run, (await pipeline.StatusAsync(run)).Evaluation!, CancellationToken.None))!.Value;

    private async Task<List<Answer>> ReadAsync(Evaluation evaluation, Suite suite, Variant variant, AnswerKind kind)
    {
        var text = await pipeline.Get<CheckpointCache>().ReadTextAsync(evaluation.Run, variant.Late, CancellationToken.None);
        var prompts = suite.Problems.Select(problem => text.Write(problem, evaluation.Spec).Prompt!.Digest).ToHashSet();
        var stored = await pipeline.Get<AnswerStore>().ReadAsync(text.Source(variant, evaluation, kind), prompts, CancellationToken.None);
        return [.. stored.Values.OrderBy(answer => answer.Prompt, StringComparer.Ordinal).ThenBy(answer => answer.Sample)];
    }

    private async Task<string> AllAsync(Evaluation evaluation, Suite suite)
    {
        var all = new List<Answer>();
        foreach (var variant in evaluation.Variants(Stage.Particles).Where(variant => variant.Method is not null))
        {
            all.AddRange(await ReadAsync(evaluation, suite, variant, AnswerKind.Particles));
        }

        Assert.Equal(evaluation.Variants(Stage.Particles).Sum(variant => variant.Method?.Answers ?? 0) * 3, all.Count);
        return JsonSerializer.Serialize(all, Json.Compact);
    }
}
