using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>One stored answer, graded.</summary>
internal sealed record GradedCompletion(int Problem, AnswerKind Kind, Answer Answer, GradedAnswer Graded);

/// <summary>A variant's stored answers, graded, and what is missing of them.</summary>
/// <param name="Variant">The variant.</param>
/// <param name="Completions">By problem, then kind, then sample.</param>
/// <param name="Missing">Missing answers by problem.</param>
/// <param name="FirstPrompt">The suite's first problem as this variant reads it; null when its prompts cannot be written.</param>
internal sealed record GradedVariant(
    Variant Variant, IReadOnlyList<GradedCompletion> Completions, IReadOnlyDictionary<int, int> Missing, Prompt? FirstPrompt)
{
    /// <summary>For the scores.</summary>
    public VariantAnswers ToAnswers(int problems)
    {
        var byProblem = Completions.ToLookup(completion => completion.Problem);
        return new VariantAnswers(Variant.Name, Variant.Early is null ? Variant.Late.Step : null, [.. Enumerable.Range(0, problems).Select(problem =>
            new ProblemAnswers(
                byProblem[problem].FirstOrDefault(completion => completion.Kind == AnswerKind.Greedy)?.Graded,
                [.. byProblem[problem].Where(completion => completion.Kind == AnswerKind.Sampled).Select(completion => completion.Graded)]))]);
    }

    /// <summary>The answer of one kind and sample to a problem; null when it is missing.</summary>
    public Answer? Find(int problem, AnswerKind kind, int sample) =>
        Completions.FirstOrDefault(completion => completion.Problem == problem && completion.Kind == kind && completion.Answer.Sample == sample)?.Answer;

    /// <summary>Reads and grades a variant's answers.</summary>
    public static async Task<GradedVariant> ReadAsync(
        AnswerStore store, Evaluation evaluation, Suite suite, Variant variant, CheckpointText? text, IReadOnlyList<(AnswerKind Kind, int Count)> kinds,
        CancellationToken cancellation)
    {
        var prompts = WritePrompts(evaluation, suite, text);
        var completions = new List<GradedCompletion>();
        var missing = new Dictionary<int, int>();
        foreach (var (kind, count) in kinds)
        {
            var stored = prompts is null
                ? new Dictionary<(string, int), Answer>()
                : await store.ReadAsync(text!.Source(variant, evaluation.Spec, kind), prompts.Select(prompt => prompt.Digest).ToHashSet(), cancellation);
            for (var problem = 0; problem < suite.Problems.Count; problem++)
            {
                for (var sample = 0; sample < count; sample++)
                {
                    if (prompts is not null && stored.TryGetValue((prompts[problem].Digest, sample), out var answer))
                    {
                        completions.Add(new GradedCompletion(problem, kind, answer, Grade(suite.Problems[problem], answer)));
                    }
                    else
                    {
                        missing[problem] = missing.GetValueOrDefault(problem) + 1;
                    }
                }
            }
        }

        completions.Sort((left, right) => (left.Problem, left.Kind, left.Answer.Sample).CompareTo((right.Problem, right.Kind, right.Answer.Sample)));
        return new GradedVariant(variant, completions, missing, prompts?[0]);
    }

    private static GradedAnswer Grade(Problem problem, Answer answer) => Graders.Grade(
        problem.Grader, problem.Gold, answer.Text, answer.FinishReason == FinishReason.Length, answer.Sample, answer.Ids.Count);

    private static List<Prompt>? WritePrompts(Evaluation evaluation, Suite suite, CheckpointText? text)
    {
        try
        {
            return text is null ? null : [.. suite.Problems.Select(problem => text.Write(problem, evaluation.Spec))];
        }
        catch (InvalidDataException)
        {
            // The shards of this variant failed with the same error, which the report gives as the reason.
            return null;
        }
    }
}
