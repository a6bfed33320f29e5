namespace Hindsight.Scoring;

/// <summary>What became of one problem on the way, by greedy answers.</summary>
/// <param name="Forgets">Steps at which it went from right to wrong.</param>
/// <param name="Improves">Steps at which it went from wrong to right.</param>
/// <param name="FirstCorrect">Index of the first checkpoint that solves it; null for none.</param>
/// <param name="LastCorrect">Index of the last checkpoint that solves it; null for none.</param>
/// <param name="Lost">Solved by some checkpoint, wrong at the last.</param>
/// <param name="Recovered">Forgotten on the way, and right at the last again.</param>
public sealed record ProblemHistory(int Forgets, int Improves, int? FirstCorrect, int? LastCorrect, bool Lost, bool Recovered)
{
    internal static ProblemHistory Of(IReadOnlyList<bool> correct)
    {
        int forgets = 0, improves = 0;
        int? first = null, last = null;
        for (var j = 0; j < correct.Count; j++)
        {
            forgets += j > 0 && correct[j - 1] && !correct[j] ? 1 : 0;
            improves += j > 0 && !correct[j - 1] && correct[j] ? 1 : 0;
            first ??= correct[j] ? j : null;
            last = correct[j] ? j : last;
        }

        return new(forgets, improves, first, last, first is not null && !correct[^1], forgets > 0 && correct[^1]);
    }
}
