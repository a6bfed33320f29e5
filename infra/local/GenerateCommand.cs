using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Models;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>generate</c>: draws answers from one checkpoint's folder, or from an adapter over it, to try it.</summary>
internal static class GenerateCommand
{
    private const double MostGiB = 1 << 20;

    private static readonly JsonSerializerOptions JsonLines = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "A checkpoint's folder." };
        var adapter = new Option<string?>("--adapter") { Description = "Folder of a LoRA adapter of that model." };
        var prompt = new Option<string?>("--prompt") { Description = "The text to go on from, or with --chat the user's message." };
        var promptIds = new Option<string?>("--prompt-ids") { Description = "Token ids to go on from, such as 1,2,3, in place of --prompt." };
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
        var precision = new Option<string>("--precision") { Description = "float32 (the default) or int8; on a GPU float16 or bfloat16.", DefaultValueFactory = _ => "float32" };
        var memory = new Option<double?>("--memory") { Description = "GiB that weights, keys and values may take together. Default: most of what the machine has." };
        var device = LocalHost.DeviceOption();
        var command = new Command("generate", "Draw answers from a single checkpoint.")
        {
            folder, adapter, prompt, promptIds, chat, greedy, temperature, topP, topK, maxTokens, samples, seed, stop, ignoreEos, json, precision, device, memory,
        };
        command.Run((arguments, cancellation) => Task.Run(
            () =>
            {
                Require(!arguments.GetValue(greedy) || arguments.GetValue(temperature) is null, "--greedy and --temperature exclude each other.");
                Require(arguments.GetValue(samples) is >= 1 and <= 65536, "--samples must be between 1 and 65536.");
                Require(arguments.GetValue(prompt) is null != arguments.GetValue(promptIds) is null, "Either --prompt or --prompt-ids says what to go on from; give one of them.");
                Require(arguments.GetValue(promptIds) is null || !arguments.GetValue(chat), "--chat is for a --prompt; token ids are taken as they are.");
                Require(arguments.GetValue(memory) is null or (> 0 and <= MostGiB), $"--memory must be above 0 and at most {MostGiB} GiB.");
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
                var room = new EngineOptions { Device = arguments.GetValue(device) };
                var computed = PrecisionNames.Parse(arguments.GetRequiredValue(precision));
                room.Check(computed);
                room = room with { Memory = arguments.GetValue(memory) is { } gib ? (long)(gib * (1L << 30)) : room.Memory };
                Generate(
                    arguments.GetRequiredValue(folder), arguments.GetValue(adapter), arguments.GetValue(prompt), arguments.GetValue(promptIds),
                    arguments.GetValue(chat), decoding, arguments.GetValue(samples), arguments.GetValue(json),
                    computed, room, cancellation);
                return 0;
            },
            cancellation));
        return command;
    }

    private static void Generate(
        string folder, string? adapterFolder, string? prompt, string? promptIds, bool chat, Decoding decoding, int samples, bool json,
        Precision precision, EngineOptions room, CancellationToken cancellation)
    {
        var needsText = prompt is not null || !json || decoding.Stop.Count > 0;
        using var checkpoint = Checkpoint.Open(folder, needsText);
        using var adapter = adapterFolder is null ? null : Adapter.Open(adapterFolder, checkpoint.Config);
        var update = adapter is null ? null : new AdapterUpdate(adapter);
        var text = needsText ? ReadText(folder, adapterFolder) : TryReadText(folder, adapterFolder);
        var ids = promptIds is not null ? ParseIds(promptIds)
            : text!.Tokenizer.Encode(chat ? Render(adapterFolder ?? folder, text, prompt!) : prompt!, addSpecialTokens: !chat);
        room = room with { MaxLength = (int)Math.Clamp((long)ids.Count + decoding.MaxTokens, 2, int.MaxValue) };

        // Low-rank updates are drawn beside the base as an evaluation draws them; others are merged into it.
        var beside = update is { IsLowRank: true } ? update : null;
        EngineMemory.Plan(checkpoint.Config, precision, room, beside is null ? 0 : AdapterStack.BytesFor(checkpoint.Config, [beside], precision));
        using var weights = update is { IsLowRank: false } ? Weights.Merge(checkpoint, update, precision) : Weights.Load(checkpoint, precision);
        using var stack = beside is null ? null : AdapterStack.Create(checkpoint.Config, [beside], precision);
        using var engine = new DecodingEngine(weights, room, stack);
        var request = new GenerationRequest(ids, [.. Enumerable.Range(0, samples)], decoding, Adapter: stack is null ? null : 0);
        var completions = engine.Generate(
            [request], drawn => text?.Tokenizer.Decode(drawn, skipSpecialTokens: true) ?? "", text?.EosIds ?? checkpoint.Generation.EosTokenIds, cancellation);
        foreach (var completion in completions.OrderBy(completion => completion.Sample))
        {
            Console.WriteLine(json
                ? JsonSerializer.Serialize(
                    new
                    {
                        completion.Sample,
                        prompt = ids,
                        completion.Ids,
                        text = text is null ? null : completion.Text,
                        completion.LogProbability,
                        completion.TokenLogProbabilities,
                        finishReason = completion.FinishReason == FinishReason.Stop ? "stop" : "length",
                        decoding.Seed,
                    },
                    JsonLines)
                : string.Join('\n', completion.Text.Split('\n').Select(CommandErrors.Inert)));
        }
    }

    private static CheckpointText ReadText(string folder, string? adapter) => adapter is null ? CheckpointText.Load(folder) : CheckpointText.Load(adapter, folder);

    /// <summary>Null where the tokenizer cannot be read, which token ids do without.</summary>
    private static CheckpointText? TryReadText(string folder, string? adapter)
    {
        try
        {
            return ReadText(folder, adapter);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static int[] ParseIds(string text) =>
        [.. text.Split(',').Select(id => int.TryParse(id.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InvalidDataException("--prompt-ids must be token ids with commas between them, such as 1,2,3."))];

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new InvalidDataException(rule);
        }
    }

    private static string Render(string folder, CheckpointText text, string prompt) =>
        (text.Template ?? throw new InvalidDataException($"{folder} has no chat template; leave out --chat, or add chat_template to its tokenizer_config.json."))
        .Render([new ChatMessage("user", prompt)], addGenerationPrompt: true);
}
