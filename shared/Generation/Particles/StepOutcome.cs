namespace Hindsight.Generation;

/// <summary>What one step gave a particle.</summary>
/// <param name="Score">The reward of the step or of the whole prefix, as <see cref="Aggregation"/> asks, before any transform.</param>
/// <param name="IsFinished">The answer ended with this step.</param>
/// <param name="LookAhead">
/// The reward of a continuation by one more step, such as the greedy one: a guess of what the next step will score. It only steers
/// resampling; the weights make up for it, so that the target stays the same whatever the guess.
/// </param>
/// <param name="IsFailed">The step could not be drawn or scored. The particle ends with weight zero, the others go on.</param>
public readonly record struct StepOutcome(double Score, bool IsFinished, double? LookAhead = null, bool IsFailed = false)
{
    public static StepOutcome Failed => new(0, IsFinished: true, IsFailed: true);
}
