using System.Text;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Families;

public class FamilyTests
{
    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void Both_forms_equal_the_equations(string name)
    {
        using var model = FamilyCases.Of(name);
        using var weights = model.Folder.Load();
        using var fused = new Transformer(weights, Target.Fused, threads: 1);
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        foreach (var length in (int[])[1, 7, 23, 45])
        {
            if (length > weights.Config.MaxPositions)
            {
                continue;
            }

            var ids = Ids(length);
            var expected = model.ReferenceLogits(ids);
            Assert.True(expected.Max() - expected.Min() > 1);
            Close(expected, plain.Logits(ids));
            Close(expected, fused.Logits(ids));
        }
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void A_prompt_read_in_pieces_and_then_token_by_token_gives_the_same(string name)
    {
        using var model = FamilyCases.Of(name);
        using var weights = model.Folder.Load();
        using var cached = new CachedTransformer(weights, rows: 1, capacity: 45);
        foreach (var pieces in (int[][])[[9, 14, 1, 1, 1, 8, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [30, 1, 1]])
        {
            var ids = Ids(Math.Min(pieces.Sum(), weights.Config.MaxPositions));
            var logits = new List<float>();
            var start = 0;
            foreach (var piece in pieces)
            {
                var end = Math.Min(start + piece, ids.Length);
                if (end > start)
                {
                    logits.AddRange(cached.Read([ids[start..end]], [start], ids.Length));
                }

                start = end;
            }

                Close(model.ReferenceLogits(ids), [.. logits]);
        }
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void Rows_of_different_lengths_go_on_side_by_side(string name)
    {
        using var model = FamilyCases.Of(name);
        using var weights = model.Folder.Load();
        int[] lengths = [2, 12, 29, 17];
        using var cached = new CachedTransformer(weights, rows: lengths.Length, capacity: 45);
        var texts = lengths.Select((length, row) => Ids(Math.Min(length + 3, weights.Config.MaxPositions), seed: row)).ToArray();
        for (var row = 0; row < texts.Length; row++)
        {
            cached.ReadRow(row, texts[row][..^3], texts[row].Length);
        }

        var results = texts.Select(_ => new List<float>()).ToArray();
        for (var step = 3; step > 0; step--)
        {
            var places = texts.Select(text => text.Length - step).ToArray();
            var logits = cached.Read([.. texts.Zip(places, (text, place) => text[place..(place + 1)])], places, [.. texts.Select(text => text.Length)]);
            for (var row = 0; row < texts.Length; row++)
            {
                results[row].AddRange(logits.AsSpan(row * weights.Config.VocabularySize, weights.Config.VocabularySize));
            }
        }

        for (var row = 0; row < texts.Length; row++)
        {
            Close([.. model.ReferenceLogits(texts[row]).TakeLast(3 * weights.Config.VocabularySize)], [.. results[row]]);
        }
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void A_damaged_config_is_refused_in_one_way_only(string name)
    {
        using var model = FamilyCases.Of(name);
        var original = Encoding.UTF8.GetBytes(model.Config.ToJsonString());
        var mutations = new Mutations(seed: name.Length);
        for (var round = 0; round < 200; round++)
        {
            try
            {
                var parsed = ModelConfig.Parse(mutations.Of(original), "the-config");
                Assert.NotEmpty(ModelGraph.Parameters(parsed with { Layers = 1, Windows = [parsed.Windows[0]] }));
                Assert.NotEqual(0, ModelGraph.For(parsed with { Layers = 1, Windows = [parsed.Windows[0]] }, Target.Fused).Bytes.Length);
            }
            catch (InvalidDataException refusal)
            {
                Assert.StartsWith("the-config", refusal.Message, StringComparison.Ordinal);
            }
        }
    }

    private static int[] Ids(int length, int seed = 7)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(48))];
    }

    private static void Close(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-4);
    }
}
