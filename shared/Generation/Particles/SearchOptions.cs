namespace Hindsight.Generation;

/// <summary>How a search over steps works.</summary>
/// <param name="Slots">n, the number of prefixes extended in each round.</param>
/// <param name="Width">m, how many continuations a prefix gets; n is a multiple of it.</param>
/// <param name="MaxSteps">The most steps an answer takes.</param>
/// <param name="Score">How step scores become a prefix's score.</param>
public sealed record SearchOptions(int Slots, int Width = 4, int MaxSteps = 40, PrefixScore? Score = null)
{
    internal PrefixScore PrefixScore => Score ?? new PrefixScore();

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
