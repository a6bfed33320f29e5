namespace Hindsight.Generation;

/// <summary>Where a step of an answer ends: behind its delimiter, or after so many tokens.</summary>
public sealed record StepRule
{
    /// <summary>The text that ends a step; null where only tokens count.</summary>
    public string? Delimiter { get; init; } = "\n\n";

    /// <summary>Most tokens of a step.</summary>
    public int MostTokens { get; init; } = 1024;

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    public void Validate()
    {
        if (Delimiter is { Length: 0 or > 256 })
        {
            throw new InvalidDataException("The step delimiter must be a text of 1 to 256 characters, or left out.");
        }

        if (MostTokens < 1)
        {
            throw new InvalidDataException($"A step has at most {MostTokens} tokens; that must be a positive number.");
        }
    }
}
