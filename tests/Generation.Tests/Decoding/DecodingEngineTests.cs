using Hindsight.Models;

namespace Hindsight.Generation.Tests;

public class DecodingEngineTests
{
    private static readonly EngineOptions Small = new() { MaxLength = 256, MostRows = 16, Threads = 2 };

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("qwen2-tied")]
    [InlineData("qwen2-sharded")]
    [InlineData("qwen2-bf16")]
    [InlineData("stories260k-real")]
    [InlineData("llama3-rope-scaling")]
    [InlineData("qwen3-tied")]
    [InlineData("mistral-sliding-window")]
    [InlineData("gemma2")]
    public void Greedy_answers_equal_the_reference(string model)
    {
        using var weights = Reference.Load(model, "model");
        AssertGreedy(weights, Reference.Answers(model, "golden"));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void Greedy_answers_of_interpolated_weights_equal_the_reference(double delta)
    {
        using var early = Checkpoint.Open(TestData.PathTo("models", "wise-ft-qwen2", "finetuned"));
        using var late = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var weights = Weights.Interpolate(early, late, earlyWeight: delta);
        AssertGreedy(weights, Reference.Answers("wise-ft-qwen2", "golden", $"delta_{delta:0.0}"));
    }

    [Fact]
    public void A_trained_model_tells_its_story_for_200_tokens()
    {
        using var weights = Reference.Load("stories260k-real", "model");
        using var golden = Reference.Golden("stories260k-real", "golden");
        var expected = Reference.Numbers(golden.RootElement.GetProperty("greedy_from_bos_200"));
        using var engine = new DecodingEngine(weights, Small);
        Assert.Equal(expected, Assert.Single(Draw(engine, Request([1], 1, new() { MaxTokens = expected.Length }))).Ids);
    }

    [Fact]
    public void An_answer_is_the_same_bit_for_bit_alone_and_among_63_others_in_any_order()
    {
        using var weights = Reference.Load("stories260k-real", "model");
        var prompts = Reference.Answers("stories260k-real", "golden").Select(row => row.Prompt).ToList();
        var requests = prompts.Select((prompt, index) => Request(prompt, 16, new Decoding
        {
            Temperature = 0.8 + (0.1 * index),
            TopP = index % 2 == 0 ? 1 : 0.9,
            TopK = index % 3 == 0 ? 0 : 40,
            MaxTokens = 20 + (13 * index),
            Seed = 5,
        })).ToList();

        var together = Bits(new() { MaxLength = 256, MostRows = 64, Threads = 2 }, requests);
        Assert.Equal(prompts.Count * 16, together.Count);
        Assert.Equal(together, Bits(new() { MaxLength = 256, MostRows = 64, Threads = 1 }, requests.AsEnumerable().Reverse()));
        Assert.Equal(together, Bits(new() { MaxLength = 200, MostRows = 5, Threads = 2 }, requests.OrderBy(request => request.PromptIds.Count)));

        using var engine = new DecodingEngine(weights, new() { MaxLength = 256, MostRows = 64, Threads = 2 });
        foreach (var request in requests)
        {
            foreach (var sample in request.Samples.Take(3))
            {
                var alone = Assert.Single(Draw(engine, request with { Samples = [sample] }));
                Assert.Equal(together[Key(alone)], Value(alone));
            }
        }

        SortedDictionary<string, string> Bits(EngineOptions options, IEnumerable<GenerationRequest> wanted)
        {
            using var engine = new DecodingEngine(weights, options);
            return new(Draw(engine, [.. wanted]).ToDictionary(Key, Value), StringComparer.Ordinal);
        }

        static string Key(Completion completion) => $"{string.Join(' ', completion.Request.PromptIds)}/{completion.Sample}";

        static string Value(Completion completion) =>
            $"{string.Join(' ', completion.Ids)}/{BitConverter.DoubleToInt64Bits(completion.LogProbability)}"
            + $"/{string.Join(' ', completion.TokenLogProbabilities.Select(BitConverter.SingleToInt32Bits))}/{completion.FinishReason}";
    }

    [Fact]
    public void Log_probabilities_are_those_of_the_plain_form_whatever_the_decoding()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small);
        using var plain = new Transformer(weights, Target.Plain, threads: 2);
        var vocabulary = weights.Config.VocabularySize;
        int[] prompt = [54, 71, 289, 304, 220];
        foreach (var decoding in (Decoding[])[new(), new() { Temperature = 1.5 }, new() { Temperature = 0.7, TopK = 20, TopP = 0.8 }])
        {
            foreach (var answer in Draw(engine, Request(prompt, 4, decoding with { MaxTokens = 30, IgnoreEos = true })))
            {
                var logits = plain.Logits([.. prompt, .. answer.Ids]);
                var expected = answer.Ids.Select((id, position) =>
                {
                    var row = logits.AsSpan((prompt.Length + position - 1) * vocabulary, vocabulary).ToArray();
                    return row[id] - Math.Log(row.Sum(logit => Math.Exp(logit)));
                }).ToList();
                Assert.All(expected.Zip(answer.TokenLogProbabilities), pair => Assert.Equal(pair.First, pair.Second, 5e-4));
                Assert.Equal(expected.Sum(), answer.LogProbability, 30 * 5e-4);
            }
        }
    }

    [Fact]
    public void Samples_of_a_prompt_differ_and_another_seed_gives_others()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small);
        var answers = new ulong[] { 1, 2 }
            .SelectMany(seed => Draw(engine, Request([5, 6], 20, new() { Temperature = 1, MaxTokens = 12, Seed = seed })))
            .Select(answer => string.Join(' ', answer.Ids));
        Assert.Equal(40, answers.Distinct().Count());
    }

    [Fact]
    public void A_prompt_is_read_once_for_all_its_samples_and_only_when_a_row_is_free()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small with { MostRows = 4 });
        var taken = 0;
        IEnumerable<GenerationRequest> Requests()
        {
            for (var prompt = 1; prompt <= 6; prompt++)
            {
                taken++;
                yield return Request([prompt, prompt], 3, new() { Temperature = 1, MaxTokens = 5, IgnoreEos = true });
            }
        }

        var answers = new List<Completion>();
        foreach (var answer in engine.Generate(Requests(), Reference.Letters, []))
        {
            answers.Add(answer);
            Assert.InRange(taken, 1, 2 + ((answers.Count + 2) / 3));
        }

        Assert.Equal(18, answers.Count);
        Assert.Equal(new EngineWork(Prompts: 6, PromptTokens: 12, DrawnTokens: 90, Steps: engine.Work.Steps), engine.Work);
        Assert.InRange(engine.Work.Steps, 72 / 4, 4 * 5);
    }

    [Fact]
    public void An_end_of_text_token_ends_an_answer_and_counts_but_is_not_text()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small);
        var (prompt, greedy) = Reference.Answers("qwen2-tied", "golden")[0];
        var eos = greedy[4];
        var request = Request(prompt, 1, new() { MaxTokens = 32 });

        var ended = Assert.Single(engine.Generate([request], Reference.Letters, [7, eos]));
        Assert.Equal(greedy[..5], ended.Ids);
        Assert.Equal(5, ended.TokenLogProbabilities.Count);
        Assert.Equal(Reference.Letters(greedy[..4]), ended.Text);
        Assert.Equal(FinishReason.Stop, ended.FinishReason);

        var ignored = Assert.Single(engine.Generate([request with { Decoding = request.Decoding with { IgnoreEos = true } }], Reference.Letters, [eos]));
        Assert.Equal(greedy, ignored.Ids);
        Assert.Equal(FinishReason.Length, ignored.FinishReason);
    }

    [Fact]
    public void A_stop_text_ends_an_answer_and_is_cut_from_its_text()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small);
        var (prompt, greedy) = Reference.Answers("qwen2-tied", "golden")[0];
        var text = Reference.Letters(greedy);
        var stop = text[20..23];
        var place = text.IndexOf(stop, StringComparison.Ordinal);
        var answer = Assert.Single(Draw(engine, Request(prompt, 1, new() { MaxTokens = 32, Stop = ["never there", stop] })));
        Assert.Equal(greedy[..(place + 3)], answer.Ids);
        Assert.Equal(text[..place], answer.Text);
        Assert.Equal(FinishReason.Stop, answer.FinishReason);
    }

    [Fact]
    public void An_answer_is_cut_off_where_there_is_no_more_room()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small with { MaxLength = 20 });
        var (prompt, greedy) = Reference.Answers("qwen2-tied", "golden")[0];
        var answer = Assert.Single(Draw(engine, Request(prompt, 1, new() { MaxTokens = 32 })));
        Assert.Equal(greedy[..8], answer.Ids);
        Assert.Equal(FinishReason.Length, answer.FinishReason);

        using var boundless = new DecodingEngine(weights, Small with { MaxLength = 100_000, MostRows = 1 });
        Assert.Equal(weights.Config.MaxPositions, boundless.MaxLength);
    }

    [Fact]
    public void A_prompt_longer_than_a_piece_is_read_like_a_short_one()
    {
        using var folder = new ModelFolder("stories260k-real", config => config["max_position_embeddings"] = 4096);
        using var checkpoint = Checkpoint.Open(folder.Path);
        using var weights = Weights.Load(checkpoint);
        using var engine = new DecodingEngine(weights, Small with { MaxLength = 2048 });
        using var plain = new Transformer(weights, Target.Plain, threads: 2);
        var random = new Random(1);
        foreach (var length in (int[])[511, 512, 513, 1100])
        {
            int[] prompt = [.. Enumerable.Range(0, length).Select(_ => random.Next(3, 512))];
            var answer = Assert.Single(Draw(engine, Request(prompt, 1, new() { MaxTokens = 2, IgnoreEos = true })));
            var logits = plain.Logits([.. prompt, answer.Ids[0]]);
            for (var position = 0; position < 2; position++)
            {
                var row = logits.AsSpan((length - 1 + position) * 512, 512).ToArray();
                Assert.Equal(row[answer.Ids[position]] - Math.Log(row.Sum(logit => Math.Exp(logit))), answer.TokenLogProbabilities[position], 5e-4);
            }
        }
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused_with_the_numbers()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small with { MaxLength = 20 });
        string Refusal(GenerationRequest request) => Assert.Throws<InvalidDataException>(() => Draw(engine, request)).Message;

        Assert.Contains("20 tokens", Refusal(Request(new int[20], 1, new())), StringComparison.Ordinal);
        Assert.Contains("384", Refusal(Request([384], 1, new())), StringComparison.Ordinal);
        Assert.Contains("no tokens", Refusal(Request([], 1, new())), StringComparison.Ordinal);
        Assert.Contains("temperature is -1", Refusal(Request([1], 1, new() { Temperature = -1 })), StringComparison.Ordinal);
        Assert.Contains("top_p is 0", Refusal(Request([1], 1, new() { TopP = 0 })), StringComparison.Ordinal);
        Assert.Contains("top_k is -2", Refusal(Request([1], 1, new() { TopK = -2 })), StringComparison.Ordinal);
        Assert.Contains("max_tokens is 0", Refusal(Request([1], 1, new() { MaxTokens = 0 })), StringComparison.Ordinal);
        Assert.Contains("stop", Refusal(Request([1], 1, new() { Stop = [""] })), StringComparison.Ordinal);
        Assert.Single(Draw(engine, Request([1], 1, new() { MaxTokens = 3 })));
    }

    [Fact]
    public void Drawing_can_be_cancelled_or_left_and_begun_again()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        using var engine = new DecodingEngine(weights, Small);
        var endless = Enumerable.Range(0, int.MaxValue).Select(prompt => Request([prompt % 300], 2, new() { Temperature = 1, MaxTokens = 4 }));

        using var cancellation = new CancellationTokenSource();
        var drawn = 0;
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var _ in engine.Generate(endless, Reference.Letters, [], cancellation.Token))
            {
                if (++drawn == 10)
                {
                    cancellation.Cancel();
                }
            }
        });
        Assert.InRange(drawn, 10, 10 + (2 * engine.Rows));

        Assert.Equal(5, engine.Generate(endless, Reference.Letters, []).Take(5).Count());
        var (prompt, greedy) = Reference.Answers("qwen2-tied", "golden")[1];
        Assert.Equal(greedy, Assert.Single(Draw(engine, Request(prompt, 1, new() { MaxTokens = 32, IgnoreEos = true }))).Ids);
    }

    [Fact]
    public void Rows_are_fewer_where_memory_is_short_and_a_model_that_cannot_fit_is_refused_with_the_numbers()
    {
        using var weights = Reference.Load("qwen2-tied", "model");
        // 3 layers, keys and values, 2 heads, 100 tokens and the rest of a shortest piece of 16, of 16 floats, and 384 logits.
        const long Row = (3 * 2 * 2 * (100 + 15) * 16 * 4) + (384 * 4);
        var options = new EngineOptions { MaxLength = 100, Threads = 1 };
        var plan = EngineMemory.Plan(weights.Config, weights.Precision, options);
        Assert.Equal(Row, plan.Row);
        Assert.Equal(options.MostRows, plan.Rows);

        var left = plan.Total - (plan.Rows * Row);
        using var engine = new DecodingEngine(weights, options with { Memory = left + (7 * Row) + 5 });
        Assert.Equal(7, engine.Rows);
        var refusal = Assert.Throws<InvalidDataException>(() => EngineMemory.Plan(weights.Config, weights.Precision, options with { Memory = left + Row - 1 })).Message;
        Assert.Contains("does not fit", refusal, StringComparison.Ordinal);
        Assert.Contains("GiB", refusal, StringComparison.Ordinal);
    }

    private static void AssertGreedy(Weights weights, IReadOnlyList<(int[] Prompt, int[] Greedy)> answers)
    {
        using var engine = new DecodingEngine(weights, Small);
        var requests = answers.Select(answer => Request(answer.Prompt, 1, new() { MaxTokens = 32, IgnoreEos = true }) with { Tag = answer.Greedy });
        Assert.All(Draw(engine, [.. requests]), answer => Assert.Equal((int[])answer.Request.Tag!, answer.Ids));
    }

    private static GenerationRequest Request(int[] prompt, int samples, Decoding decoding) => new(prompt, [.. Enumerable.Range(0, samples)], decoding);

    private static List<Completion> Draw(DecodingEngine engine, params GenerationRequest[] requests) =>
        [.. engine.Generate(requests, Reference.Letters, [])];
}
