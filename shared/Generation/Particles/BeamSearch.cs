namespace Hindsight.Generation;

/// <summary>
/// Beam search over steps: in every round all n prefixes are extended, those that ended are put aside, and the best n / m of the others take all
/// slots (Snell et al., "Scaling LLM test-time compute optimally", 2024). Prefixes that have not ended by the last step go on to their end without
/// another choice. It looks for the best score and has no target: it is a baseline.
/// </summary>
public sealed class BeamSearch : IPopulation
{
    private readonly SearchOptions options;
    private readonly double?[] scores;
    private readonly bool[] done;
    private readonly List<IReadOnlyList<StepOutcome>> rounds = [];
    private readonly List<Hypothesis> hypotheses = [];

    /// <exception cref="InvalidDataException">An option is out of its range.</exception>
    public BeamSearch(SearchOptions options)
    {
        options.Validate();
        this.options = options;
        scores = new double?[options.Slots];
        done = new bool[options.Slots];
    }

    public int Slots => options.Slots;

    public int Round => rounds.Count;

    public int Epoch => Math.Min(Round, options.MaxSteps - 1);

    public bool IsFinished => done.All(slot => slot);

    public PopulationState State => new([.. rounds]);

    /// <summary>The answers put aside, in the order of rounds and slots. Whoever drives the search keeps their texts.</summary>
    public IReadOnlyList<Hypothesis> Hypotheses => hypotheses;

    /// <summary>The search that <see cref="State"/> was taken from.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such a search.</exception>
    public static BeamSearch Resume(SearchOptions options, PopulationState state) => state.Replay(new BeamSearch(options));

    public bool IsExtended(int slot) => !done[slot];

    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes)
    {
        var extended = PopulationState.Extended(this, outcomes);
        var grown = options.Grown(this, scores, outcomes);
        var growing = new List<int>();
        for (var slot = 0; slot < Slots; slot++)
        {
            if (done[slot])
            {
                continue;
            }

            var outcome = outcomes[slot];
            done[slot] = outcome.IsFinished || outcome.IsFailed;
            if (!done[slot])
            {
                growing.Add(slot);
            }
            else if (!outcome.IsFailed)
            {
                hypotheses.Add(new Hypothesis(Round, slot, grown[slot], IsComplete: true));
            }
        }

        rounds.Add(extended);
        IReadOnlyList<int> ancestors = [.. Enumerable.Range(0, Slots)];
        if (growing.Count > 0 && Round < options.MaxSteps)
        {
            int[] kept = [.. growing.OrderByDescending(slot => grown[slot]).Take(Slots / options.Width)];
            var offspring = new int[Slots];
            for (var i = 0; i < Slots; i++)
            {
                offspring[kept[i % kept.Length]]++;
            }

            ancestors = Resampling.Ancestors(offspring);
            Array.Clear(done);
        }

        for (var slot = 0; slot < Slots; slot++)
        {
            scores[slot] = grown[ancestors[slot]];
        }

        return ancestors;
    }
}
