using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>A problem's answers that are to be drawn together, and how far they have come.</summary>
internal sealed class PopulationDrawing
{
    private readonly PopulationMethod method;
    private readonly ParticleChains? chains;
    private readonly IPopulation? search;
    private readonly PopulationAnswers?[] drawn;
    private readonly PopulationRound?[] rounds;
    private ParticleText?[] references;
    private long drawnTokens;
    private long rewardTokens;

    /// <param name="evaluation">Which asks for them.</param>
    /// <param name="method">How they are drawn.</param>
    /// <param name="scoresSteps">Whether the reward model scores single steps; null without one.</param>
    /// <param name="seed">Of everything but tokens.</param>
    /// <param name="stored">How far another worker came; null to begin.</param>
    public PopulationDrawing(Evaluation evaluation, PopulationMethod method, bool? scoresSteps, ulong seed, PopulationProgress? stored)
    {
        var spec = evaluation.Spec.Particles!;
        this.method = method;
        var options = method.Options(spec, scoresSteps);
        (ScoresWhole, LooksAhead) = (method.ScoresWhole(spec, scoresSteps), spec.LookAhead && method.Kind is (PopulationKind.ParticleFilter or PopulationKind.EntropicFilter));
        drawn = new PopulationAnswers?[method.Chains];
        rounds = new PopulationRound?[method.Chains];
        references = new ParticleText?[method.Chains];
        double[] temperatures = method.Kind == PopulationKind.ParallelTempering
            ? [.. Enumerable.Range(0, method.Chains).Select(chain => Math.Pow(2, method.Chains - 1 - chain))]
            : [.. Enumerable.Repeat(1.0, method.Chains)];
        var searchOptions = new SearchOptions(method.Particles, Math.Min(PopulationMethod.SearchWidth, method.Particles), spec.MaxSteps, options.Potential.Score);
        search = method.Kind switch
        {
            PopulationKind.BeamSearch => new BeamSearch(searchOptions),
            PopulationKind.DiverseTreeSearch => new DiverseTreeSearch(searchOptions),
            _ => null,
        };
        if (search is not null)
        {
            return;
        }

        if (stored is null)
        {
            chains = new ParticleChains(options, seed, method.Iterations, temperatures);
            return;
        }

        chains = ParticleChains.Resume(options, seed, stored.Chains, method.Iterations, temperatures);
        (references, rounds, drawnTokens, rewardTokens) = ([.. stored.References], [.. stored.Rounds], stored.DrawnTokens, stored.RewardTokens);
    }

    /// <summary>Whether the reward model is shown the whole answer so far as one step.</summary>
    public bool ScoresWhole { get; }

    private bool LooksAhead { get; }

    /// <summary>What is to be drawn now: the population of each chain that is not finished in this iteration.</summary>
    public IEnumerable<PopulationRequest> Requests(IReadOnlyList<int> promptIds, Decoding decoding, StepRule steps, RewardPrompt? conversation, int? adapter)
    {
        for (var chain = 0; chain < method.Chains; chain++)
        {
            if (drawn[chain] is null)
            {
                yield return new PopulationRequest(promptIds, search ?? chains!.Filters[chain], decoding, steps)
                {
                    Conversation = conversation,
                    ScoresWhole = ScoresWhole,
                    LooksAhead = LooksAhead,
                    FirstSample = chain * method.Particles,
                    Reference = references[chain],
                    Resumed = rounds[chain],
                    Adapter = adapter,
                    Tag = (this, chain),
                };
            }
        }
    }

    /// <summary>Remembers a round, so that another worker can go on from it.</summary>
    /// <returns>All that is to be stored; null for what is always drawn anew.</returns>
    public PopulationProgress? Remember(int chain, PopulationRound round)
    {
        rounds[chain] = round;
        // Of a population that has not finished its first round nothing is known, and it begins anew.
        return chains is null ? null : new PopulationProgress(chains.State, [.. references], [.. rounds], drawnTokens, rewardTokens);
    }

    /// <summary>Takes a chain's answers.</summary>
    /// <returns>Whether the iteration is over.</returns>
    public bool Take(int chain, PopulationAnswers answers)
    {
        drawn[chain] = answers;
        return drawn.All(one => one is not null);
    }

    /// <summary>Begins the next iteration.</summary>
    /// <returns>False where there is none: all answers are there.</returns>
    public bool Next()
    {
        (drawnTokens, rewardTokens) = (drawnTokens + drawn.Sum(one => one!.DrawnTokens), rewardTokens + drawn.Sum(one => one!.RewardTokens));
        if (chains is null || chains.IsFinished)
        {
            return false;
        }

        var origins = chains.Next();
        references = [.. origins.Select(origin => origin is { } path ? drawn[path.Chain]!.Particles[path.Slot] : null)];
        Array.Clear(drawn);
        Array.Clear(rounds);
        return true;
    }

