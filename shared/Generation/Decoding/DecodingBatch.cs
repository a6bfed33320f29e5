using System.Numerics;
using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>
/// Sequences in rows, each with a length of its own, whose keys and values stay where they are from step to step. A prompt is read
/// beside the rows, in pieces, and put into as many rows as there are samples of it; a row can be copied to others. What a row holds
/// does not depend on the rows beside it. The weights must outlive the batch.
/// </summary>
internal sealed class DecodingBatch : IDisposable
{
    /// <summary>
    /// A prompt is read in pieces of this many tokens: the rows wait for one piece at most, and attention scores stay small however
    /// long the prompt is. Pieces begin at multiples of it, so that the numbers do not depend on when they are read.
    /// </summary>
    public const int PromptPiece = 128;

    private readonly ModelGraph graph;
    private readonly InferenceSession session;
    private readonly KeyValueCache rowCache;
    private readonly KeyValueCache promptCache;
    private readonly RotaryTable rotary;
    private readonly Dictionary<int, BoundRun> steps = [];
    private readonly BoundRun wholePiece;
    private readonly int[] lengths;
    private readonly float[] logits;
    private readonly float[] promptLogits;

    private IReadOnlyList<int> prompt = [];
    private int promptRead;

    public DecodingBatch(Weights weights, int rows, int maxLength, int threads)
    {
        graph = ModelGraph.For(weights.Config, Target.Fused);
        (Rows, MaxLength) = (rows, maxLength);
        lengths = new int[rows + 1];
        logits = new float[(long)rows * Vocabulary];
        promptLogits = new float[Vocabulary];
        rotary = graph.Rotary(maxLength);
        session = graph.Open(weights, threads);
        // One row more, which no step reads, for exchanges.
        rowCache = new KeyValueCache(graph, rows + 1, maxLength);
        promptCache = new KeyValueCache(graph, rows: 1, maxLength);
        wholePiece = new BoundRun(graph, session, promptCache, rotary, rows: 1, PromptPiece, promptLogits);
    }

    public int Rows { get; }

    /// <summary>The most tokens of a sequence.</summary>
    public int MaxLength { get; }

    public int Vocabulary => graph.Config.VocabularySize;

    /// <summary>Whether the prompt that was begun last is read to its end.</summary>
    public bool PromptIsRead => promptRead == prompt.Count;

    /// <summary>The logits after the prompt's last token, [vocabulary]; when it is read.</summary>
    public ReadOnlySpan<float> PromptLogits => promptLogits;

    /// <summary>Prompts that were read.</summary>
    public long Prompts { get; private set; }

    /// <summary>Tokens of these prompts.</summary>
    public long PromptTokens { get; private set; }

    /// <summary>Steps that were made.</summary>
    public long Steps { get; private set; }

    /// <summary>Tokens of a row's sequence; 0 for an empty row.</summary>
    public int Length(int row) => lengths[row];

    /// <summary>The logits after the newest token of a row, [vocabulary].</summary>
    public ReadOnlySpan<float> Logits(int row) => logits.AsSpan(row * Vocabulary, Vocabulary);

    /// <summary>Begins to read a prompt, in place of the one before.</summary>
    /// <exception cref="InvalidDataException">It is empty, too long, or has ids that the model does not know.</exception>
    public void Begin(IReadOnlyList<int> ids)
    {
        graph.CheckIds(ids);
        if (ids.Count >= MaxLength)
        {
            throw new InvalidDataException(
                $"The prompt has {ids.Count} tokens; with at least one of an answer that is more than the {MaxLength} there is room for.");
        }

        (prompt, promptRead) = (ids, 0);
    }

