using System.Runtime.InteropServices;
using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

/// <summary>Populations over a real small model, scored by a reward model of another vocabulary.</summary>
public sealed class PopulationDecodingTests : IDisposable
{
    private static readonly Decoding Sampling = new() { Temperature = 1, MaxTokens = 90, Seed = 7 };
    private static readonly StepRule Sentences = new() { Delimiter = "." };
    private static readonly EngineOptions Options = new() { MaxLength = 400, Threads = 2, MostRows = 24 };

    private readonly Weights weights = Reference.Load("stories260k-real", "model");
    private readonly Weights rewardWeights = Reference.Load("qwen2-prm", "model");
    private readonly TextTokenizer tokenizer = TextTokenizer.Load(TestData.PathTo("models", "stories260k-real", "model"));
    private readonly DecodingEngine engine;
    private readonly RewardModel rewards;
    private readonly RewardPrompt conversation;
    private readonly int[] prompt;

    public PopulationDecodingTests()
    {
        engine = new DecodingEngine(weights, Options);
        rewards = new RewardModel(rewardWeights, RewardText.Load(TestData.PathTo("models", "qwen2-prm", "model"), rewardWeights.Config.Reward!), rows: 24, Options);
        conversation = rewards.Text.Read([new ChatMessage("user", "Tell a story.")]);
        prompt = [.. tokenizer.Encode("Once upon a time", addSpecialTokens: true)];
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(1, 1)]
    [InlineData(9, 0)]
    public void Without_resampling_the_particles_are_plain_samples(int particles, double threshold)
    {
        var sampled = engine.Generate([new GenerationRequest(prompt, [.. Enumerable.Range(0, particles)], Sampling)], Decode, [2]).OrderBy(answer => answer.Sample).ToList();
        var answers = Draw(Filter(particles, threshold)).Answers;
        Assert.Equal(sampled.Select(answer => answer.Ids), answers.Select(answer => answer.Ids));
        Assert.Equal(sampled.Select(answer => (answer.Text, answer.FinishReason, answer.LogProbability)), answers.Select(answer => (answer.Text, answer.FinishReason, answer.LogProbability)));
    }

    [Fact]
    public void Resampled_answers_are_what_the_model_and_the_reward_model_say_of_them_read_whole()
    {
        var population = Draw(Filter(12, threshold: 1));
        var filter = (ParticleFilter)population.Request.Population;
        Assert.True(filter.Result.Steps.Count(step => step.IsResampled) >= 2);
        using var whole = new Transformer(weights, Target.Plain, threads: 1);
        using var scorer = new Transformer(rewardWeights, Target.Plain, threads: 1);
        foreach (var (answer, particle) in population.Answers.Zip(population.Particles))
        {
            var logits = whole.Logits([.. prompt, .. answer.Ids]);
            var expected = Enumerable.Range(0, answer.Ids.Count).Sum(place => LogSoftmax(logits.AsSpan((prompt.Length + place - 1) * weights.Config.VocabularySize, weights.Config.VocabularySize), answer.Ids[place]));
            Assert.Equal(expected, answer.LogProbability, 1e-3);

            Assert.Equal(answer.Ids.Count, particle.StepEnds[^1]);
            var steps = Steps(particle, answer.Text);
            for (var step = 1; step <= steps.Count; step++)
            {
                var scores = scorer.Logits(rewards.Text.Write(conversation, [.. steps.Take(step)]));
                Assert.Equal(Reward.Of(scores.AsSpan(^2..), 1).Value, particle.Rewards[step - 1].Value, 2e-4);
            }
        }
    }

    [Fact]
    public void Populations_side_by_side_are_those_drawn_alone()
    {
        int[] other = [.. tokenizer.Encode("The cat", addSpecialTokens: true)];
        PopulationRequest[] Requests() => [Request(Filter(7, 1), prompt), Request(Filter(10, 0.5, seed: 3), other), Request(Filter(5, 1), other), Request(Filter(24, 1), prompt)];
        var alone = Requests().Select(request => Bytes(engine.Generate([request], rewards, Decode, [2]).Single())).ToList();
        var requests = Requests();
        var together = engine.Generate(requests, rewards, Decode, [2]).ToDictionary(answers => Array.IndexOf(requests, answers.Request), Bytes);
        Assert.Equal(alone, Enumerable.Range(0, 4).Select(index => together[index]));
    }

