using FsCheck;
using FsCheck.Fluent;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

public class DecodingBatchTests
{
    [Fact]
    public void Rows_that_were_forked_and_swapped_go_on_as_the_rows_they_came_from()
    {
        const int Rows = 7;
        using var weights = Reference.Load("stories260k-real", "model");
        using var batch = new DecodingBatch(weights, Rows, maxLength: 32, threads: 1);

        // Row i holds a prompt of its own, of a length of its own; what follows token 5 tells whose keys and values a row has.
        var expected = Enumerable.Range(0, Rows).Select(row =>
        {
            Read(batch, Prompt(row));
            batch.Place(0);
            batch.Step([5]);
            return batch.Logits(0).ToArray();
        }).ToArray();

        var moves = (from swap in Gen.Elements(true, false) from one in Gen.Choose(0, Rows - 1) from other in Gen.Choose(0, Rows - 1) select (swap, one, other)).ListOf();
        Prop.ForAll(moves.ToArbitrary(), moves =>
        {
            var held = Enumerable.Range(0, Rows).ToArray();
            for (var row = 0; row < Rows; row++)
            {
                Read(batch, Prompt(row));
                batch.Place(row);
            }

            foreach (var (swap, one, other) in moves.Where(move => move.one != move.other))
            {
                if (swap)
                {
                    batch.Swap(one, other);
                    (held[one], held[other]) = (held[other], held[one]);
                }
                else
                {
                    batch.Fork(one, other);
                    held[other] = held[one];
                }
            }

            Assert.Equal(held.Select(source => Prompt(source).Length), Enumerable.Range(0, Rows).Select(batch.Length));
            batch.Step([5, 5, 5, 5, 5, 5, 5]);
            Assert.All(held.Index(), row => Assert.Equal(expected[row.Item], batch.Logits(row.Index).ToArray()));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_prompt_is_read_in_pieces_while_rows_go_on()
    {
        using var weights = Reference.Load("stories260k-real", "model");
        using var batch = new DecodingBatch(weights, rows: 2, maxLength: 400, threads: 2);
        int[] story = [.. Enumerable.Range(0, 300).Select(place => 3 + (place % 500))];
        Read(batch, story);
        var expected = batch.PromptLogits.ToArray();

        Read(batch, Prompt(1));
        batch.Place(0);
        var steps = new List<float[]>();
        for (var step = 0; step < 3; step++)
        {
            batch.Step([7]);
            steps.Add(batch.Logits(0).ToArray());
        }

        Read(batch, Prompt(1));
        batch.Place(0);
        batch.Begin(story);
        foreach (var logits in steps)
        {
            Assert.False(batch.PromptIsRead);
            batch.ReadPiece();
            batch.Step([7]);
            Assert.Equal(logits, batch.Logits(0).ToArray());
        }

        Assert.True(batch.PromptIsRead);
        Assert.Equal(expected, batch.PromptLogits.ToArray());
    }

    [Fact]
    public void Rows_that_wait_go_on_where_they_stood()
    {
        using var weights = Reference.Load("stories260k-real", "model");
        using var batch = new DecodingBatch(weights, rows: 8, maxLength: 40, threads: 1);
        float[][] Drawn(int[][] steps)
        {
            for (var row = 0; row < 4; row++)
            {
                Read(batch, Prompt(row));
                batch.Place(row);
            }

            var last = new float[4][];
            foreach (var ids in steps)
            {
                batch.Step(ids);
                for (var row = 0; row < ids.Length; row++)
                {
                    last[row] = ids[row] == DecodingBatch.Wait ? last[row] : batch.Logits(row).ToArray();
                }
            }

            return last;
        }

        var together = Drawn([[5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]);
        const int Wait = DecodingBatch.Wait;
        Assert.Equal(together, Drawn([[5, Wait, 7, 8], [9, 6, Wait, 12], [13, 10, Wait, Wait], [Wait, 14, 11, 16], [Wait, Wait, 15, Wait]]));
        // A step has more rows than those it is told of.
        Assert.Equal(together, Drawn([[5, 6, 7, 8], [9, 10, 11, 12], [13], [Wait, 14, 15], [Wait, Wait, Wait, 16]]));
    }

    [Fact]
    public void Tokens_taken_away_leave_nothing_behind()
    {
        using var weights = Reference.Load("stories260k-real", "model");
        using var batch = new DecodingBatch(weights, rows: 2, maxLength: 400, threads: 1);
        int[] story = [.. Enumerable.Range(0, 300).Select(place => 3 + (place % 500))];
        batch.Append(1, story);
        var expected = batch.Logits(1).ToArray();
        batch.Truncate(1, 128);
        batch.Append(1, [9, 8, 7]);
        batch.Truncate(1, 128);
        batch.Append(1, story[128..]);
        Assert.Equal(expected, batch.Logits(1).ToArray());
        Assert.Equal(story, batch.Sequence(1));
    }

    private static int[] Prompt(int row) => [1, .. Enumerable.Range(0, row + 1).Select(place => 10 + (30 * row) + place)];

    private static void Read(DecodingBatch batch, int[] prompt)
    {
        batch.Begin(prompt);
        while (!batch.PromptIsRead)
        {
            batch.ReadPiece();
        }
    }
}
