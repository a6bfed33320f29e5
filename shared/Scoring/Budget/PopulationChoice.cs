namespace Hindsight.Scoring;

/// <summary>What the final choice from a population is worth. Weights count by their ratios alone; a member of weight 0 takes no part.</summary>
internal static class PopulationChoice
{
    /// <summary>Whether some member has a weight.</summary>
    public static bool HasAnswer(PopulationProblem population) => population.Members.Any(member => member.Weight > 0);

    /// <summary>The chance that the answer chosen is correct; 0 where there is none.</summary>
    /// <param name="population">The members.</param>
    /// <param name="choice">How one is chosen.</param>
    /// <param name="known">Normalised answers that were judged correct elsewhere; an answer is also correct if it was judged so of some member.</param>
    public static double Accuracy(PopulationProblem population, FinalChoice choice, IReadOnlySet<string> known)
    {
        var members = population.Members.Where(member => member.Weight > 0).ToList();
        return members.Count == 0 ? 0
            : choice switch
            {
                FinalChoice.HighestScore => BestOfN.Share([.. members.Select(member => ((double?)member.Score, IsCorrect(member)))]),
                FinalChoice.DrawnByWeight => DrawnByWeight(population),
                _ => Majority(members, known),
            };
    }

    /// <summary>The chance that an answer drawn by weight is correct; 0 where there is none.</summary>
    public static double DrawnByWeight(PopulationProblem population) => HasAnswer(population)
        ? population.Members.Sum(member => IsCorrect(member) ? member.Weight : 0) / population.Members.Sum(member => member.Weight)
        : 0;

    private static double Majority(List<PopulationMember> members, IReadOnlySet<string> known)
    {
        // A lookup has a place for null: no answer is a class.
        var classes = members.ToLookup(member => member.Answer.Answer, StringComparer.Ordinal);
        return WeightedMajority.Share(
            [.. classes.Select(votes => votes.Sum(member => member.Weight))],
            [.. classes.Select(votes => votes.Key is { } answer && (known.Contains(answer) || votes.Any(IsCorrect)))]);
    }

    private static bool IsCorrect(PopulationMember member) => member.Answer.Verdict == Verdict.Correct;
}
