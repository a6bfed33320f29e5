namespace Hindsight.Generation;

/// <summary>An answer that a search puts aside.</summary>
/// <param name="Round">The round, from 0, after which its text stood in the slot, before slots were replaced.</param>
/// <param name="Slot">That slot.</param>
/// <param name="Score">The score of the whole of it.</param>
/// <param name="IsComplete">It ended; otherwise it was a leaf beside one that did.</param>
public sealed record Hypothesis(int Round, int Slot, double Score, bool IsComplete);