    /// <summary>Reads the next piece of the prompt.</summary>
    public void ReadPiece()
    {
        var length = Math.Min(PromptPiece, prompt.Count - promptRead);
        using var shorter = length < PromptPiece ? new BoundRun(graph, session, promptCache, rotary, rows: 1, length, promptLogits) : null;
        var piece = shorter ?? wholePiece;
        for (var place = 0; place < length; place++)
        {
            piece.Ids[place] = prompt[promptRead + place];
        }

        promptRead += length;
        piece.Selected[0] = length - 1;
        piece.LastPositions[0] = promptRead - 1;
        piece.GreatestLength[0] = promptRead;
        piece.Run();
        if (PromptIsRead)
        {
            (Prompts, PromptTokens) = (Prompts + 1, PromptTokens + prompt.Count);
        }
    }

    /// <summary>Puts the prompt that was read into a row.</summary>
    public void Place(int row)
    {
        rowCache.Copy(promptCache, 0, row, prompt.Count);
        lengths[row] = prompt.Count;
    }

    /// <summary>Makes a row hold what another holds.</summary>
    public void Fork(int from, int to)
    {
        if (from != to)
        {
            rowCache.Copy(rowCache, from, to, lengths[from]);
            lengths[to] = lengths[from];
        }
    }

    /// <summary>Empties a row.</summary>
    public void Clear(int row) => lengths[row] = 0;

    /// <summary>
    /// Makes every row i hold what row sources[i] held, as resampling of particles asks for. Rows that stay where they are cost nothing.
    /// </summary>
    /// <param name="sources">One row for each of the first rows, each among the first rows.</param>
    public void Reorder(ReadOnlySpan<int> sources)
    {
        var (spare, left) = (Rows, sources.ToArray());
        var readers = new int[Rows + 1];
        foreach (var source in left)
        {
            readers[source]++;
        }

        var unread = new Stack<int>(Enumerable.Range(0, left.Length).Where(row => readers[row] == 0));
        for (var row = 0; row <= left.Length; row++)
        {
            // A row that nobody is still to read takes what it is to hold; that may free the row it was taken from.
            while (unread.TryPop(out var target))
            {
                var source = left[target];
                Fork(source, target);
                left[target] = target;
                if (--readers[source] == 0 && source != spare)
                {
                    unread.Push(source);
                }
            }

            // What remains are cycles; each is opened by putting one of its rows aside.
            if (row < left.Length && left[row] != row)
            {
                Fork(row, spare);
                left[Array.IndexOf(left, row)] = spare;
                (readers[spare], readers[row]) = (1, 0);
                unread.Push(row);
            }
        }
    }

    /// <summary>Puts a token behind each of the first rows that is not empty, and computes its logits. Empty rows stay empty.</summary>
    /// <param name="ids">The tokens, one for each of the first rows; those of empty rows do not count.</param>
    public void Step(ReadOnlySpan<int> ids)
    {
        var step = StepOf(ids.Length);
        var greatest = 1;
        for (var row = 0; row < step.Ids.Length; row++)
        {
            // Empty rows write their own first place and disturb nobody.
            var active = row < ids.Length && lengths[row] > 0;
            step.Ids[row] = active ? ids[row] : 0;
            step.LastPositions[row] = active ? lengths[row]++ : 0;
            greatest = Math.Max(greatest, step.LastPositions[row] + 1);
        }

        step.GreatestLength[0] = greatest;
        step.Run();
        Steps++;
    }

    public void Dispose()
    {
        foreach (var step in steps.Values)
        {
            step.Dispose();
        }

        wholePiece.Dispose();
        session.Dispose();
        rowCache.Dispose();
        promptCache.Dispose();
    }

    /// <summary>The rows that a step computes when the first so many are in use.</summary>
    public int RowsOfStep(int inUse) =>
        Math.Min(Rows, inUse <= 8 ? (int)BitOperations.RoundUpToPowerOf2((uint)inUse) : (inUse + 7) / 8 * 8);

    private BoundRun StepOf(int inUse)
    {
        var rows = RowsOfStep(inUse);
        if (!steps.TryGetValue(rows, out var step))
        {
            step = new BoundRun(graph, session, rowCache, rotary, rows, tokens: 1, logits);
            for (var row = 0; row < rows; row++)
            {
                step.Selected[row] = row;
            }

            steps.Add(rows, step);
        }

        return step;
    }
}