    [Theory]
    [InlineData("qwen2-prm", 1, false, false)]
    [InlineData("qwen2-prm", 0.6, false, false)]
    [InlineData("qwen2-prm", 1, false, true)]
    [InlineData("qwen2-prm", 1, true, true)]
    [InlineData("qwen2-reward", 1, true, false)]
    [InlineData("qwen2-reward", 1, true, true)]
    public void A_population_resumed_after_any_round_ends_with_the_same_bytes(string model, double threshold, bool scoresWhole, bool looksAhead)
    {
        using var scorer = Reference.Load(model, "model");
        var text = RewardText.Load(TestData.PathTo("models", model, "model"), scorer.Config.Reward!);
        var options = OptionsOf(8, threshold) with { Potential = scoresWhole ? Potential.Telescoping(Aggregation.Model) : Potential.StepProbability };
        PopulationRequest Asked(ParticleFilter filter) => Request(filter, prompt) with
        {
            Conversation = text.Read([new ChatMessage("user", "Tell a story.")]),
            ScoresWhole = scoresWhole,
            LooksAhead = looksAhead,
        };

        var rounds = new List<string>();
        using var first = new RewardModel(scorer, text, rows: 9, Options);
        var whole = engine.Generate([Asked(new ParticleFilter(options, 1))], first, Decode, [2], (_, round) => rounds.Add(JsonSerializer.Serialize(round))).Single();
        Assert.True(rounds.Count > 2);
        foreach (var json in rounds.SkipLast(1))
        {
            // Another engine, as in another process.
            var round = JsonSerializer.Deserialize<PopulationRound>(json)!;
            using var second = new DecodingEngine(weights, Options);
            using var other = new RewardModel(scorer, text, rows: 9, Options);
            var resumed = Asked(ParticleFilter.Resume(options, 1, round.State)) with { Resumed = round };
            Assert.Equal(Bytes(whole), Bytes(second.Generate([resumed], other, Decode, [2]).Single()));
        }
    }

    [Fact]
    public void Each_iteration_of_particle_gibbs_follows_the_path_of_the_one_before()
    {
        var chains = new ParticleChains(OptionsOf(6, 1), seed: 4, iterations: 3, temperatures: [1.5, 1]);
        List<PopulationAnswers>? before = null;
        IReadOnlyList<PathOrigin?> origins = [];
        while (true)
        {
            var requests = chains.Filters.Select((filter, chain) => Request(filter, prompt) with
            {
                FirstSample = 6 * chain,
                Reference = before is null ? null : before[origins[chain]!.Value.Chain].Particles[origins[chain]!.Value.Slot],
            }).ToList();
            var drawn = engine.Generate(requests, rewards, Decode, [2]).OrderBy(answers => requests.IndexOf(answers.Request)).ToList();
            if (before is not null)
            {
                Assert.All(requests.Zip(drawn), pair => Assert.Equal(pair.First.Reference!.Ids, pair.Second.Particles[0].Ids));
                Assert.All(requests.Zip(drawn), pair => Assert.Equal(pair.First.Reference!.Rewards, pair.Second.Particles[0].Rewards));
            }

            if (chains.IsFinished)
            {
                break;
            }

            (before, origins) = (drawn, chains.Next());
        }

        Assert.Equal(2, chains.Iteration);
    }

    [Fact]
    public void Self_certainty_needs_no_reward_model()
    {
        var filter = new ParticleFilter(OptionsOf(8, 1) with { Potential = Potential.SelfCertainty() }, 1);
        var answers = engine.Generate([Request(filter, prompt) with { Conversation = null }], null, Decode, [2]).Single();
        Assert.Equal(0, answers.RewardTokens);
        Assert.True(double.IsFinite(filter.Result.LogEvidence));
        Assert.Equal(0, filter.Result.Particles.Sum(particle => Math.Exp(particle.LogWeight)) - 1, 1e-9);
    }

