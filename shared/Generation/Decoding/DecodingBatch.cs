using System.Numerics;
using System.Runtime.InteropServices;
using Hindsight.Models;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Generation;

/// <summary>
/// Sequences in rows, each with a length of its own, whose keys and values stay where they are from step to step. A prompt is read
/// beside the rows, in pieces, and put into as many rows as there are samples of it; a row can be copied to others. Each sequence is
/// under an adapter of its own, or under none. What a row holds does not depend on the rows beside it. Weights and stack must outlive
/// the batch.
/// </summary>
internal sealed class DecodingBatch : IDisposable
{
    /// <summary>
    /// A prompt is read in pieces of this many tokens: the rows wait for one piece at most, and attention scores stay small however
    /// long the prompt is. Pieces begin at multiples of it, so that the numbers do not depend on when they are read.
    /// </summary>
    public const int PromptPiece = 128;

    /// <summary>
    /// No piece is shorter: attention over few tokens, and products beside adapters, are summed in another order, and a sequence's
    /// numbers are not to depend on whether there are adapters.
    /// </summary>
    private const int ShortestPiece = 16;

    /// <summary>In place of a token: the row waits.</summary>
    public const int Wait = -1;

    private readonly ModelGraph graph;
    private readonly InferenceSession session;
    private readonly KeyValueCache rowCache;
    private readonly KeyValueCache promptCache;
    private readonly List<(string Input, OrtValue Value)> constant = [];
    private readonly List<DeviceTensor> owned = [];
    private readonly DeviceMemory memory;
    private readonly DeviceTensor? cosines;
    private readonly DeviceTensor? sines;
    private readonly Dictionary<int, BoundRun> steps = [];
    private readonly BoundRun wholePiece;
    private readonly float[] logits;
    private readonly float[] promptLogits;
    private readonly int capacity;
    private readonly int leastRows;
    private readonly int leastTokens;
    private readonly List<int>[] sequences;
    private readonly int?[] adapters;

    private IReadOnlyList<int> prompt = [];
    private int? promptAdapter;
    private int promptRead;

