using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>Our own engine, asked as its peers are.</summary>
internal sealed class Ours(Weights weights, int maxLength, int rows) : IPeer
{
    private readonly DecodingEngine engine = new(weights, new EngineOptions { MaxLength = maxLength, MostRows = rows, Threads = Peers.Threads });

    public IReadOnlyList<int[]> Draw(Workload work, Decoding decoding)
    {
        var requests = work.Prompts.Select((prompt, index) => new GenerationRequest(
            prompt, [.. Enumerable.Range(0, work.Samples)], decoding with { MaxTokens = work.AnswerLengths[index], IgnoreEos = true }, index));
        var answers = new int[work.Prompts.Count * work.Samples][];
        foreach (var completion in engine.Generate(requests, _ => "", []))
        {
            answers[((int)completion.Request.Tag! * work.Samples) + completion.Sample] = [.. completion.Ids];
        }

        return answers.Sum(answer => (long)answer.Length) == work.Tokens ? answers : throw new InvalidOperationException("Tokens are missing.");
    }

    public float[] Logits(int[] prompt)
    {
        using var batch = new DecodingBatch(weights, 1, maxLength, Peers.Threads);
        batch.Begin(prompt);
        while (!batch.PromptIsRead)
        {
            batch.ReadPiece();
        }

        return batch.PromptLogits.ToArray();
    }

    public void Dispose() => engine.Dispose();
}
