namespace Hindsight.Generation;

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
        foreach (var round in Rounds ?? [null!])
        {
            var extended = population.IsFinished ? 0 : Enumerable.Range(0, population.Slots).Count(population.IsExtended);
            if (population.IsFinished || round?.Count != extended)
            {
                throw new InvalidDataException(
                    $"The stored state of a population has {round?.Count ?? 0} outcomes in round {population.Round + 1}, where {extended} belong; delete "
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
