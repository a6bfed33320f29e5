using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>Draws the populations of a shard and stores each problem's answers as soon as they are there.</summary>
internal sealed class PopulationWorker(AnswerStore answers, TimeProvider clock, DecodingEngine engine, LoadedReward? reward)
{
    /// <summary>How often it is stored how far a problem has come: what a lost worker can cost, beside a step.</summary>
    private static readonly TimeSpan RoundsEvery = TimeSpan.FromSeconds(1);

    /// <returns>How many answers, and how many tokens were drawn for them.</returns>
    public async Task<(int Answers, long Tokens)> DrawAsync(
        Evaluation evaluation, IReadOnlyList<ShardWork> work, Func<Variant, int?> slotOf, CancellationToken cancellation)
    {
        var steps = evaluation.Spec.Particles!.Steps(evaluation.Spec.RewardModel);
        var begun = new Dictionary<PopulationDrawing, ShardWork>();
        foreach (var item in work)
        {
            var seed = Digest.Seed($"{item.Decoding.Seed}/{item.Prompt}/{item.Variant.Method!.Name}");
            var stored = await answers.ReadProgressAsync(item.Source, item.Prompt, cancellation);
            begun.Add(new PopulationDrawing(evaluation, item.Variant.Method, reward?.ScoresSteps, seed, stored), item);
        }

        IEnumerable<PopulationRequest> Requests(PopulationDrawing drawing, RewardPrompt? conversation) =>
            drawing.Requests(begun[drawing].PromptIds, begun[drawing].Decoding, steps, conversation, slotOf(begun[drawing].Variant));
        var waiting = new Queue<PopulationRequest>(
            begun.SelectMany(item => Requests(item.Key, reward?.Model.Text.Read(item.Value.Problem.Conversation))));
        var (answered, tokens) = (0, 0L);
        await DrawAndStore.RunAsync<(PopulationDrawing Drawing, List<Answer>? Answers, PopulationProgress? Progress)>(
            (emit, stop) => Draw(begun, waiting, Requests, emit, stop),
            async drawn =>
            {
                var item = begun[drawn.Drawing];
                if (drawn.Answers is not { } finished)
                {
                    await answers.WriteProgressAsync(item.Source, item.Prompt, drawn.Progress!, cancellation);
                    return;
                }

                await answers.WriteAsync(item.Source, item.Prompt, finished, cancellation);
                await answers.ForgetProgressAsync(item.Source, item.Prompt, cancellation);
                (answered, tokens) = (answered + finished.Count, tokens + finished[0].Population!.DrawnTokens);
            },
            cancellation);
        return (answered, tokens);
    }

    private void Draw(
        Dictionary<PopulationDrawing, ShardWork> begun, Queue<PopulationRequest> waiting,
        Func<PopulationDrawing, RewardPrompt?, IEnumerable<PopulationRequest>> requests,
        Action<(PopulationDrawing, List<Answer>?, PopulationProgress?)> emit, CancellationToken cancellation)
    {
        var text = begun.Values.First().Text;
        var written = new Dictionary<PopulationDrawing, long>();
        void RoundDone(PopulationRequest request, PopulationRound round)
        {
            var (drawing, chain) = ((PopulationDrawing, int))request.Tag!;
            if (drawing.Remember(chain, round) is { } progress && (!written.TryGetValue(drawing, out var last) || clock.GetElapsedTime(last) >= RoundsEvery))
            {
                written[drawing] = clock.GetTimestamp();
                emit((drawing, null, progress));
            }
        }

        // The next iteration's populations come when those of the one before are there.
        while (waiting.Count > 0)
        {
            foreach (var population in engine.Generate(Taken(waiting), reward?.Model, text.Decode, text.EosIds, RoundDone, cancellation))
            {
                var (drawing, chain) = ((PopulationDrawing, int))population.Request.Tag!;
                if (!drawing.Take(chain, population))
                {
                    continue;
                }

                if (drawing.Next())
                {
                    foreach (var request in requests(drawing, population.Request.Conversation))
                    {
                        waiting.Enqueue(request);
                    }

                    continue;
                }

                var item = begun[drawing];
                emit((drawing, drawing.Answers(item.Source, item.Prompt, item.Decoding.Seed, engine.ComputedOn), null));
            }
        }
    }

    private static IEnumerable<PopulationRequest> Taken(Queue<PopulationRequest> waiting)
    {
        while (waiting.TryDequeue(out var next))
        {
            yield return next;
        }
    }
}
