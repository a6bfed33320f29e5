using System.Runtime.InteropServices;
using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

/// <summary>Populations over a real small model, scored by a reward model of another vocabulary.</summary>
public sealed class PopulationDecodingTests : IDisposable
{
    private static readonly Decoding Sampling = new() { Temperature = 1, MaxTokens = 90, Seed = 7 };
    private static readonly StepRule Sentences = new() { Delimiters = ["."] };
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
    public void An_answer_ends_with_the_step_in_which_a_stop_text_occurs_and_keeps_the_whole_of_it()
    {
        var plain = Draw(Filter(12, threshold: 0));
        foreach (var rule in new[] { Sentences with { Stop = ["happy", " big"] }, Sentences with { StopPattern = "happy| big" } })
        {
            var stopped = engine.Generate([Request(Filter(12, threshold: 0), prompt) with { Steps = rule }], rewards, Decode, [2]).Single();
            var ended = 0;
            for (var slot = 0; slot < 12; slot++)
            {
                var (answer, whole) = (stopped.Answers[slot], plain.Answers[slot]);
                var steps = Steps(plain.Particles[slot], whole.Text);
                var last = steps.FindIndex(step => step.Contains("happy", StringComparison.Ordinal) || step.Contains(" big", StringComparison.Ordinal));
                var kept = steps.Take(last < 0 ? steps.Count : last + 1).ToList();
                Assert.Equal(string.Concat(kept), answer.Text);
                Assert.Equal(plain.Particles[slot].StepEnds.Take(kept.Count), stopped.Particles[slot].StepEnds);
                Assert.Equal(plain.Particles[slot].Rewards.Take(kept.Count), stopped.Particles[slot].Rewards);
                Assert.Equal(kept.Count < steps.Count ? FinishReason.Stop : whole.FinishReason, answer.FinishReason);
                ended += kept.Count < steps.Count ? 1 : 0;
            }

            Assert.InRange(ended, 2, 10);
            Assert.True(stopped.DrawnTokens < plain.DrawnTokens);
        }
    }

    [Fact]
    public void An_answer_that_repeats_itself_ends_where_it_does()
    {
        // A small model with a cold head goes round in circles, of two sentences where it is led to.
        var rule = new StepRule { Delimiters = [" nice."] };
        var cold = new Decoding { Temperature = 0.05, MaxTokens = 300, Seed = 7 };
        int[] ball = [.. tokenizer.Encode("The ball was not very nice. The ball was not very nice. The ball was not very nice.", addSpecialTokens: true)];
        PopulationRequest Asked(StepRule steps) => new(ball, new ParticleFilter(OptionsOf(4, threshold: 0) with { Potential = Potential.SelfCertainty() }, 1), cold, steps);
        var plain = engine.Generate([Asked(rule)], null, Decode, [2]).Single();
        var guarded = engine.Generate([Asked(rule with { StopOnRepeat = true })], null, Decode, [2]).Single();
        Assert.Contains(plain.Answers.Zip(guarded.Answers), pair => pair.Second.Text.Length < pair.First.Text.Length);
        foreach (var (slot, answer) in guarded.Answers.Index())
        {
            var steps = Steps(guarded.Particles[slot], answer.Text);
            Assert.StartsWith(answer.Text, plain.Answers[slot].Text, StringComparison.Ordinal);
            Assert.Equal(answer.Text.Length < plain.Answers[slot].Text.Length, steps.SkipLast(1).Any(step => step.Trim() == steps[^1].Trim() && step.Length > 30));
        }
    }

    [Fact]
    public void Any_of_several_delimiters_ends_a_step()
    {
        var rule = Sentences with { Delimiters = [".", ",", "\n"] };
        var drawn = engine.Generate([Request(Filter(6, threshold: 0), prompt) with { Steps = rule }], rewards, Decode, [2]).Single();
        Assert.Equal(Draw(Filter(6, threshold: 0)).Answers.Select(answer => answer.Text), drawn.Answers.Select(answer => answer.Text));
        Assert.All(drawn.Particles.Zip(drawn.Answers), pair => Assert.All(
            Steps(pair.First, pair.Second.Text).SkipLast(1), step => Assert.True(step.IndexOfAny(['.', ',', '\n']) >= step.Length - 2)));
        Assert.Contains(drawn.Particles.Zip(drawn.Answers), pair => Steps(pair.First, pair.Second.Text).Any(step => step.EndsWith(',')));
    }

