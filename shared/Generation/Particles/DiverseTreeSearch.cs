namespace Hindsight.Generation;

/// <summary>
/// Diverse verifier tree search: n / m trees that know nothing of each other. In every round a tree extends its prefix in m ways and goes on
/// with the best; when the best one ended, its m leaves are the tree's answers (Beeching et al., "Scaling test-time compute with open models",
/// 2024). The leaves of a tree that has not ended by the last step go on to their own ends. A baseline without a target, as beam search.
/// </summary>
public sealed class DiverseTreeSearch : IPopulation
{
    private readonly SearchOptions options;
    private readonly double?[] scores;
    private readonly bool[] done;
    private readonly List<IReadOnlyList<StepOutcome>> rounds = [];
    private readonly List<Hypothesis> hypotheses = [];

    /// <exception cref="InvalidDataException">An option is out of its range.</exception>
    public DiverseTreeSearch(SearchOptions options)
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

    /// <summary>The leaves of the trees that ended, in the order of rounds and slots; their slots are left as they are.</summary>
    public IReadOnlyList<Hypothesis> Hypotheses => hypotheses;

    /// <summary>The search that <see cref="State"/> was taken from.</summary>
    /// <exception cref="InvalidDataException">The state is not one of such a search.</exception>
    public static DiverseTreeSearch Resume(SearchOptions options, PopulationState state) => state.Replay(new DiverseTreeSearch(options));

    public bool IsExtended(int slot) => !done[slot];

    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes)
    {
        var extended = PopulationState.Extended(this, outcomes);
        var (grown, steps) = (options.Grown(this, scores, outcomes), outcomes.ToArray());
        int[] ancestors = [.. Enumerable.Range(0, Slots)];
        var isLast = Round + 1 >= options.MaxSteps;
        for (var first = 0; first < Slots; first += options.Width)
        {
            var tree = Enumerable.Range(first, options.Width).Where(IsExtended).ToList();
            var leaves = tree.Where(slot => !steps[slot].IsFailed).ToList();
            // The first of equals; none where every leaf failed.
            var best = leaves.Count == 0 ? -1 : leaves.MaxBy(slot => grown[slot]);
            if (!isLast && best >= 0 && !steps[best].IsFinished)
            {
                foreach (var slot in tree)
                {
                    (ancestors[slot], scores[slot]) = (best, grown[best]);
                }

                continue;
            }

            foreach (var slot in tree)
            {
                scores[slot] = grown[slot];
                done[slot] = !isLast || steps[slot].IsFinished || steps[slot].IsFailed;
                if (done[slot] && !steps[slot].IsFailed)
                {
                    hypotheses.Add(new Hypothesis(Round, slot, grown[slot], steps[slot].IsFinished));
                }
            }
        }

        rounds.Add(extended);
        return ancestors;
    }
}
