namespace Hindsight.Generation;

/// <summary>The text of a particle, and the row in which it grows.</summary>
internal sealed class GrowingAnswer
{
    private readonly List<int> stepEnds;
    private readonly List<string> steps;
    private readonly List<Reward> rewards;

    /// <summary>Nothing is drawn yet.</summary>
    public GrowingAnswer(Row row)
    {
        Row = row;
        (stepEnds, steps, rewards) = ([], [], []);
    }

    /// <summary>A copy that goes on with another random stream.</summary>
    public GrowingAnswer(GrowingAnswer ancestor, int sample, RandomStream stream)
    {
        Row = new Row(ancestor.Row, sample, stream);
        (stepEnds, steps, rewards) = ([.. ancestor.stepEnds], [.. ancestor.steps], [.. ancestor.rewards]);
        (Seen, Spoken, Failure) = (ancestor.Seen, ancestor.Spoken, ancestor.Failure);
        Answer = ancestor.Answer is { } answer ? answer with { Sample = sample } : null;
    }

    public Row Row { get; }

    /// <summary>How many of its tokens have been looked at.</summary>
    public int Seen { get; set; }

    /// <summary>The text of each step, delimiters included.</summary>
    public IReadOnlyList<string> Steps => steps;

    /// <summary>Its text up to the end of its newest step.</summary>
    public string Spoken { get; private set; } = "";

    /// <summary>How many tokens there are up to the end of each step.</summary>
    public IReadOnlyList<int> StepEnds => stepEnds;

    /// <summary>Where its newest step begins, or the one it is in.</summary>
    public int StepStart => stepEnds.Count > 0 ? stepEnds[^1] : 0;

    /// <summary>The answer, when it has ended.</summary>
    public Completion? Answer { get; set; }

    /// <summary>Why it failed, if it did.</summary>
    public string? Failure { get; set; }

    public ParticleText Text => new(
        [.. Row.Ids], [.. Row.TokenLogProbabilities], Row.LogProbability, [.. stepEnds], [.. rewards], Answer?.FinishReason, Failure);

    /// <summary>Ends a step with the newest token.</summary>
    /// <param name="text">The answer's text so far.</param>
    public void EndStep(string text)
    {
        stepEnds.Add(Row.Ids.Count);
        steps.Add(NewIn(text));
        Spoken = text;
    }

    /// <summary>What a text that goes on from <see cref="Spoken"/> adds. A character whose bytes two steps share was unreadable at the end of the first.</summary>
    public string NewIn(string text) => text[Spoken.AsSpan().CommonPrefixLength(text)..];

    public void Add(Reward reward) => rewards.Add(reward);

    /// <summary>The mean log-probability of the newest step's tokens.</summary>
    public double SelfCertainty() => Generation.SelfCertainty.MeanLogProbability(
        [.. Row.TokenLogProbabilities.Skip(stepEnds.Count > 1 ? stepEnds[^2] : 0).Select(log => (double)log)]);
}