    [Fact]
    public void A_population_with_stops_resumed_after_any_round_ends_with_the_same_bytes()
    {
        var rule = Sentences with { Stop = ["happy", " play"], StopOnRepeat = true };
        PopulationRequest Asked(ParticleFilter filter) => Request(filter, prompt) with { Steps = rule };
        var rounds = new List<PopulationRound>();
        var whole = engine.Generate([Asked(Filter(8, threshold: 0.6))], rewards, Decode, [2], (_, round) => rounds.Add(round)).Single();
        Assert.Contains(rounds.SkipLast(1), round => round.Particles.Any(particle => particle.End == FinishReason.Stop) && round.Particles.Any(particle => particle.End is null));
        foreach (var round in rounds.SkipLast(1))
        {
            var resumed = Asked(ParticleFilter.Resume(OptionsOf(8, threshold: 0.6), 1, round.State)) with { Resumed = round };
            Assert.Equal(Bytes(whole), Bytes(engine.Generate([resumed], rewards, Decode, [2]).Single()));
        }
    }

    [Fact]
    public void A_path_that_a_stop_text_ended_is_followed_to_the_same_end()
    {
        var rule = Sentences with { Stop = ["happy", " big"] };
        var first = engine.Generate([Request(Filter(8, threshold: 0), prompt) with { Steps = rule }], rewards, Decode, [2]).Single();
        var path = first.Answers.Index().First(item => item.Item.Text.Contains(" big", StringComparison.Ordinal) || item.Item.Text.Contains("happy", StringComparison.Ordinal)).Index;
        var outcomes = ((ParticleFilter)first.Request.Population).Result.Particles[path].Path;
        var conditional = new ParticleFilter(OptionsOf(6, threshold: 1), 5, outcomes);
        var second = engine.Generate([Request(conditional, prompt) with { Steps = rule, Reference = first.Particles[path] }], rewards, Decode, [2]).Single();
        var (followed, follower) = (first.Particles[path], second.Particles[0]);
        Assert.Equal(followed.Ids, follower.Ids);
        Assert.Equal(followed.StepEnds, follower.StepEnds);
        Assert.Equal(followed.Rewards, follower.Rewards);
        Assert.Equal(first.Answers[path].Text, second.Answers[0].Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_search_writes_its_answers_to_their_end_after_the_last_step(bool trees)
    {
        var options = new SearchOptions(8, Width: 4, MaxSteps: 2);
        IPopulation search = trees ? new DiverseTreeSearch(options) : new BeamSearch(options);
        var rule = Sentences with { Stop = [" big"] };
        var answers = engine.Generate([Request(search, prompt) with { Steps = rule }], rewards, Decode, [2]).Single();
        var hypotheses = trees ? ((DiverseTreeSearch)search).Hypotheses : ((BeamSearch)search).Hypotheses;
        Assert.True(hypotheses.Count >= 8 && search.Round > 2);
        Assert.All(hypotheses, hypothesis => Assert.True(hypothesis.IsComplete));
        var ended = hypotheses.Select(hypothesis => answers.Ended[(hypothesis.Round, hypothesis.Slot)]).ToList();
        Assert.All(ended, answer => Assert.True(
            answer.Ids[^1] == 2 || answer.Ids.Count == Sampling.MaxTokens || answer.Text.Split('.', StringSplitOptions.RemoveEmptyEntries)[^1].Contains(" big", StringComparison.Ordinal)));
        Assert.All(answers.Particles, particle => Assert.Equal(particle.StepEnds.Count, particle.Rewards.Count));
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