    [Fact]
    public void Looking_ahead_leaves_no_trace_in_the_answers_and_pays_for_what_it_saw()
    {
        // Without resampling nothing is steered, so that the answers must be those drawn without looking ahead.
        var plain = Draw(Filter(9, threshold: 0));
        var ahead = engine.Generate([Request(Filter(9, threshold: 0), prompt) with { LooksAhead = true }], rewards, Decode, [2]).Single();
        Assert.Equal(plain.Answers.Select(answer => (answer.Text, answer.LogProbability)), ahead.Answers.Select(answer => (answer.Text, answer.LogProbability)));
        Assert.True(ahead.DrawnTokens > 1.3 * plain.DrawnTokens && ahead.RewardTokens > 1.3 * plain.RewardTokens);
        var looks = ((ParticleFilter)ahead.Request.Population).Result.Particles.SelectMany(particle => particle.Path).ToList();
        Assert.All(looks, outcome => Assert.Equal(outcome.IsFinished, outcome.LookAhead is null));

        var steered = engine.Generate([Request(Filter(9, threshold: 1), prompt) with { LooksAhead = true }], rewards, Decode, [2]).Single();
        Assert.All(steered.Answers.Zip(steered.Particles), pair => Assert.Equal(pair.First.Ids.Count, pair.Second.StepEnds[^1]));
        Assert.NotEqual(Draw(Filter(9, threshold: 1)).Answers.Select(answer => answer.Text), steered.Answers.Select(answer => answer.Text));
    }

    [Fact]
    public void Searches_run_on_the_same_rows_and_keep_the_answers_that_ended()
    {
        var beam = new BeamSearch(new SearchOptions(8, Width: 4, MaxSteps: 6));
        var answers = Draw(beam);
        Assert.NotEmpty(beam.Hypotheses);
        Assert.All(beam.Hypotheses.Where(hypothesis => hypothesis.IsComplete), hypothesis => Assert.NotEmpty(answers.Ended[(hypothesis.Round, hypothesis.Slot)].Text));
    }

    [Fact]
    public void Scores_that_are_no_numbers_leave_all_weights_zero_and_the_answers_where_they_were()
    {
        using var endless = new ModelFolder("qwen2-prm", _ => { });
        var file = Path.Combine(endless.Path, "model.safetensors");
        var content = File.ReadAllBytes(file);
        using var header = JsonDocument.Parse(content.AsMemory(8, (int)BitConverter.ToInt64(content)));
        var place = header.RootElement.GetProperty("score.2.weight").GetProperty("data_offsets");
        // Finite, and both labels' sums over positive numbers are beyond what a float can hold: infinity less infinity is no number.
        MemoryMarshal.Cast<byte, float>(content.AsSpan((int)(8 + BitConverter.ToInt64(content)))[place[0].GetInt32()..place[1].GetInt32()]).Fill(3e38f);
        File.WriteAllBytes(file, content);
        using var checkpoint = Checkpoint.Open(endless.Path);
        using var endlessWeights = Weights.Load(checkpoint);
        using var model = new RewardModel(endlessWeights, rewards.Text, rows: 6, Options);
        var filter = Filter(6, threshold: 1);

        var population = engine.Generate([Request(filter, prompt)], model, Decode, [2]).Single();

        Assert.All(population.Particles, particle => Assert.Contains("no number to weigh an answer by", particle.Failure, StringComparison.Ordinal));
        Assert.All(population.Answers, answer => Assert.NotEmpty(answer.Text));
        Assert.Equal(double.NegativeInfinity, filter.Result.LogEvidence);
        Assert.All(filter.Result.Particles, particle => Assert.Equal(double.NegativeInfinity, particle.LogWeight));
    }

