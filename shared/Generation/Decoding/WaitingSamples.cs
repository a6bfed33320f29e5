namespace Hindsight.Generation;

/// <summary>
/// The samples that are still to be drawn, in the order of their requests, and the reading of their prompts: each once for all its
/// samples, the next as soon as the last sample of the one before has a row.
/// </summary>
internal sealed class WaitingSamples(IEnumerable<GenerationRequest> requests, DecodingBatch batch) : IDisposable
{
    private readonly IEnumerator<GenerationRequest> requests = requests.GetEnumerator();
    private IReadOnlyList<int> prompt = [];
    private GenerationRequest? request;
    private RandomStream stream;
    private int taken;

    /// <summary>Whether every sample was taken.</summary>
    public bool IsEmpty => !Advance();

    /// <summary>The next sample, if its prompt is read.</summary>
    public Row? TryTake() =>
        Advance() && batch.PromptIsRead ? new Row(request!, request!.Samples[taken], stream.OfSample(request.Samples[taken++])) : null;

    /// <summary>Reads a piece of the next sample's prompt; false where there is nothing to read.</summary>
    public bool ReadPiece()
    {
        if (!Advance() || batch.PromptIsRead)
        {
            return false;
        }

        batch.ReadPiece();
        return true;
    }

    public void Dispose() => requests.Dispose();

    /// <summary>Goes to the request of the next sample; false when there is none.</summary>
    private bool Advance()
    {
        while (request is null || taken == request.Samples.Count)
        {
            if (!requests.MoveNext())
            {
                request = null;
                return false;
            }

            (request, taken) = (requests.Current, 0);
            request.Decoding.Validate();
            stream = new RandomStream(request.Decoding.Seed, request.PromptIds);

            // Greedy and sampled answers to one prompt are requests of their own, and come one after the other.
            if (!prompt.SequenceEqual(request.PromptIds) || prompt.Count == 0)
            {
                batch.Begin(request.PromptIds);
                prompt = request.PromptIds;
            }
        }

        return true;
    }
}
