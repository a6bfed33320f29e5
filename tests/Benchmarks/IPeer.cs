using Hindsight.Generation;

namespace Hindsight.Benchmarks;

/// <summary>What is to be drawn: the same number of samples of each prompt.</summary>
/// <param name="Prompts">Token ids.</param>
/// <param name="AnswerLengths">For each prompt the tokens of each of its answers.</param>
/// <param name="Samples">Of each prompt.</param>
internal sealed record Workload(IReadOnlyList<int[]> Prompts, IReadOnlyList<int> AnswerLengths, int Samples)
{
    /// <summary>Tokens of all answers.</summary>
    public long Tokens => AnswerLengths.Sum(length => (long)length) * Samples;

    /// <summary>The most tokens of a prompt and its answer together.</summary>
    public int MaxLength => Prompts.Zip(AnswerLengths, (prompt, length) => prompt.Length + length).Max();

    /// <summary>A prompt of arbitrary ids.</summary>
    public static int[] Prompt(int length, int vocabulary, int first = 0) =>
        [.. Enumerable.Range(first, length).Select(place => 10 + (int)((long)place * 7919 % (vocabulary - 10)))];
}

/// <summary>Another engine that has read the same weights.</summary>
internal interface IPeer : IDisposable
{
    /// <summary>Draws all answers.</summary>
    /// <param name="decoding">Temperature and top-k; lengths are the work's.</param>
    /// <returns>The ids of each answer, in the order of prompts and samples.</returns>
    public IReadOnlyList<int[]> Draw(Workload work, Decoding decoding);

    /// <summary>The logits after a prompt, [vocabulary].</summary>
    public float[] Logits(int[] prompt);
}
