using Hindsight.Models;

namespace Hindsight.Generation.Tests;

/// <summary>Frequencies that depend on a sequence's length: every token is as if the whole sequence were read at its present length.</summary>
public class LongSequenceTests
{
    [Theory]
    [InlineData("""{"rope_type": "dynamic", "factor": 4.0}""")]
    [InlineData("""{"rope_type": "longrope", "factor": 8.0, "original_max_position_embeddings": 24, "short_factor": SHORT, "long_factor": LONG}""")]
    public void Rows_that_grow_beyond_the_trained_length_are_read_anew(string scaling)
    {
        using var folder = Folder(scaling);
        using var checkpoint = Checkpoint.Open(folder.Path);
        using var weights = Weights.Load(checkpoint);
        using var plain = new Transformer(weights, Target.Plain, threads: 1);
        using var engine = new DecodingEngine(weights, new() { MaxLength = 64, MostRows = 8, Threads = 1 });

        // Rows that stay short, that cross the limit, and that begin beyond it, side by side.
        var requests = new[] { 5, 21, 30 }.Select(length => new GenerationRequest(
            [.. Enumerable.Range(0, length).Select(place => (place * 37 % 300) + 5)], [0, 1], new Decoding { MaxTokens = 12, IgnoreEos = true }));
        var answers = engine.Generate(requests, Reference.Letters, []).ToList();
        Assert.Equal(6, answers.Count);
        foreach (var answer in answers)
        {
            List<int> text = [.. answer.Request.PromptIds];
            for (var place = 0; place < answer.Ids.Count; place++)
            {
                var vocabulary = weights.Config.VocabularySize;
                var logits = plain.Logits(text).AsSpan()[^vocabulary..].ToArray();
                var expected = logits[answer.Ids[place]] - Math.Log(logits.Sum(logit => Math.Exp(logit)));
                Assert.Equal(expected, answer.TokenLogProbabilities[place], 5e-4);
                Assert.True(logits[answer.Ids[place]] > logits.Max() - 1e-3);
                text.Add(answer.Ids[place]);
            }
        }
    }

    private static ModelFolder Folder(string scaling)
    {
        // Heads of the model have 16 elements, so there are 8 pairs.
        var size = 16 / 2;
        string Factors(double step) => $"[{string.Join(", ", Enumerable.Range(0, size).Select(pair => FormattableString.Invariant($"{1 + (step * pair)}")))}]";
        scaling = scaling.Replace("SHORT", Factors(0.1), StringComparison.Ordinal).Replace("LONG", Factors(1.5), StringComparison.Ordinal);
        return new ModelFolder("llama-gqa", config =>
        {
            config["max_position_embeddings"] = scaling.Contains("dynamic", StringComparison.Ordinal) ? 24 : 192;
            config["rope_scaling"] = System.Text.Json.Nodes.JsonNode.Parse(scaling);
        });
    }
}
