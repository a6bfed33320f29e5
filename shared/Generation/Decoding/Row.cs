namespace Hindsight.Generation;

/// <summary>An answer being drawn.</summary>
internal sealed class Row(GenerationRequest request, int sample, RandomStream stream)
{
    private static readonly Decoding Greedy = new();

    private (int Count, double LogProbability)? ahead;

    /// <summary>What another answer has so far, to go on with other random numbers.</summary>
    public Row(Row other, int sample, RandomStream stream) : this(other.Request, sample, stream)
    {
        Ids.AddRange(other.Ids);
        TokenLogProbabilities.AddRange(other.TokenLogProbabilities);
        LogProbability = other.LogProbability;
    }

    public GenerationRequest Request => request;

    public int Sample => sample;

    /// <summary>Which row of the batch it has.</summary>
    public int Index { get; set; }

    /// <summary>Whether it gets no token for now.</summary>
    public bool Waits { get; set; }

    public List<int> Ids { get; } = [];

    public List<float> TokenLogProbabilities { get; } = [];

    public double LogProbability { get; set; }

    /// <summary>Tokens of prompt and answer.</summary>
    public int Length => request.PromptIds.Count + Ids.Count;

    /// <summary>Where its random numbers come from.</summary>
    public RandomStream Stream { get; set; } = stream;

    /// <summary>The random number of the next token.</summary>
    public double Uniform => Stream.At(Ids.Count);

    /// <summary>Tokens that were drawn before, and are to be taken again before any is drawn.</summary>
    public IReadOnlyList<(int Id, double LogProbability)> Known { get; init; } = [];

    /// <summary>The next token, if it is known.</summary>
    public (int Id, double LogProbability)? NextKnown => Ids.Count < Known.Count ? Known[Ids.Count] : null;

    /// <summary>How its next token is drawn.</summary>
    public Decoding Decoding => ahead is null ? Request.Decoding : Greedy;

    /// <summary>Whether it looks how it would go on, from where it stood when <see cref="LookAhead"/> was called.</summary>
    public int? LooksAheadFrom => ahead?.Count;

    /// <summary>Goes on greedily until <see cref="TakeBack"/>.</summary>
    public void LookAhead() => ahead = (Ids.Count, LogProbability);

    /// <summary>Forgets what was drawn since <see cref="LookAhead"/>.</summary>
    public void TakeBack()
    {
        (var count, LogProbability) = ahead!.Value;
        Ids.RemoveRange(count, Ids.Count - count);
        TokenLogProbabilities.RemoveRange(count, TokenLogProbabilities.Count - count);
        ahead = null;
    }

    public void Take((int Id, double LogProbability) token)
    {
        Ids.Add(token.Id);
        TokenLogProbabilities.Add((float)token.LogProbability);
        LogProbability += token.LogProbability;
    }
}
