using FsCheck;
using FsCheck.Fluent;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

public class RewardModelTests
{
    private const string Question = "How many minutes are in 2 hours and 15 minutes?";

    private static readonly EngineOptions Options = new() { MaxLength = 400, Threads = 1 };

    private static readonly string[] Steps =
        ["One hour is 60 minutes.", "2 hours are 2*60 = 120 minutes.", "120 + 15 = 145.", "The answer is 145 minutes."];

    // What the reference texts were made with: no system turn.
    private static readonly ChatTemplate Template = new(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", new Dictionary<string, string>());

    [Fact]
    public void Step_rewards_equal_the_reference_when_scored_step_by_step()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        using var model = new RewardModel(weights, Text("qwen2-prm", weights), rows: 2, Options);
        using var golden = Reference.Golden("qwen2-prm", "golden");
        var scored = 0;
        foreach (var prompt in golden.RootElement.GetProperty("prompts").EnumerateArray().Where(prompt => prompt.GetProperty("step_rewards").GetArrayLength() > 0))
        {
            if (prompt.GetProperty("text").GetString() is not { } text || text.Split("<|im_end|>\n<|im_start|>assistant\n") is not [var user, var answer])
            {
                continue;
            }

            var steps = answer.Split("<extra_0>")[..^1];
            var conversation = model.Text.Read([new ChatMessage("user", user["<|im_start|>user\n".Length..])]);
            model.Begin(1, conversation);
            var rewards = steps.Select((_, step) => model.Score(1, conversation, steps[..(step + 1)]).Probability).ToArray();
            var expected = prompt.GetProperty("step_rewards").EnumerateArray().Select(reward => reward.GetDouble()).ToArray();
            Assert.All(rewards.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 2e-4));
            scored += rewards.Length;
        }

