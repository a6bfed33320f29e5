using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>The reward model that <c>evaluation.json</c> names (<c>rewardModel</c>), and how answers are shown to it.</summary>
public sealed record RewardModelSpec
{
    /// <summary>Its folder in <c>models/</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Of a process reward model the token behind each step. Default <c>&lt;extra_0&gt;</c>.</summary>
    public string? Separator { get; init; }

    /// <summary>Of several labels the one that means good, from 0. Default the last.</summary>
    public int? Label { get; init; }

    /// <summary>What ends a step of an answer. Default an empty line.</summary>
    public string Delimiter { get; init; } = "\n\n";

    /// <summary>
    /// How a process reward model's step scores become an answer's: <c>last</c>, <c>product</c>, <c>minimum</c>, or <c>model</c>, where it
    /// scores the whole answer as one step. Default last.
    /// </summary>
    public Aggregation Aggregation { get; init; }

    /// <summary>The first field that has an impossible value, and its rule; null when all are possible.</summary>
    internal (string Field, string Rule)? Mistake =>
        Name is null || !Names.IsSafe(Name) ? ("rewardModel.name", "must be the plain name of a folder in models, such as 'prm'")
        : Separator is { Length: 0 or > 64 } ? ("rewardModel.separator", "must be a text of 1 to 64 characters")
        : Label is < 0 or > 1023 ? ("rewardModel.label", "must be between 0 and 1023")
        : Delimiter is not { Length: > 0 and <= 256 } ? ("rewardModel.delimiter", "must be a text of 1 to 256 characters")
        : null;
}
