namespace Hindsight.Generation;

/// <summary>A population, the texts in its slots, and where they are.</summary>
internal sealed class GrowingPopulation
{
    private readonly RandomStream stream;

    public GrowingPopulation(PopulationRequest request)
    {
        Request = request;
        stream = new RandomStream(request.Decoding.Seed, request.PromptIds);
        IsResumed = request.Resumed is not null;
        RewardRows = new int[Slots];
        Outcomes = new StepOutcome[Slots];
        var generation = new GenerationRequest(
            request.PromptIds, [.. Enumerable.Range(request.FirstSample, Slots)], request.Decoding, request.Tag, request.Adapter);
        Answers =
        [
            .. Enumerable.Range(0, Slots).Select(slot => new GrowingAnswer(new Row(generation, request.FirstSample + slot, StreamOf(slot))
            {
                Known = KnownText(slot) is { } text ? [.. text.Ids.Zip(text.LogProbabilities, (id, log) => (id, (double)log))] : [],
            })),
        ];
        DrawnTokens = request.Resumed?.DrawnTokens ?? 0;
    }

    public PopulationRequest Request { get; }

    public IPopulation Population => Request.Population;

    public int Slots => Population.Slots;

    public GrowingAnswer[] Answers { get; }

    /// <summary>The reward model's row of each slot.</summary>
    public int[] RewardRows { get; }

    /// <summary>What the steps of this round came to.</summary>
    public StepOutcome[] Outcomes { get; }

    public Dictionary<(int Round, int Slot), Completion> Ended { get; } = [];

    /// <summary>Its known texts are still being read back.</summary>
    public bool IsResumed { get; private set; }

    public long DrawnTokens { get; set; }

    public long RewardTokens { get; set; }

    public RandomStream StreamOf(int slot) => stream.OfSample(Request.FirstSample + slot, Population.Epoch);

    /// <summary>Whether a slot that ended a step has to go on to where the population was resumed.</summary>
    public bool IsReplaying(int slot) => IsResumed && Answers[slot].Row.Ids.Count < Request.Resumed!.Particles[slot].Ids.Count;

    /// <summary>When all stand again where the round was done at which the population was resumed.</summary>
    public void EndReplay()
    {
        IsResumed = false;
        RewardTokens = Request.Resumed!.RewardTokens;
        foreach (var (answer, text) in Answers.Zip(Request.Resumed.Particles))
        {
            answer.Row.LogProbability = text.LogProbability;
        }
    }

    /// <summary>Begins the next round: those that are extended go on, and a reference that has more steps.</summary>
    public void GoOn()
    {
        for (var slot = 0; slot < Slots; slot++)
        {
            var answer = Answers[slot];
            answer.Row.Waits = !Population.IsExtended(slot) && (slot > 0 || Request.Reference is null || answer.Answer is not null);
        }
    }

    private ParticleText? KnownText(int slot) => (slot == 0 ? Request.Reference : null) ?? Request.Resumed?.Particles[slot];
}