    /// <summary>The answers of the last iteration, by chain and slot.</summary>
    public List<Answer> Answers(AnswerSource source, string prompt, ulong decodingSeed, string device)
    {
        var population = new Population(
            drawnTokens, rewardTokens,
            [.. chains?.Filters.Select(filter => filter.Result).Select(result => new PopulationChain(
                Finite(result.LogEvidence),
                [.. result.Steps.Select(step => new PopulationStep(
                    step.EffectiveSampleSize, step.IsResampled, step.Lineages, step.Ancestors, [.. step.LogWeights.Select(log => Finite(Math.Exp(log)) ?? 0)], Finite(step.LogEvidence)))])) ?? []]);
        var answers = (search is null ? Weighted() : Found()).Select((item, sample) => new Answer(
            source.Weights, source.Decoding, prompt, sample, decodingSeed, item.Answer.Ids, item.Answer.Text, item.Answer.LogProbability, item.Answer.FinishReason, device)
        {
            Particle = new StoredParticle(item.Weight, item.Score, item.StepEnds),
            Rewards = item.Rewards,
            Failure = item.Failure,
            Population = sample == 0 ? population : null,
        });
        return [.. answers];
    }

    private IEnumerable<Member> Weighted()
    {
        var results = chains!.Filters.Select(filter => filter.Result).ToList();
        // Evidence weighs islands. After the first iteration it is none, and chains of one temperature weigh alike; of several only the coldest counts.
        var pooled = results.All(result => !result.IsConditional) && method.Kind != PopulationKind.ParallelTempering
            ? FilterResult.Pool(results)
            : [.. results.Select((result, chain) => (IReadOnlyList<double>)[.. result.Particles.Select(particle =>
                particle.LogWeight + (method.Kind == PopulationKind.ParallelTempering
                    ? chain == results.Count - 1 ? 0 : double.NegativeInfinity
                    : -Math.Log(results.Count)))])];
        for (var chain = 0; chain < results.Count; chain++)
        {
            for (var slot = 0; slot < method.Particles; slot++)
            {
                var text = drawn[chain]!.Particles[slot];
                yield return new Member(
                    drawn[chain]!.Answers[slot], Math.Exp(pooled[chain][slot]) is var weight && double.IsFinite(weight) ? weight : 0, results[chain].Particles[slot].Score,
                    text.StepEnds, Probabilities(text), text.Failure);
            }
        }
    }

    /// <summary>The best answers that a search put aside; where they are fewer than its slots, what stands in the slots, which is never chosen.</summary>
    private IEnumerable<Member> Found()
    {
        var answers = drawn[0]!;
        var hypotheses = search is BeamSearch beam ? beam.Hypotheses : ((DiverseTreeSearch)search!).Hypotheses;
        var found = hypotheses.OrderByDescending(hypothesis => hypothesis.Score).Take(method.Particles)
            .Select(hypothesis => (
                Answer: answers.Ended.TryGetValue((hypothesis.Round, hypothesis.Slot), out var ended) ? ended : answers.Answers[hypothesis.Slot], hypothesis.Score)).ToList();
        return found.Select(item => new Member(item.Answer, 1.0 / found.Count, item.Score, [], Rewards: null, Failure: null))
            .Concat(answers.Answers.Zip(answers.Particles).Take(method.Particles - found.Count)
                .Select(slot => new Member(slot.First, Weight: 0, Score: 0, [], Rewards: null, slot.Second.Failure)));
    }

    private sealed record Member(
        Completion Answer, double Weight, double Score, IReadOnlyList<int> StepEnds, IReadOnlyList<double>? Rewards, string? Failure);

    private static double? Finite(double log) => double.IsFinite(log) ? log : null;

    private static IReadOnlyList<double>? Probabilities(ParticleText text) => text.Rewards.Count == 0 ? null : [.. text.Rewards.Select(reward => reward.Probability)];
}

/// <summary>How far a problem's populations have come: what a worker stores after rounds, so that another can go on.</summary>
/// <param name="Chains">Their state.</param>
/// <param name="References">The path that each chain follows in this iteration.</param>
/// <param name="Rounds">What each chain held after its last round.</param>
/// <param name="DrawnTokens">Tokens drawn in earlier iterations.</param>
/// <param name="RewardTokens">Tokens the reward model read in them.</param>
internal sealed record PopulationProgress(
    ParticleChainsState Chains, IReadOnlyList<ParticleText?> References, IReadOnlyList<PopulationRound?> Rounds, long DrawnTokens, long RewardTokens);