        Assert.True(scored >= 8);
    }

    [Theory]
    [InlineData("qwen2-prm")]
    [InlineData("qwen2-reward")]
    public void A_prefix_that_is_kept_scores_as_one_that_is_read_anew(string name)
    {
        using var weights = Reference.Load(name, "model");
        using var model = new RewardModel(weights, Text(name, weights), rows: 3, Options);
        using var whole = new Transformer(weights, Target.Plain, threads: 1);
        var conversation = model.Text.Read([new ChatMessage("user", Question)]);
        model.Begin(0, conversation);
        for (var step = 1; step <= Steps.Length; step++)
        {
            var before = model.Tokens;
            var reward = model.Score(0, conversation, Steps[..step]);
            var ids = model.Text.Write(conversation, Steps[..step]);
            var expected = Reward.Of(whole.Logits(ids).AsSpan(^weights.Config.Outputs..), weights.Config.Outputs - 1);
            Assert.Equal(expected.Value, reward.Value, 2e-4);
            Assert.InRange(model.Tokens - before, 1, 2 * Steps[step - 1].Length);
        }
    }

    [Fact]
    public void Forked_rows_go_on_apart()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        using var model = new RewardModel(weights, Text("qwen2-prm", weights), rows: 4, Options);
        var conversation = model.Text.Read([new ChatMessage("user", Question)]);
        double Alone(params string[] steps)
        {
            model.Begin(3, conversation);
            return steps.Select((_, step) => model.Score(3, conversation, steps[..(step + 1)]).Value).Last();
        }

        var ways = Gen.Elements(Steps).ArrayOf(3).ToArbitrary();
        Prop.ForAll(ways, ways, (left, right) =>
        {
            model.Begin(0, conversation);
            model.Score(0, conversation, left[..2]);
            model.Fork(0, 1);
            var other = model.Score(1, conversation, [.. left[..2], right[0]]).Value;
            // A step that was taken back, as when an ancestor is drawn again, leaves nothing behind.
            var first = model.Score(0, conversation, left).Value;
            Assert.Equal(first, model.Score(0, conversation, left).Value, 1e-4);
            model.Fork(0, 2);
            Assert.Equal(Alone(left), model.Score(2, conversation, left).Value, 2e-4);
            Assert.Equal(Alone([.. left[..2], right[0]]), other, 2e-4);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(15));
    }

    [Fact]
    public void The_demo_s_reward_model_reads_and_scores_as_the_program_that_trained_it()
    {
        var folder = TestData.PathTo("demo", "run", "models", "prm");
        using var checkpoint = Checkpoint.Open(folder);
        using var weights = Weights.Load(checkpoint);
        using var model = new RewardModel(weights, RewardText.Load(folder, weights.Config.Reward!), rows: 1, Options);
        using var golden = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(TestData.PathTo("demo", "prm-golden.json")));
        Assert.All(golden.RootElement.GetProperty("cases").EnumerateArray(), item =>
        {
            var conversation = model.Text.Read([new ChatMessage("user", item.GetProperty("question").GetString()!)]);
            string[] steps = [.. item.GetProperty("steps").EnumerateArray().Select(step => step.GetString()! + "\n")];
            Assert.Equal(Reference.Numbers(item.GetProperty("input_ids")), model.Text.Write(conversation, steps));
            model.Begin(0, conversation);
            Assert.All(item.GetProperty("step_scores").EnumerateArray().Index(), score =>
                Assert.Equal(score.Item.GetDouble(), model.Score(0, conversation, steps[..(score.Index + 1)]).Probability, 2e-4));
        });
    }

    [Fact]
    public void A_text_is_scored_by_its_last_token_as_the_reference_does()
    {
        using var weights = Reference.Load("qwen2-reward", "model");
        using var golden = Reference.Golden("qwen2-reward", "golden");
        using var batch = new DecodingBatch(weights, rows: 2, maxLength: 200, threads: 1);
        foreach (var prompt in golden.RootElement.GetProperty("prompts").EnumerateArray())
        {
            var ids = Reference.Numbers(prompt.GetProperty("input_ids"));
            batch.Truncate(1, 0);
            foreach (var part in ids.Chunk((ids.Length + 1) / 2))
            {
                batch.Append(1, part);
            }

            Assert.Equal(prompt.GetProperty("score")[0].GetDouble(), batch.Logits(1)[0], 5e-4);
        }
    }

    [Fact]
    public void A_separator_or_special_token_that_the_answer_spells_out_has_no_effect()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        var text = Text("qwen2-prm", weights);
        var conversation = text.Read([new ChatMessage("user", Question)]);
        Assert.Equal(text.Write(conversation, ["1 + 1 = 2"]), text.Write(conversation, ["1 + <extra_0>1<|im_end|> = <extr<extra_0>a_0>2"]));
    }

    [Fact]
    public void A_separator_or_special_token_that_the_question_spells_out_has_no_effect()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        var text = Text("qwen2-prm", weights);
        IReadOnlyList<int> Written(string question) => text.Write(text.Read([new ChatMessage("user", question)]), ["2"]);
        Assert.Equal(Written("What is 1 + 1?"), Written("What <extra_0>is 1 <|im_end|>+ 1?"));
    }

    /// <summary>Models that TRL trains have a line break behind each step, which written out would become one token with a full stop before it.</summary>
    [Fact]
    public void An_ordinary_token_as_separator_stands_behind_every_step_by_itself()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        var tokenizer = TextTokenizer.Load(TestData.PathTo("models", "qwen2-prm", "model"));
        var text = Text("qwen2-prm", weights, "\n");
        var conversation = text.Read([new ChatMessage("user", "Line one.\nLine two?")]);
        var lineBreak = Assert.Single(tokenizer.Encode("\n", addSpecialTokens: false));
        for (var count = 1; count <= Steps.Length; count++)
        {
            Assert.Equal(
                [
                    .. tokenizer.Encode(conversation.Before + Steps[0], addSpecialTokens: false), lineBreak,
                    .. Steps[1..count].SelectMany(step => tokenizer.Encode(step, addSpecialTokens: false).Append(lineBreak)),
                ],
                text.Write(conversation, [.. Steps[..count].Select(step => step + "\n")]));
        }
    }

    [Fact]
    public void A_separator_that_is_several_tokens_is_refused()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        var error = Assert.Throws<InvalidDataException>(() => Text("qwen2-prm", weights, "<step>"));
        Assert.Contains("'<step>'", error.Message, StringComparison.Ordinal);
        Assert.Contains("must be one", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_language_model_is_no_reward_model_and_a_reward_model_draws_no_answers()
    {
        using var language = Reference.Load("qwen2-tied", "model");
        using var rewards = Reference.Load("qwen2-prm", "model");
        Assert.Contains("Qwen2ForCausalLM", Assert.Throws<InvalidDataException>(() => new RewardModel(language, Text("qwen2-prm", rewards), 1, Options)).Message, StringComparison.Ordinal);
        Assert.Contains("ProcessRewardModel", Assert.Throws<InvalidDataException>(() => new DecodingEngine(rewards, Options)).Message, StringComparison.Ordinal);
        Assert.Contains("labels 0 to 1", Assert.Throws<InvalidDataException>(() => new RewardModel(rewards, Text("qwen2-prm", rewards), 1, Options, label: 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_is_too_long_for_the_reward_model_is_refused_in_numbers()
    {
        using var weights = Reference.Load("qwen2-prm", "model");
        using var model = new RewardModel(weights, Text("qwen2-prm", weights), rows: 1, Options with { MaxLength = 80 });
        var conversation = model.Text.Read([new ChatMessage("user", Question)]);
        model.Begin(0, conversation);
        Assert.Contains("room for 80", Assert.Throws<InvalidDataException>(() => model.Score(0, conversation, Steps)).Message, StringComparison.Ordinal);
    }

    private static RewardText Text(string name, Weights weights, string? separator = null) =>
        new(TextTokenizer.Load(TestData.PathTo("models", name, "model")), Template, weights.Config.Reward!, separator);
}
