namespace Hindsight.Generation;

/// <summary>
/// Partial answers that grow step by step. The population decides, whoever drives it holds the text: in every round it extends the slots
/// that are to be extended by one step, has them scored, tells the outcomes, and copies its texts as the ancestors say.
/// </summary>
public interface IPopulation
{
    public int Slots { get; }

    /// <summary>How many rounds are done.</summary>
    public int Round { get; }

    /// <summary>
    /// How often slots were replaced by copies. Tokens drawn in different epochs come from different random streams: a copy starts at a
    /// position for which its new slot may have used its numbers already, and must not use them again.
    /// </summary>
    public int Epoch { get; }

    public bool IsFinished { get; }

    /// <summary>Whether the slot takes one more step in this round.</summary>
    public bool IsExtended(int slot);

    /// <summary>Ends a round.</summary>
    /// <param name="outcomes">
    /// One for each slot; those of slots that were not extended are not looked at. There may be rounds that extend none, while a reference is
    /// longer than everything else.
    /// </param>
    /// <returns>For each slot the slot whose text, as it is after this step, it goes on with; itself where nothing changes.</returns>
    /// <exception cref="InvalidDataException">A score is outside its range. The population is as it was before.</exception>
    public IReadOnlyList<int> Advance(ReadOnlySpan<StepOutcome> outcomes);

    /// <summary>All that is needed to go on in another process.</summary>
    public PopulationState State { get; }
}

/// <summary>
/// The outcomes of the rounds so far, of extended slots only and in their order. Everything else about a population follows from them and
/// from what it was made with, so that nothing else is stored and nothing can disagree.
/// </summary>
public sealed record PopulationState(IReadOnlyList<IReadOnlyList<StepOutcome>> Rounds)
{
    /// <summary>The outcomes that matter in the round that the population is about to end.</summary>
    internal static StepOutcome[] Extended(IPopulation population, ReadOnlySpan<StepOutcome> outcomes)
    {
        if (population.IsFinished)
        {
            throw new InvalidOperationException("The population is finished; it has no further round.");
        }

        if (outcomes.Length != population.Slots)
        {
            throw new ArgumentException($"There are {outcomes.Length} outcomes for {population.Slots} slots.", nameof(outcomes));
        }

        var extended = new List<StepOutcome>();
        for (var slot = 0; slot < population.Slots; slot++)
        {
            if (population.IsExtended(slot))
            {
                extended.Add(outcomes[slot]);
            }
        }

        return [.. extended];
    }

    /// <summary>Brings a new population to this state.</summary>
    /// <exception cref="InvalidDataException">The rounds are not those of such a population.</exception>
    internal T Replay<T>(T population) where T : IPopulation
    {
        foreach (var round in Rounds)
        {
            var extended = population.IsFinished ? 0 : Enumerable.Range(0, population.Slots).Count(population.IsExtended);
            if (population.IsFinished || round.Count != extended)
            {
                throw new InvalidDataException(
                    $"The stored state of a population has {round.Count} outcomes in round {population.Round + 1}, where {extended} belong; delete "
                    + "it, and the population starts again.");
            }

            var outcomes = new StepOutcome[population.Slots];
            var next = 0;
            for (var slot = 0; slot < outcomes.Length; slot++)
            {
                if (population.IsExtended(slot))
                {
                    outcomes[slot] = round[next++];
                }
            }

            population.Advance(outcomes);
        }

        return population;
    }
}
