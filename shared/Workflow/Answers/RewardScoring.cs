using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>Has a reward model score stored answers.</summary>
internal static class RewardScoring
{
    /// <summary>Raised whenever a change gives the same answer another score, or another number of tokens that it takes.</summary>
    public const int Version = 2;

    /// <summary>Rows that the reward model needs.</summary>
    public const int Rows = 2;

    private const int ProblemRow = 0;
    private const int AnswerRow = 1;

    /// <summary>The scores of answers to one problem, as answers of their own.</summary>
    /// <param name="reward">The model.</param>
    /// <param name="spec">How it is shown answers.</param>
    /// <param name="source">Where the scores belong.</param>
    /// <param name="problem">The problem.</param>
    /// <param name="answers">The answers, ascending by sample.</param>
    /// <param name="device">What computes.</param>
    /// <param name="cancellation">Looked at before every answer.</param>
    public static List<Answer> Score(
        LoadedReward reward, RewardModelSpec spec, AnswerSource source, Problem problem, IReadOnlyList<Answer> answers, string device, CancellationToken cancellation)
    {
        var prompt = reward.Model.Text.Read(problem.Conversation);
        var tooLong = Begin(reward, prompt);
        // Equal texts are equal scores, and are scored once.
        var known = new Dictionary<string, (IReadOnlyList<double> Rewards, int Tokens, string? Failure)>(StringComparer.Ordinal);
        var scored = new List<Answer>();
        foreach (var answer in answers)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!known.TryGetValue(answer.Text, out var given))
            {
                known[answer.Text] = given = tooLong is null ? Score(reward, spec, prompt, answer.Text) : ([], 0, tooLong);
            }

            scored.Add(new Answer(
                source.Weights, source.Decoding, answer.Prompt, answer.Sample, answer.Seed, [], "", 0, answer.FinishReason, device)
            {
                Rewards = given.Rewards,
                RewardTokens = given.Tokens,
                Failure = given.Failure,
            });
        }

        return scored;
    }

    /// <summary>An answer's score from those of its steps; null where there are none.</summary>
    public static double? Aggregate(IReadOnlyList<double>? rewards, Aggregation aggregation) => rewards is not { Count: > 0 } ? null : aggregation switch
    {
        Aggregation.Product => rewards.Aggregate(1.0, (product, reward) => product * reward),
        Aggregation.Minimum => rewards.Min(),
        _ => rewards[^1],
    };

    /// <summary>Reads the problem, once for all its answers.</summary>
    /// <returns>Why that is impossible; null where it is done.</returns>
    private static string? Begin(LoadedReward reward, RewardPrompt prompt)
    {
        try
        {
            reward.Model.Begin(ProblemRow, prompt);
            return null;
        }
        catch (InvalidDataException exception)
        {
            return exception.Message;
        }
    }

    private static (IReadOnlyList<double>, int, string?) Score(LoadedReward reward, RewardModelSpec spec, RewardPrompt prompt, string text)
    {
        var steps = reward.ScoresSteps && spec.Aggregation != Aggregation.Model ? AnswerSteps.Of(text, spec.Delimiter) : [text];
        var before = reward.Model.Tokens;
        int Read() => (int)(reward.Model.Tokens - before);
        try
        {
            reward.Model.Fork(ProblemRow, AnswerRow);
            var rewards = new List<double>();
            for (var step = 1; step <= steps.Count; step++)
            {
                var score = reward.Model.Score(AnswerRow, prompt, [.. steps.Take(step)]);
                if (!double.IsFinite(score.Value))
                {
                    return ([], Read(), $"The reward model gave the score {score}, which is no number.");
                }

                rewards.Add(score.Probability);
            }

            return (rewards, Read(), null);
        }
        catch (InvalidDataException exception)
        {
            return ([], Read(), exception.Message);
        }
    }
}
