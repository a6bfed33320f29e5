using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Local;

/// <summary><c>generate</c>: draws answers from one checkpoint's folder, to try it.</summary>
internal static class GenerateCommand
{
    private static readonly JsonSerializerOptions JsonLines = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "A checkpoint's folder." };
        var prompt = new Option<string>("--prompt") { Description = "The text to go on from, or with --chat the user's message.", Required = true };
        var chat = new Option<bool>("--chat") { Description = "Put the prompt through the checkpoint's chat template." };
        var greedy = new Option<bool>("--greedy") { Description = "Always take the likeliest token. This is the default unless a temperature is given." };
        var temperature = new Option<double?>("--temperature") { Description = "Sample at this temperature." };
        var topP = new Option<double>("--top-p") { Description = "Nucleus sampling. Default 1.", DefaultValueFactory = _ => 1 };
        var topK = new Option<int>("--top-k") { Description = "Only the k likeliest tokens. Default 0, off." };
        var maxTokens = new Option<int>("--max-tokens") { Description = "Most tokens to draw. Default 256.", DefaultValueFactory = _ => 256 };
        var samples = new Option<int>("--samples") { Description = "How many answers. Default 1.", DefaultValueFactory = _ => 1 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the samples. Default 0." };
        var stop = new Option<string[]>("--stop") { Description = "A text that ends an answer; may be given several times." };
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Go on after end-of-text ids." };
        var json = new Option<bool>("--json") { Description = "A JSON line per answer: token ids, text, log-probabilities, finish reason." };
        var command = new Command("generate", "Draw answers from a single checkpoint.")
        {
            folder, prompt, chat, greedy, temperature, topP, topK, maxTokens, samples, seed, stop, ignoreEos, json,
        };
        command.Run((arguments, cancellation) => Task.Run(
            () =>
            {
                Require(!arguments.GetValue(greedy) || arguments.GetValue(temperature) is null, "--greedy and --temperature exclude each other.");
                Require(arguments.GetValue(samples) is >= 1 and <= 65536, "--samples must be between 1 and 65536.");
                var decoding = new Decoding
                {
                    Temperature = arguments.GetValue(temperature) ?? 0,
                    TopP = arguments.GetValue(topP),
                    TopK = arguments.GetValue(topK),
                    MaxTokens = arguments.GetValue(maxTokens),
                    Stop = arguments.GetValue(stop) ?? [],
                    Seed = arguments.GetValue(seed),
                    IgnoreEos = arguments.GetValue(ignoreEos),
                };
                Generate(
                    arguments.GetRequiredValue(folder), arguments.GetRequiredValue(prompt), arguments.GetValue(chat), decoding,
                    arguments.GetValue(samples), arguments.GetValue(json), cancellation);
                return 0;
            },
            cancellation));
        return command;
    }

    private static void Generate(
        string folder, string prompt, bool chat, Decoding decoding, int samples, bool json, CancellationToken cancellation)
    {
        using var checkpoint = Checkpoint.Open(folder);
        var tokenizer = TextTokenizer.Load(folder);
        var ids = tokenizer.Encode(chat ? Render(folder, prompt) : prompt, addSpecialTokens: !chat);
        using var weights = Weights.Load(checkpoint);
        using var engine = new DecodingEngine(weights, new EngineOptions { MaxLength = (int)Math.Min(int.MaxValue, (long)ids.Count + decoding.MaxTokens) });
        var request = new GenerationRequest(ids, [.. Enumerable.Range(0, samples)], decoding);
        var completions = engine.Generate([request], drawn => tokenizer.Decode(drawn, skipSpecialTokens: true), checkpoint.Generation.EosTokenIds, cancellation);
        foreach (var completion in completions.OrderBy(completion => completion.Sample))
        {
            Console.WriteLine(json
                ? JsonSerializer.Serialize(
                    new
                    {
                        completion.Sample,
                        prompt = ids,
                        completion.Ids,
                        completion.Text,
                        completion.LogProbability,
                        completion.TokenLogProbabilities,
                        finishReason = completion.FinishReason == FinishReason.Stop ? "stop" : "length",
                        decoding.Seed,
                    },
                    JsonLines)
                : string.Join('\n', completion.Text.Split('\n').Select(CommandErrors.Inert)));
        }
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new InvalidDataException(rule);
        }
    }

    private static string Render(string folder, string prompt) =>
        (ChatTemplate.Load(folder) ?? throw new InvalidDataException($"{folder} has no chat template; leave out --chat, or add chat_template to its tokenizer_config.json."))
        .Render([new ChatMessage("user", prompt)], addGenerationPrompt: true);
}
