namespace Hindsight.Generation;

/// <summary>
/// Diverse verifier tree search: n / m trees that know nothing of each other. In every round a tree extends its prefix in m ways and goes on
/// with the best; when the best one ended, its m leaves are the tree's answers (Beeching et al., "Scaling test-time compute with open models",
/// 2024). A baseline without a target, as beam search.
/// </summary>
public sealed class DiverseTreeSearch : IPopulation
{
    private readonly SearchOptions options;
    private readonly double?[] scores;
    private readonly bool[] ended;
    private readonly List<IReadOnlyList<StepOutcome>> rounds = [];
    private readonly List<Hypothesis> hypotheses = [];

    /// <exception cref="InvalidDataException">An option is out of its range.</exception>
    public DiverseTreeSearch(SearchOptions options)
    {
        options.Validate();
        this.options = options;
        scores = new double?[options.Slots];
        ended = new bool[options.Slots / options.Width];
    }

    public int Slots => options.Slots;

    public int Round => rounds.Count;

    public int Epoch => Round;

    public bool IsFinished => ended.All(done => done);

    public PopulationState State => new([.. rounds]);

    /// <summary>The leaves of the trees that ended, in the order of rounds and slots; their slots are left as they are.</summary>
    public IReadOnlyList<Hypothesis> Hypotheses => hypotheses;

    /// <summary>The search that <see cref="State"/> was taken from.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such a search.</exception>
    public static DiverseTreeSearch Resume(SearchOptions options, PopulationState state) => state.Replay(new DiverseTreeSearch(options));

    public bool IsExtended(int slot) => !ended[slot / options.Width];

    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes)
    {
        var extended = PopulationState.Extended(this, outcomes);
        var grown = new double[Slots];
        for (var slot = 0; slot < Slots; slot++)
        {
            grown[slot] = !IsExtended(slot) || outcomes[slot].IsFailed ? 0 : options.PrefixScore.After(scores[slot], outcomes[slot].Score);
        }

        int[] ancestors = [.. Enumerable.Range(0, Slots)];
        for (var tree = 0; tree < ended.Length; tree++)
        {
            if (ended[tree])
            {
                continue;
            }

            var leaves = new List<int>();
            for (var slot = tree * options.Width; slot < (tree + 1) * options.Width; slot++)
            {
                if (!outcomes[slot].IsFailed)
                {
                    leaves.Add(slot);
                }
            }

            // The first of equals; none where every leaf failed.
            var best = leaves.Count == 0 ? -1 : leaves.MaxBy(slot => grown[slot]);
            ended[tree] = best < 0 || outcomes[best].IsFinished || Round + 1 == options.MaxSteps;
            if (ended[tree])
            {
                foreach (var slot in leaves)
                {
                    hypotheses.Add(new Hypothesis(Round, slot, grown[slot], outcomes[slot].IsFinished));
                }

                continue;
            }

            for (var slot = tree * options.Width; slot < (tree + 1) * options.Width; slot++)
            {
                ancestors[slot] = best;
                scores[slot] = grown[best];
            }
        }

        rounds.Add(extended);
        return ancestors;
    }
}
