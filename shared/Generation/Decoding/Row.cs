namespace Hindsight.Generation;

/// <summary>An answer being drawn.</summary>
internal sealed class Row(GenerationRequest request, int sample, RandomStream stream)
{
    public GenerationRequest Request => request;

    public int Sample => sample;

    /// <summary>Which row of the batch it has.</summary>
    public int Index { get; set; }

    /// <summary>Whether it gets no token for now.</summary>
    public bool Waits { get; set; }

    public List<int> Ids { get; } = [];

    public List<float> TokenLogProbabilities { get; } = [];

    public double LogProbability { get; private set; }

    /// <summary>Tokens of prompt and answer.</summary>
    public int Length => request.PromptIds.Count + Ids.Count;

    /// <summary>The random number of the next token.</summary>
    public double Uniform => stream.At(Ids.Count);

    public void Take((int Id, double LogProbability) token)
    {
        Ids.Add(token.Id);
        TokenLogProbabilities.Add((float)token.LogProbability);
        LogProbability += token.LogProbability;
    }
}
