using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>A problem as a model reads it.</summary>
/// <param name="Text">As rendered.</param>
/// <param name="Ids">As token ids.</param>
public sealed record Prompt(string Text, IReadOnlyList<int> Ids)
{
    /// <summary>The prompt's identity.</summary>
    public string Digest { get; } = Workflow.Digest.OfIds(Ids);
}

/// <summary>A problem's prompt, or why there is none: a problem that one model cannot read must not cost the others.</summary>
public sealed record WrittenPrompt(Prompt? Prompt, string? Why);

/// <summary>A checkpoint's side of text: how it reads problems and what its tokens mean.</summary>
/// <param name="Tokenizer">Text to ids and back.</param>
/// <param name="Template">Its chat template, if it has one.</param>
/// <param name="EosIds">The ids that end an answer.</param>
/// <param name="MaxPositions">Most tokens of a prompt and its answer together.</param>
public sealed record CheckpointText(TextTokenizer Tokenizer, ChatTemplate? Template, IReadOnlyList<int> EosIds, int MaxPositions)
{
    /// <summary>Reads tokenizer, template and generation config from a checkpoint's folder.</summary>
    /// <param name="folder">The folder of a whole model, or of an adapter.</param>
    /// <param name="baseFolder">The folder of the adapter's base, which counts for what the adapter does not bring; null for a whole model.</param>
    public static CheckpointText Load(string folder, string? baseFolder = null)
    {
        var model = baseFolder ?? folder;
        var config = Path.Combine(model, CheckpointFiles.Config);
        return new(
            TextTokenizer.Load(Has(folder, CheckpointFiles.Tokenizer) ? folder : model),
            ChatTemplate.Load(folder) ?? ChatTemplate.Load(model),
            Generation(folder, model).EosTokenIds,
            ModelConfig.Parse(File.ReadAllBytes(config), config).MaxPositions);
    }

    private static GenerationConfig Generation(string folder, string model)
    {
        if (folder == model || !Has(folder, CheckpointFiles.GenerationConfig))
        {
            return GenerationConfig.Load(model);
        }

        var (config, own) = (Path.Combine(model, CheckpointFiles.Config), Path.Combine(folder, CheckpointFiles.GenerationConfig));
        return GenerationConfig.Parse(File.ReadAllBytes(config), config, File.ReadAllBytes(own), own);
    }

    private static bool Has(string folder, string name) => File.Exists(Path.Combine(folder, name));

    /// <summary>Checks a checkpoint's folder as far as possible without its weights.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="isReward">Whether it must hold a reward model; else it must hold a language model.</param>
    /// <exception cref="InvalidDataException">A file is missing, malformed or not supported, or tokenizer and model disagree.</exception>
    public static void Check(string folder, bool isReward)
    {
        using var checkpoint = Checkpoint.Open(folder);
        if (checkpoint.Config.Reward is not null != isReward)
        {
            throw new InvalidDataException(isReward
                ? $"{folder} holds a language model ({checkpoint.Config.Architecture}); models holds reward models, and checkpoints belong into their run's folder."
                : $"{folder} holds a reward model ({checkpoint.Config.Architecture}), which draws no answers; upload it to models and name it in {EvaluationFreezer.FileName}.");
        }

        var text = Load(folder);
        if (text.Tokenizer.VocabularySize > checkpoint.Config.VocabularySize)
        {
            throw new InvalidDataException(
                $"{folder}/tokenizer.json has token ids up to {text.Tokenizer.VocabularySize - 1}, and config.json a vocab_size of {checkpoint.Config.VocabularySize}; they belong to different models.");
        }
    }

    /// <summary>Checks an adapter's folder, its tensors included.</summary>
    /// <exception cref="InvalidDataException">A file is missing, malformed or not supported, or does not fit the base.</exception>
    public static void CheckAdapter(string folder, ModelConfig baseConfig)
    {
        using var adapter = Adapter.Open(folder, baseConfig);
        if (adapter.HasTokenizer && TextTokenizer.Load(folder).VocabularySize is var vocabulary && vocabulary > baseConfig.VocabularySize)
        {
            throw new InvalidDataException(
                $"{folder}/tokenizer.json has token ids up to {vocabulary - 1}, and the base's config.json a vocab_size of {baseConfig.VocabularySize}; they belong to different models.");
        }

        if (adapter.IsLowRank)
        {
            AdapterStack.Create(baseConfig, [new AdapterUpdate(adapter)]).Dispose();
        }
    }