    /// <param name="weights">The model.</param>
    /// <param name="rows">Sequences.</param>
    /// <param name="maxLength">The most tokens of one.</param>
    /// <param name="threads">Threads of a step.</param>
    /// <param name="stack">The adapters that sequences may be under, in the precision of the weights.</param>
    /// <param name="device">What computes.</param>
    /// <param name="profile">Where ONNX Runtime is to write how long each operator took, when the batch is disposed; null for nowhere.</param>
    /// <exception cref="InvalidDataException">There is no GPU that can be used, or it has not so much memory.</exception>
    public DecodingBatch(Weights weights, int rows, int maxLength, int threads, AdapterStack? stack = null, Device device = Device.Cpu, string? profile = null)
    {
        graph = ModelGraph.For(weights.Config, Target.Fused, weights.Precision, stack);
        if (stack is not null && stack.ElementType != graph.ElementType)
        {
            throw new ArgumentException($"The adapters are stacked in {stack.ElementType} for a graph in {graph.ElementType}.", nameof(stack));
        }

        memory = DeviceMemory.Of(device);
        leastRows = stack is null ? 1 : LeastRowsWithAdapters(threads);
        leastTokens = Math.Max(ShortestPiece, leastRows);
        (Rows, MaxLength, capacity) = (Math.Max(rows, leastRows), maxLength, Capacity(maxLength, leastRows));
        // One row more, which no step reads, for exchanges.
        sequences = [.. Enumerable.Range(0, Rows + 1).Select(_ => new List<int>())];
        adapters = new int?[Rows + 1];
        logits = GC.AllocateArray<float>(checked(Rows * Outputs), pinned: true);
        promptLogits = new float[Outputs];
        memory.Lock(Marshal.UnsafeAddrOfPinnedArrayElement(logits, 0), (long)logits.Length * sizeof(float));
        try
        {
            session = graph.Open(weights, threads, stack, device, profile);
            rowCache = new KeyValueCache(graph, Rows + 1, capacity, memory);
            promptCache = new KeyValueCache(graph, rows: 1, capacity, memory);
            if (graph.TakesRotary)
            {
                var rotary = FrequenciesChangeAfter < maxLength ? graph.Rotary(capacity, 1, maxLength) : graph.Rotary(capacity, 1);
                cosines = Constant(ModelGraph.Cosines, rotary.Cosines, rotary.Shape);
                sines = Constant(ModelGraph.Sines, rotary.Sines, rotary.Shape);
            }

            wholePiece = new BoundRun(graph, session, constant, promptCache, firstRow: 0, rows: 1, PromptPiece, promptLogits);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Rows { get; }

    /// <summary>The most tokens of a sequence.</summary>
    public int MaxLength { get; }

    /// <summary>How many numbers there are for a token: logits of the vocabulary, or a reward model's labels.</summary>
    public int Outputs => graph.Config.Outputs;

    /// <summary>Whether the prompt that was begun last is read to its end.</summary>
    public bool PromptIsRead => promptRead == prompt.Count;

    /// <summary>The logits after the prompt's last token, [outputs]; when it is read.</summary>
    public ReadOnlySpan<float> PromptLogits => promptLogits;

    /// <summary>Prompts that were read.</summary>
    public long Prompts { get; private set; }

    /// <summary>Tokens of these prompts.</summary>
    public long PromptTokens { get; private set; }

    /// <summary>Steps that were made.</summary>
    public long Steps { get; private set; }

    private int FrequenciesChangeAfter => graph.Config.Rotary?.FrequenciesChangeAfter ?? int.MaxValue;

    private bool FrequenciesFollowLength => graph.Config.Rotary is { FrequenciesFollowLength: true };

    /// <summary>The fewest rows of a batch whose rows may be under adapters, see <see cref="AdapterStack"/>.</summary>
    public static int LeastRowsWithAdapters(int threads) => 2 * threads;

    /// <summary>Tokens that a row has room for: the shortest piece may begin at a sequence's last token.</summary>
    public static int Capacity(int maxLength, int leastRows) => maxLength + Math.Max(ShortestPiece, leastRows) - 1;

    /// <summary>Tokens of a row's sequence; 0 for an empty row.</summary>
    public int Length(int row) => sequences[row].Count;

    /// <summary>A row's sequence.</summary>
    public IReadOnlyList<int> Sequence(int row) => sequences[row];

    /// <summary>The logits after the newest token of a row, [outputs].</summary>
    public ReadOnlySpan<float> Logits(int row) => logits.AsSpan(row * Outputs, Outputs);

    /// <summary>Begins to read a prompt, in place of the one before.</summary>
    /// <param name="ids">The prompt.</param>
    /// <param name="adapter">Its place in the stack; null for the weights alone.</param>
    /// <exception cref="InvalidDataException">It is empty, too long, or has ids that the model does not know.</exception>
    public void Begin(IReadOnlyList<int> ids, int? adapter = null)
    {
        graph.CheckIds(ids);
        if (ids.Count >= MaxLength)
        {
            throw new InvalidDataException(
                $"The prompt has {ids.Count} tokens; with at least one of an answer that is more than the {MaxLength} there is room for.");
        }

        (prompt, promptAdapter, promptRead) = (ids, adapter, 0);
    }

    /// <summary>Reads the next piece of the prompt.</summary>
    public void ReadPiece()
    {
        promptRead = Read(prompt, promptAdapter, promptRead, promptCache, row: 0, promptLogits);
        if (PromptIsRead)
        {
            (Prompts, PromptTokens) = (Prompts + 1, PromptTokens + prompt.Count);
        }
    }

    /// <summary>Puts the prompt that was read into a row.</summary>
    public void Place(int row)
    {
        rowCache.Copy(promptCache, 0, row, prompt.Count);
        sequences[row].Clear();
        sequences[row].AddRange(prompt);
        adapters[row] = promptAdapter;
    }

    /// <summary>Makes a row hold what another holds.</summary>
    public void Fork(int from, int to)
    {
        if (from != to)
        {
            rowCache.Copy(rowCache, from, to, Length(from));
            sequences[to].Clear();
            sequences[to].AddRange(sequences[from]);
            adapters[to] = adapters[from];
        }
    }

    /// <summary>Makes two rows hold what the other held.</summary>
    public void Swap(int a, int b)
    {
        var spare = Rows;
        Fork(a, spare);
        Fork(b, a);
        Fork(spare, b);
    }

    /// <summary>Puts tokens behind a row's, all at once, and computes the outputs after the last of them.</summary>
    /// <exception cref="InvalidDataException">There is not so much room, or the model does not know an id.</exception>
    public void Append(int row, IReadOnlyList<int> ids)
    {
        graph.CheckIds(ids);
        var read = Length(row);
        if (read + ids.Count > MaxLength)
        {
            throw new InvalidDataException($"The text has {read + ids.Count} tokens; there is room for {MaxLength}.");
        }

        sequences[row].AddRange(ids);
        ReadOn(row, CachedAt(read) == CachedAt(Length(row)) ? read : 0);
    }

    /// <summary>Takes the last tokens of a row away again; its outputs then count no more.</summary>
    public void Truncate(int row, int length)
    {
        var before = Length(row);
        sequences[row].RemoveRange(length, before - length);
        if (length > 0 && CachedAt(before) != CachedAt(length))
        {
            ReadOn(row, 0);
        }
    }

    /// <summary>Empties a row.</summary>
    public void Clear(int row) => sequences[row].Clear();

    /// <summary>
    /// Puts a token behind each of the first rows that is not empty, and computes its logits. Empty rows stay empty, and rows that wait stay
    /// as they are; their logits then count no more.
    /// </summary>
    /// <param name="ids">
    /// The tokens, one for each of the first rows: <see cref="Wait"/> for those that wait, as all further rows do; those of empty rows do not
    /// count.
    /// </param>
    public void Step(ReadOnlySpan<int> ids)
    {
        var step = StepOf(ids.Length);
        var (greatest, others) = (1, 0);
        for (var row = 0; row < step.Ids.Length; row++)
        {
            var waits = Length(row) > 0 && (row >= ids.Length || ids[row] == Wait);
            var active = Length(row) > 0 && !waits;
            if (active)
            {
                sequences[row].Add(ids[row]);
            }

            // Empty rows write their own first place and disturb nobody; so do those that are read anew below. Those that wait write the
            // place behind their last token, which the next one overwrites.
            var length = waits ? Length(row) + 1 : active && !MustBeReadAnew(row) ? Length(row) : 0;
            step.Ids[row] = length > 0 && !waits ? ids[row] : 0;
            step.LastPositions[row] = Math.Max(0, length - 1);
            step.Positions[row] = TableRow(step.LastPositions[row], length);
            step.Adapters[row] = AdapterStack.RowOf(adapters[row]);
            greatest = Math.Max(greatest, length);
            others += length > 0 && !waits ? 1 : 0;
        }

        if (others > 0)
        {
            step.GreatestLength[0] = greatest;
            step.Run();
        }

        for (var row = 0; row < ids.Length; row++)
        {
            if (ids[row] != Wait && MustBeReadAnew(row))
            {
                ReadOn(row, 0);
            }
        }

        Steps++;
    }

    public void Dispose()
    {
        foreach (var step in steps.Values)
        {
            step.Dispose();
        }

        // Of a batch that could not be made some parts are missing.
        wholePiece?.Dispose();
        session?.Dispose();
        owned.ForEach(tensor => tensor.Dispose());
        rowCache?.Dispose();
        promptCache?.Dispose();
        memory.Unlock(Marshal.UnsafeAddrOfPinnedArrayElement(logits, 0));
    }

    /// <summary>The rows that a step computes when the first so many are in use.</summary>
    public int RowsOfStep(int inUse) =>
        Math.Min(Rows, Math.Max(leastRows, inUse <= 8 ? (int)BitOperations.RoundUpToPowerOf2((uint)inUse) : (inUse + 7) / 8 * 8));

    private DeviceTensor Constant(string input, float[] values, IReadOnlyList<long> shape)
    {
        var tensor = new DeviceTensor(memory, graph.ElementType, shape);
        owned.Add(tensor);
        constant.Add((input, tensor.Value));
        tensor.Write(values);
        return tensor;
    }

    /// <summary>Whether the row's newest token gives all its tokens other frequencies than they have in the cache.</summary>
    private bool MustBeReadAnew(int row) =>
        Length(row) > FrequenciesChangeAfter && (FrequenciesFollowLength || Length(row) == FrequenciesChangeAfter + 1);

    /// <summary>Equal for lengths at which a sequence's tokens have the same frequencies.</summary>
    private int CachedAt(int length) => length <= FrequenciesChangeAfter ? 0 : FrequenciesFollowLength ? length : 1;

    /// <summary>Reads a row's tokens from one of them on.</summary>
    private void ReadOn(int row, int read)
    {
        while (read < Length(row))
        {
            read = Read(sequences[row], adapters[row], read, rowCache, row, logits.AsMemory(row * Outputs, Outputs));
        }
    }

    /// <summary>Where a token's place is among the positions: there may be a second table for longer sequences.</summary>
    private int TableRow(int position, int length) => position + (length > FrequenciesChangeAfter ? capacity : 0);

    /// <summary>Reads a piece of a sequence into a row of a cache, and gives the logits after its last token.</summary>
    /// <returns>How many tokens are read now.</returns>
    private int Read(IReadOnlyList<int> ids, int? adapter, int read, KeyValueCache cache, int row, Memory<float> logits)
    {
        var length = Math.Min(PromptPiece, ids.Count - read);
        if (length == PromptPiece && cache == promptCache)
        {
            return Read(ids, adapter, read, wholePiece, length);
        }

        // What is put behind the last token, for the least number of them, is overwritten by the next one, and no token sees it before.
        using var piece = new BoundRun(graph, session, constant, cache, row, rows: 1, Math.Max(length, leastTokens), logits);
        return Read(ids, adapter, read, piece, length);
    }

    private int Read(IReadOnlyList<int> ids, int? adapter, int read, BoundRun piece, int length)
    {
        if (FrequenciesFollowLength && ids.Count > FrequenciesChangeAfter)
        {
            var table = graph.Rotary(capacity, ids.Count);
            cosines!.Write(table.Cosines, start: table.Cosines.Length);
            sines!.Write(table.Sines, start: table.Sines.Length);
        }

        for (var place = 0; place < piece.Ids.Length; place++)
        {
            piece.Ids[place] = place < length ? ids[read + place] : 0;
            piece.Positions[place] = TableRow(read + place, ids.Count);
            piece.Adapters[place] = AdapterStack.RowOf(adapter);
        }

        piece.Selected[0] = length - 1;
        piece.LastPositions[0] = read + piece.Ids.Length - 1;
        piece.GreatestLength[0] = read + piece.Ids.Length;
        piece.Run();
        return read + length;
    }

    private BoundRun StepOf(int inUse)
    {
        var rows = RowsOfStep(inUse);
        if (!steps.TryGetValue(rows, out var step))
        {
            step = new BoundRun(graph, session, constant, rowCache, firstRow: 0, rows, tokens: 1, logits);
            for (var row = 0; row < rows; row++)
            {
                step.Selected[row] = row;
            }

            steps.Add(rows, step);
        }

        return step;
    }
}
