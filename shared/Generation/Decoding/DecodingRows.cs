using System.Runtime.ExceptionServices;

namespace Hindsight.Generation;

/// <summary>
/// The answers that are being drawn, each in a row of a batch; a step gives each that does not wait its next token. Those that do not wait
/// are kept in the first rows where that makes a step smaller.
/// </summary>
internal sealed class DecodingRows(DecodingBatch batch, int threads)
{
    private readonly Sampler[] samplers = [.. Enumerable.Range(0, threads).Select(_ => new Sampler(batch.Outputs))];
    private readonly Row?[] rows = new Row?[batch.Rows];
    private readonly int[] newest = new int[batch.Rows];

    /// <summary>Rows without an answer.</summary>
    public int Free => rows.Count(row => row is null);

    /// <summary>The answers, in the order of their rows.</summary>
    public IEnumerable<Row> Answers => rows.OfType<Row>();

    /// <summary>Tokens drawn, those after prompts included.</summary>
    public long Drawn { get; private set; }

    public void Clear() => Array.Clear(rows);

    /// <summary>Draws the token after the prompt that was read last.</summary>
    public void DrawFirst(Row row)
    {
        row.Take(row.NextKnown ?? samplers[0].Draw(batch.PromptLogits, row.Request.Decoding, row.Uniform));
        Drawn++;
    }

    /// <summary>Puts the prompt that was read last into a free row, for an answer whose first token is drawn.</summary>
    public void Place(Row row)
    {
        row.Index = Array.IndexOf(rows, null);
        batch.Place(row.Index);
        rows[row.Index] = row;
    }

    /// <summary>Gives a row to another answer, which begins with what the row holds.</summary>
    public void Put(Row row, int index)
    {
        row.Index = index;
        rows[index] = row;
    }

    /// <summary>Takes back what a row was given since it began to look ahead; its newest token, as always, is not in the batch yet.</summary>
    public void TakeBack(Row row)
    {
        row.TakeBack();
        batch.Truncate(row.Index, row.Length - 1);
    }

    public void Remove(Row row) => rows[row.Index] = null;

    /// <summary>Gives each answer that does not wait its next token.</summary>
    public void Step()
    {
        var active = rows.Count(IsActive);
        if (active == 0)
        {
            return;
        }

        var inUse = Array.FindLastIndex(rows, IsActive) + 1;
        if (batch.RowsOfStep(active) < batch.RowsOfStep(inUse))
        {
            Pack(active);
            inUse = active;
        }

        for (var index = 0; index < inUse; index++)
        {
            if (rows[index] is { } row)
            {
                newest[index] = row.Waits ? DecodingBatch.Wait : row.Ids[^1];
            }
            else
            {
                batch.Clear(index);
            }
        }

        batch.Step(newest.AsSpan(0, inUse));
        try
        {
            Parallel.For(0, samplers.Length, worker =>
            {
                for (var index = worker; index < inUse; index += samplers.Length)
                {
                    if (rows[index] is { Waits: false } row)
                    {
                        row.Take(row.NextKnown ?? samplers[worker].Draw(batch.Logits(index), row.Decoding, row.Uniform));
                    }
                }
            });
        }
        catch (AggregateException exception) when (exception.InnerException is InvalidDataException bad)
        {
            ExceptionDispatchInfo.Throw(bad);
        }

        Drawn += active;
    }

    private static bool IsActive(Row? row) => row is { Waits: false };

    /// <summary>Brings the answers that do not wait into the first rows.</summary>
    private void Pack(int active)
    {
        for (var index = 0; index < active; index++)
        {
            if (IsActive(rows[index]))
            {
                continue;
            }

            var last = Array.FindLastIndex(rows, IsActive);
            var (waiting, moved) = (rows[index], rows[last]!);
            if (waiting is null)
            {
                batch.Fork(last, index);
            }
            else
            {
                batch.Swap(last, index);
                waiting.Index = last;
            }

            (rows[index], rows[last], moved.Index) = (moved, waiting, index);
        }
    }
}
