using System.Globalization;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>What the particles stage drew, as the scores take it.</summary>
internal static class GradedPopulations
{
    /// <param name="choice">The final choice that was asked for; null for each method's own.</param>
    /// <param name="graded">The variants of the stage.</param>
    /// <param name="problems">How many problems the suite has.</param>
    public static IReadOnlyList<PopulationMethodAnswers> Of(FinalChoice? choice, IReadOnlyList<GradedVariant> graded, int problems)
    {
        var methods = graded.Where(variant => variant.Variant.Method is { IsMixture: false }).Select(variant => Method(
            choice, variant.Variant.Method!, [.. ByProblem(variant, problems).Select(answers => answers is null ? null : Problem([answers]))])).ToList();
        // The checkpoints of a mixture stand for one method together.
        var mixture = graded.Where(variant => variant.Variant.Method is { IsMixture: true }).Select(variant => ByProblem(variant, problems)).ToList();
        if (mixture.Count > 1)
        {
            var whole = Enumerable.Range(0, problems).Select(problem =>
                mixture.All(checkpoint => checkpoint[problem] is not null) ? Problem([.. mixture.Select(checkpoint => checkpoint[problem]!)]) : null);
            methods.Add(new PopulationMethodAnswers(Mixture(mixture.Count), "trajectory mixture", [.. whole])
            {
                Choice = choice ?? FinalChoice.WeightedMajority,
            });
        }

        return methods;
    }

    /// <summary>What the scores call a method.</summary>
    /// <param name="method">One of the stage's.</param>
    /// <param name="checkpoints">Over how many checkpoints a mixture is spread.</param>
    public static string NameOf(PopulationMethod method, int checkpoints) => method.IsMixture ? Mixture(checkpoints) : method.Name;

    private static string Mixture(int checkpoints) => string.Create(CultureInfo.InvariantCulture, $"particle filters over {checkpoints} checkpoints");

    private static PopulationMethodAnswers Method(FinalChoice? choice, PopulationMethod method, IReadOnlyList<PopulationProblem?> problems) => new(
        method.Name, method.Kind == PopulationKind.ParticleFilter ? "particle filter" : method.Name, problems)
    {
        // The published programs and texts take the highest last score, as searches do.
        Choice = choice ?? (method.Kind is PopulationKind.ParticleFilter or PopulationKind.EntropicFilter or PopulationKind.ParallelTempering
            ? FinalChoice.WeightedMajority : FinalChoice.HighestScore),
    };

    /// <summary>A variant's answers to each problem, by sample; null where one is missing.</summary>
    private static IReadOnlyList<GradedCompletion>?[] ByProblem(GradedVariant variant, int problems)
    {
        var answers = variant.Completions.ToLookup(completion => completion.Problem);
        return [.. Enumerable.Range(0, problems).Select(problem => answers[problem].ToList() is { } found && found.Count == variant.Variant.Method!.Answers ? found : null)];
    }

    /// <summary>
    /// One population of several: each weighs as much as its evidence, so that the whole follows the even mixture of the checkpoints, weighed by
    /// the same potentials.
    /// </summary>
    private static PopulationProblem Problem(IReadOnlyList<IReadOnlyList<GradedCompletion>> parts)
    {
        var populations = parts.Select(part => part[0].Answer.Population!).ToList();
        double[] evidence = [.. populations.Select(population => parts.Count == 1 ? 0 : population.Chains[0].LogEvidence ?? double.NegativeInfinity)];
        var most = evidence.Max();
        double[] shares = [.. evidence.Select(log => double.IsNegativeInfinity(most) ? 0 : Math.Exp(log - most))];
        var sum = shares.Sum();
        return new PopulationProblem(
            [
                .. parts.SelectMany((part, index) => part.Select(completion => new PopulationMember(
                    completion.Graded, sum == 0 ? 0 : completion.Answer.Particle!.Weight * shares[index] / sum, completion.Answer.Particle!.Score))),
            ],
            populations.Sum(population => population.DrawnTokens),
            populations.Sum(population => population.RewardTokens),
            populations.Any(population => population.Chains.Count == 0) ? null : new PopulationGenealogy([.. populations.SelectMany(population => population.Chains).Select(Chain)]));
    }

    private static GenealogyChain Chain(PopulationChain chain) => new([.. chain.Steps.Select(step => new GenealogyRound(
        step.Weights, step.EffectiveSampleSize, step.IsResampled, step.Ancestors, step.Lineages, step.LogEvidence ?? double.NegativeInfinity))]);
}
