using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>How a particle method came to its answers to one problem.</summary>
/// <param name="ProblemId">The problem.</param>
/// <param name="Method">The method with its allocation.</param>
/// <param name="Genealogy">Its chains, round by round.</param>
/// <param name="Members">The members it ended with, chain by chain and slot by slot.</param>
public sealed record ShownGenealogy(string ProblemId, string Method, PopulationGenealogy Genealogy, IReadOnlyList<PopulationMember> Members)
{
    /// <summary>The genealogies that were kept of the problems on which methods differ most, the clearest first.</summary>
    /// <param name="answers">What was scored.</param>
    /// <param name="scores">The scores of it.</param>
    public static IReadOnlyList<ShownGenealogy> Of(EvaluationAnswers answers, EvaluationScores scores)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(scores);
        var places = answers.ProblemIds.Index().ToDictionary(problem => problem.Item, problem => problem.Index, StringComparer.Ordinal);
        return
        [
            .. from id in scores.Budget?.MostDifferent ?? []
               from method in answers.Populations
               let population = method.Problems[places[id]]
               let genealogy = population?.Genealogy
               where genealogy is not null
               select new ShownGenealogy(id, method.Name, genealogy, population.Members),
        ];
    }
}
