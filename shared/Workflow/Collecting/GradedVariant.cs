using Hindsight.Generation;
using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>One stored answer, graded.</summary>
internal sealed record GradedCompletion(int Problem, AnswerKind Kind, Answer Answer, GradedAnswer Graded);

/// <summary>A variant's stored answers, graded, and what is missing of them.</summary>
/// <param name="Variant">The variant.</param>
/// <param name="Completions">By problem, then kind, then sample.</param>
/// <param name="Missing">Missing answers by problem: how many, and why there can be none, where the problem itself is the reason.</param>
/// <param name="FirstPrompt">The suite's first problem that this variant can read; null when it can read none.</param>
internal sealed record GradedVariant(
    Variant Variant, IReadOnlyList<GradedCompletion> Completions, IReadOnlyDictionary<int, (int Count, string? Why)> Missing, Prompt? FirstPrompt)
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

    /// <summary>How its answers were read.</summary>
    public ExtractionCounts CountExtractions(Suite suite)
    {
        var extractions = Completions.Select(completion => Graders.Extract(suite.Problems[completion.Problem].Grader, completion.Answer.Text)).ToList();
        return new ExtractionCounts(
            Variant.Name,
            extractions.Count(extraction => extraction.Answer is not null), extractions.Count(extraction => extraction.IsGuess),
            extractions.Count(extraction => extraction.Agree is not null), extractions.Count(extraction => extraction.Agree is false));
    }

    /// <summary>Reads and grades a variant's answers.</summary>
    public static async Task<GradedVariant> ReadAsync(
        AnswerStore store, Evaluation evaluation, Suite suite, Variant variant, CheckpointText? text, IReadOnlyList<(AnswerKind Kind, int Count)> kinds,
        CancellationToken cancellation)
    {
        var prompts = suite.Problems.Select(problem => text?.Write(problem, evaluation.Spec) ?? new WrittenPrompt(null, null)).ToList();
        var wanted = prompts.Select(prompt => prompt.Prompt?.Digest).OfType<string>().ToHashSet();
        var completions = new List<GradedCompletion>();
        var missing = new Dictionary<int, (int Count, string? Why)>();
        foreach (var (kind, count) in kinds)
        {
            var stored = text is null
                ? new Dictionary<(string, int), Answer>()
                : await store.ReadAsync(text.Source(variant, evaluation, kind), wanted, cancellation);
            for (var problem = 0; problem < suite.Problems.Count; problem++)
            {
                for (var sample = 0; sample < count; sample++)
                {
                    if (prompts[problem].Prompt is { } prompt && stored.TryGetValue((prompt.Digest, sample), out var answer))
                    {
                        completions.Add(new GradedCompletion(problem, kind, answer, Grade(suite.Problems[problem], answer)));
                    }
                    else
                    {
                        missing[problem] = (missing.GetValueOrDefault(problem).Count + 1, prompts[problem].Why);
                    }
                }
            }
        }

        if (text is not null && evaluation.Stages.Contains(Stage.Rewards) && kinds.Any(kind => kind.Kind == AnswerKind.Sampled))
        {
            await RewardAsync(completions, store, evaluation, variant, text, wanted, cancellation);
        }

        completions.Sort((left, right) => (left.Problem, left.Kind, left.Answer.Sample).CompareTo((right.Problem, right.Kind, right.Answer.Sample)));
        return new GradedVariant(variant, completions, missing, prompts.Select(prompt => prompt.Prompt).FirstOrDefault(prompt => prompt is not null));
    }

    /// <summary>Gives sampled answers the reward model's scores, where it has scored them.</summary>
    private static async Task RewardAsync(
        List<GradedCompletion> completions, AnswerStore store, Evaluation evaluation, Variant variant, CheckpointText text, IReadOnlySet<string> prompts,
        CancellationToken cancellation)
    {
        var scores = await store.ReadAsync(text.Source(variant, evaluation, AnswerKind.Rewards), prompts, cancellation);
        for (var index = 0; index < completions.Count; index++)
        {
            var completion = completions[index];
            if (completion.Kind == AnswerKind.Sampled && scores.TryGetValue((completion.Answer.Prompt, completion.Answer.Sample), out var score))
            {
                completions[index] = completion with
                {
                    Answer = completion.Answer with { Rewards = score.Rewards, Failure = score.Failure },
                    Graded = completion.Graded with
                    {
                        Reward = RewardScoring.Aggregate(score.Rewards, evaluation.Spec.RewardModel!.Aggregation),
                        RewardTokens = score.RewardTokens,
                    },
                };
            }
        }
    }

    private static GradedAnswer Grade(Problem problem, Answer answer) =>
        Graders.Grade(
            problem.Grader, problem.Gold, answer.Text, answer.FinishReason == FinishReason.Length, answer.Sample, answer.Ids.Count, problem.Tolerance) with
        { TextHash = GradedAnswer.HashOf(answer.Text) };
}
