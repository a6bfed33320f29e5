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
