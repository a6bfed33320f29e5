namespace Hindsight.Generation;

/// <summary>
/// Beam search over steps: in every round all n prefixes are extended, those that ended are put aside, and the best n / m of the others take all
/// slots (Snell et al., "Scaling LLM test-time compute optimally", 2024). It looks for the best score and has no target: it is a baseline.
/// </summary>
public sealed class BeamSearch : IPopulation
{
    private readonly SearchOptions options;
    private readonly double?[] scores;
    private readonly List<IReadOnlyList<StepOutcome>> rounds = [];
    private readonly List<Hypothesis> hypotheses = [];
    private bool isStarved;

    /// <exception cref="InvalidDataException">An option is out of its range.</exception>
    public BeamSearch(SearchOptions options)
    {
        options.Validate();
        this.options = options;
        scores = new double?[options.Slots];
    }

    public int Slots => options.Slots;

    public int Round => rounds.Count;

    public int Epoch => Round;

    public bool IsFinished => isStarved || Round == options.MaxSteps;

    public PopulationState State => new([.. rounds]);

    /// <summary>The answers put aside, in the order of rounds and slots. Whoever drives the search keeps their texts.</summary>
    public IReadOnlyList<Hypothesis> Hypotheses => hypotheses;

    /// <summary>The search that <see cref="State"/> was taken from.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such a search.</exception>
    public static BeamSearch Resume(SearchOptions options, PopulationState state) => state.Replay(new BeamSearch(options));

    public bool IsExtended(int slot) => !IsFinished;

    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes)
    {
        var extended = PopulationState.Extended(this, outcomes);
        var grown = extended.Select((outcome, slot) => outcome.IsFailed ? 0 : options.PrefixScore.After(scores[slot], outcome.Score)).ToArray();
        var isLast = Round + 1 == options.MaxSteps;
        var growing = new List<int>();
        for (var slot = 0; slot < Slots; slot++)
        {
            if (extended[slot].IsFailed)
            {
                continue;
            }

            if (extended[slot].IsFinished || isLast)
            {
                hypotheses.Add(new Hypothesis(Round, slot, grown[slot], extended[slot].IsFinished));
            }
            else
            {
                growing.Add(slot);
            }
        }

        rounds.Add(extended);
        isStarved = growing.Count == 0;
        if (isStarved)
        {
            return [.. Enumerable.Range(0, Slots)];
        }

        int[] kept = [.. growing.OrderByDescending(slot => grown[slot]).Take(Slots / options.Width)];
        var offspring = new int[Slots];
        for (var i = 0; i < Slots; i++)
        {
            offspring[kept[i % kept.Length]]++;
        }

        var ancestors = Resampling.Ancestors(offspring);
        for (var slot = 0; slot < Slots; slot++)
        {
            scores[slot] = grown[ancestors[slot]];
        }

        return ancestors;
    }
}
