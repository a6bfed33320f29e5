namespace Hindsight.Generation;

/// <summary>How a search over steps works.</summary>
/// <param name="Slots">n, the number of prefixes extended in each round.</param>
/// <param name="Width">m, how many continuations a prefix gets; n is a multiple of it.</param>
/// <param name="MaxSteps">The steps that are chosen between, and the last that is not: after it answers go on to their ends, which whoever drives the search must let them reach.</param>
/// <param name="Score">How step scores become a prefix's score.</param>
public sealed record SearchOptions(int Slots, int Width = 4, int MaxSteps = 40, PrefixScore? Score = null)
{
    internal PrefixScore PrefixScore => Score ?? new PrefixScore();

    /// <summary>The scores of prefixes with the steps that were drawn; 0 where a step failed, and as they were where none was drawn.</summary>
    internal double[] Grown(IPopulation search, double?[] scores, ReadOnlySpan<StepOutcome> outcomes)
    {
        var grown = new double[search.Slots];
        for (var slot = 0; slot < grown.Length; slot++)
        {
            grown[slot] = !search.IsExtended(slot) ? scores[slot] ?? 0
                : outcomes[slot].IsFailed ? 0
                : PrefixScore.After(scores[slot], outcomes[slot].Score);
        }

        return grown;
    }

    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    public void Validate()
    {
        if (Slots < 1 || Width < 1 || Slots % Width != 0 || MaxSteps < 1)
        {
            throw new InvalidDataException(
                $"A search of {Slots} prefixes, width {Width} and {MaxSteps} steps cannot be; all must be 1 or more, and the prefixes a multiple "
                + "of the width.");
        }
    }
}