    /// <summary>The text of an answer's ids.</summary>
    public string Decode(IReadOnlyList<int> ids) => Tokenizer.Decode(ids, skipSpecialTokens: true);

    /// <summary>The prompt for a problem, or why the checkpoint cannot be asked it.</summary>
    public WrittenPrompt Write(Problem problem, EvaluationSpec spec)
    {
        try
        {
            var prompt = Render(problem, spec);
            return prompt.Ids.Count == 0 ? new WrittenPrompt(null, $"The prompt of the problem '{problem.Id}' is empty; put something around it with \"prompt\".")
                : prompt.Ids.Count >= MaxPositions ? new WrittenPrompt(null, $"The prompt of the problem '{problem.Id}' has {prompt.Ids.Count} tokens, and the model has room for {MaxPositions}.")
                : new WrittenPrompt(prompt, null);
        }
        catch (InvalidDataException exception)
        {
            return new WrittenPrompt(null, exception.Message);
        }
    }

    private Prompt Render(Problem problem, EvaluationSpec spec)
    {
        var chat = spec.Chat ?? Template is not null;
        if (chat && Template is null)
        {
            throw new InvalidDataException("evaluation.json asks for chat, and the checkpoint has no chat template; set \"chat\": false, or add chat_template to tokenizer_config.json.");
        }

        if (!chat && problem.Messages is not null)
        {
            throw new InvalidDataException($"The problem '{problem.Id}' is a conversation, and the checkpoint has no chat template (or \"chat\" is false); give it a 'question' instead.");
        }

        var question = spec.Prompt.Replace("{question}", problem.Question, StringComparison.Ordinal);
        if (!chat)
        {
            return new Prompt(question, Tokenizer.Encode(question, addSpecialTokens: true));
        }

        var messages = problem.Messages ?? [new ChatMessage("user", question)];
        var text = Template!.Render(messages, addGenerationPrompt: true, date: new DateTimeOffset(spec.Date, TimeOnly.MinValue, TimeSpan.Zero));
        return new Prompt(text, Tokenizer.Encode(text, addSpecialTokens: false));
    }

    /// <summary>What answers of one kind have in common when they are drawn from a variant with this text side.</summary>
    public AnswerSource Source(Variant variant, Evaluation evaluation, AnswerKind kind)
    {
        var spec = evaluation.Spec;
        if (kind is AnswerKind.Rewards or AnswerKind.Particles)
        {
            var answers = Source(variant, evaluation, AnswerKind.Sampled).Decoding;
            return new AnswerSource(variant.WeightsDigest, kind == AnswerKind.Rewards
                ? Workflow.Digest.OfJson(new { answers, reward = evaluation.RewardDigest })
                : Workflow.Digest.OfJson(new { answers, reward = evaluation.RewardDigest, variant.Method, particles = spec.Particles!.OfOneMethod }));
        }

        var decoding = Decoding(variant, spec, kind);
        var tokenizer = variant.Late.TokenizerDigest;
        // Left out where it is the default, so that answers drawn before there was a choice keep their digest.
        var precision = spec.Precision == EvaluationSpec.DefaultPrecision ? null : spec.Precision;
        return new AnswerSource(variant.WeightsDigest, Workflow.Digest.OfJson(new
        {
            decoding.Temperature,
            decoding.TopP,
            decoding.TopK,
            decoding.MaxTokens,
            decoding.Stop,
            seed = kind == AnswerKind.Sampled ? spec.Seed : 0,
            EosIds,
            tokenizer,
            precision,
            numerics = DecodingEngine.NumericsVersion,
        }));
    }

    /// <summary>
    /// How answers of one kind are drawn from a variant. The seed depends on the weights too: samples of different checkpoints must be
    /// independent for Pass@k|t to be unbiased, and with a common seed, nearly equal checkpoints would repeat each other's answers. Particles
    /// begin as the samples do, which makes their comparison a paired one.
    /// </summary>
    public static Decoding Decoding(Variant variant, EvaluationSpec spec, AnswerKind kind) =>
        kind == AnswerKind.Greedy
            ? spec.GreedyDecoding ?? throw new InvalidOperationException("No greedy answers are wanted.")
            : (spec.Sampling ?? throw new InvalidOperationException("No sampled answers are wanted.")) with
            {
                Temperature = variant.Temperature ?? spec.Temperature,
                Seed = Workflow.Digest.Seed($"{spec.Seed}/{variant.WeightsDigest}"),
            };
}