    [Fact]
    public void An_answer_the_reward_model_has_no_room_for_fails_alone()
    {
        // Room for the shorter half of them.
        var lengths = Draw(Filter(8, threshold: 0)) is var all
            ? all.Particles.Zip(all.Answers, (particle, answer) => rewards.Text.Write(conversation, Steps(particle, answer.Text)).Count).Order().ToList() : [];
        Assert.True(lengths[4] > lengths[3]);
        using var small = new RewardModel(rewardWeights, rewards.Text, rows: 8, Options with { MaxLength = lengths[3] });
        var filter = Filter(8, threshold: 0);
        var population = engine.Generate([Request(filter, prompt)], small, Decode, [2]).Single();
        var failed = population.Particles.Count(particle => particle.Failure is not null);
        Assert.Equal(4, failed);
        Assert.NotEmpty(filter.Result.Failures);
        Assert.All(population.Particles.Zip(filter.Result.Particles), pair => Assert.Equal(pair.First.Failure is not null, double.IsNegativeInfinity(pair.Second.LogWeight)));
        Assert.All(population.Particles, particle => Assert.True(particle.Failure is null || particle.Failure.Contains($"room for {lengths[3]}", StringComparison.Ordinal)));
    }

    [Fact]
    public void More_particles_than_rows_are_refused_in_numbers()
    {
        var error = Assert.Throws<InvalidDataException>(() => Draw(Filter(25, 1)));
        Assert.Contains("room for 24", error.Message, StringComparison.Ordinal);
        Assert.Contains("25", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_are_counted_once()
    {
        var population = Draw(Filter(9, 0));
        Assert.Equal(population.Answers.Sum(answer => answer.Ids.Count), population.DrawnTokens);
        var resampled = Draw(Filter(9, 1));
        Assert.True(resampled.DrawnTokens <= resampled.Answers.Sum(answer => answer.Ids.Count) + (9 * Sampling.MaxTokens));
        Assert.True(resampled.RewardTokens > 0);
    }

    public void Dispose()
    {
        engine.Dispose();
        rewards.Dispose();
        weights.Dispose();
        rewardWeights.Dispose();
    }

    private static ParticleOptions OptionsOf(int particles, double threshold) => new()
    {
        Particles = particles,
        ResamplingThreshold = threshold,
        // Random weights give scores that say little; odds at half the temperature make them matter.
        Potential = Potential.StepOdds(0.5),
    };

    private static ParticleFilter Filter(int particles, double threshold, ulong seed = 1) => new(OptionsOf(particles, threshold), seed);

    private PopulationAnswers Draw(IPopulation population) => engine.Generate([Request(population, prompt)], rewards, Decode, [2]).Single();

    private PopulationRequest Request(IPopulation population, int[] ids) => new(ids, population, Sampling, Sentences) { Conversation = conversation };

    private string Decode(IReadOnlyList<int> ids) => tokenizer.Decode(ids, skipSpecialTokens: true);

    private static string Bytes(PopulationAnswers answers) => JsonSerializer.Serialize(
        new { answers.Particles, Texts = answers.Answers.Select(answer => answer.Text), answers.DrawnTokens, answers.RewardTokens, ((ParticleFilter)answers.Request.Population).Result });

    private List<string> Steps(ParticleText particle, string text)
    {
        var steps = new List<string>();
        foreach (var end in particle.StepEnds)
        {
            var soFar = end == particle.Ids.Count ? text : Decode([.. particle.Ids.Take(end)]);
            steps.Add(soFar[steps.Sum(step => step.Length)..]);
        }

        return steps;
    }

    private static double LogSoftmax(ReadOnlySpan<float> logits, int id)
    {
        var most = double.NegativeInfinity;
        foreach (var logit in logits)
        {
            most = Math.Max(most, logit);
        }

        var sum = 0.0;
        foreach (var logit in logits)
        {
            sum += Math.Exp(logit - most);
        }

        return logits[id] - most - Math.Log(sum);
    }
}
