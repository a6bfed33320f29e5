using Hindsight.Models;

namespace Hindsight.Generation;

/// <summary>
/// A reward model that scores many growing answers, each in a row of its own whose keys and values are kept: what was read of an answer
/// is not read again. The weights must outlive it.
/// </summary>
public sealed class RewardModel : IDisposable
{
    private readonly DecodingBatch batch;
    private readonly RewardText text;
    private readonly int label;

    /// <param name="weights">A checkpoint with a reward head.</param>
    /// <param name="text">How it reads.</param>
    /// <param name="rows">Answers at once.</param>
    /// <param name="options">Most tokens of a conversation with its answer, threads, device.</param>
    /// <param name="label">Of several labels the one that means good; null for the last.</param>
    /// <exception cref="InvalidDataException">The model has no reward head or not that label, or the device cannot compute it.</exception>
    public RewardModel(Weights weights, RewardText text, int rows, EngineOptions options, int? label = null)
    {
        if (weights.Config.Reward is not { } head)
        {
            throw new InvalidDataException($"A model of the architecture {weights.Config.Architecture} draws answers; it is no reward model.");
        }

        options.Check(weights.Precision);
        (this.text, this.label) = (text, LabelOf(head, label));
        batch = new DecodingBatch(weights, rows, Math.Min(options.MaxLength, weights.Config.MaxPositions), options.Threads, stack: null, options.Device);
    }

    /// <summary>How it reads.</summary>
    public RewardText Text => text;

    /// <summary>Answers at once.</summary>
    public int Rows => batch.Rows;

    /// <summary>Tokens that were read.</summary>
    public long Tokens { get; private set; }

    /// <summary>Most tokens of a conversation with its answer.</summary>
    public int MaxLength => batch.MaxLength;

    /// <summary>Which label means good: the one named, or the last.</summary>
    /// <exception cref="InvalidDataException">The head has no such label.</exception>
    public static int LabelOf(RewardHead head, int? label) => label is < 0 || label >= head.Labels
        ? throw new InvalidDataException($"rewardModel.label is {label}, and it has the labels 0 to {head.Labels - 1}.")
        : label ?? head.Labels - 1;

    /// <summary>Reads a conversation into a row, for the answers to it.</summary>
    /// <exception cref="InvalidDataException">It is too long for the model.</exception>
    public void Begin(int row, RewardPrompt prompt)
    {
        var ids = text.Write(prompt);
        if (ids.Count >= MaxLength)
        {
            throw new InvalidDataException($"To the reward model the problem has {ids.Count} tokens, and it has room for {MaxLength} with an answer.");
        }

        // What a row held before must not decide in which pieces it is read: the bits of all later scores would depend on it.
        batch.Truncate(row, 0);
        Hold(row, ids);
    }

    /// <summary>How many tokens an answer so far has with its problem, as the model reads it.</summary>
    public static int Length(RewardText text, RewardPrompt prompt, IReadOnlyList<string> steps) => text.Write(prompt, steps).Count;

    /// <summary>Scores an answer so far: of a process reward model its newest step, else the whole.</summary>
    /// <param name="row">Where the conversation, or the answer up to an earlier step, was read.</param>
    /// <param name="prompt">All turns before the answer.</param>
    /// <param name="steps">The answer so far. At least one step.</param>
    /// <exception cref="InvalidDataException">It is too long for the model.</exception>
    public Reward Score(int row, RewardPrompt prompt, IReadOnlyList<string> steps)
    {
        ArgumentOutOfRangeException.ThrowIfZero(steps.Count);
        var ids = text.Write(prompt, steps);
        if (ids.Count > MaxLength)
        {
            throw new InvalidDataException($"To the reward model the answer has {ids.Count} tokens with its problem, and it has room for {MaxLength}.");
        }

        Hold(row, ids);
        return Reward.Of(batch.Logits(row), label);
    }

    /// <summary>Makes a row hold what another holds.</summary>
    public void Fork(int from, int to) => batch.Fork(from, to);

    /// <inheritdoc />
    public void Dispose() => batch.Dispose();

    /// <summary>
    /// Makes a row hold these ids, of which only those are read that come behind the first that differs. The last one is always read: its
    /// outputs are wanted.
    /// </summary>
    private void Hold(int row, IReadOnlyList<int> ids)
    {
        var (held, same) = (batch.Sequence(row), 0);
        while (same < Math.Min(held.Count, ids.Count - 1) && held[same] == ids[same])
        {
            same++;
        }

        batch.Truncate(row, same);
        batch.Append(row, [.. ids.Skip(same)]);
        Tokens += ids.Count - same;
    }
}
