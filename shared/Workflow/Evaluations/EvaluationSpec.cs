using System.Text.Json;
using Hindsight.Generation;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>
/// What a person asks for in <c>evaluation.json</c>, in the run's folder. Every field may be left out; <see cref="Parse"/> checks them all
/// and names the one that is wrong.
/// </summary>
public sealed record EvaluationSpec
{
    internal const string DefaultPrecision = "float32";

    /// <summary>Name of the suite (<c>suites/{suite}.jsonl</c>). Default: the suite named like the run, else the only suite there is.</summary>
    public string? Suite { get; init; }

    /// <summary>Sampled answers per problem and variant (n of Pass@k). 0 draws greedy answers only. Default 16.</summary>
    public int SamplesPerProblem { get; init; } = 16;

    /// <summary>Whether one greedy answer is drawn per problem and checkpoint; the forgetting scores need it. Default true.</summary>
    public bool Greedy { get; init; } = true;

    /// <summary>Temperature of the sampled answers, in [0.01, 10]. Default 0.6, as in arXiv 2505.20196.</summary>
    public double Temperature { get; init; } = 0.6;

    /// <summary>Other temperatures to draw the final checkpoint's samples at; the best is chosen on the select split. Default none.</summary>
    public IReadOnlyList<double>? Temperatures { get; init; }

    /// <summary>Nucleus sampling: the smallest set of tokens with at least this mass, in (0, 1]. Default 0.95.</summary>
    public double TopP { get; init; } = 0.95;

    /// <summary>Only the k likeliest tokens; 0 is off. Default 0.</summary>
    public int TopK { get; init; }

    /// <summary>Most tokens in one answer. Default 512.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>Strings that end an answer. Default none.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Whether prompts go through the checkpoint's chat template. Default: when it has one.</summary>
    public bool? Chat { get; init; }

    /// <summary>What is put around a question: a text with <c>{question}</c> in it. Default: the question alone.</summary>
    public string Prompt { get; init; } = "{question}";

    /// <summary>What a chat template that asks for today's date is told, so that prompts stay the same every night. Default 2024-07-26.</summary>
    public DateOnly Date { get; init; } = new(2024, 7, 26);

    /// <summary>The checkpoints to evaluate; the evaluation waits until all of them are uploaded. Default: all that are complete.</summary>
    public IReadOnlyList<string>? Checkpoints { get; init; }

    /// <summary>Weights of the early parent to try in interpolations (WiSE-FT), each in [0, 1]; empty for none. 0 and 1 are always added.</summary>
    public IReadOnlyList<double> EarlyWeights { get; init; } = [0.25, 0.5, 0.75];

    /// <summary>The early parent. Default: the run's first checkpoint.</summary>
    public string? Early { get; init; }

    /// <summary>The late parent. Default: the run's last checkpoint.</summary>
    public string? Late { get; init; }

    /// <summary>Share of the problems that chooses (the select split), in (0, 1). Default 0.5.</summary>
    public double SelectShare { get; init; } = 0.5;

    /// <summary>
    /// The numbers in which linear maps are computed: <c>float32</c>, <c>int8</c> (opt-in: faster, and not quite the same model),
    /// <c>float16</c> or <c>bfloat16</c> (on a GPU). Default float32.
    /// </summary>
    public string Precision { get; init; } = DefaultPrecision;

    /// <summary>
    /// Files of text that the run was trained on, by their names beside this one; problems that occur in them are flagged. Default none.
    /// Null rather than empty: a spec without the field keeps its id.
    /// </summary>
    public IReadOnlyList<string>? TrainingText { get; init; }

    /// <summary>Differences smaller than this do not matter, a share in [0, 1); 0 claims no equivalence. Null: <see cref="EvaluationAnswers.DefaultMargin"/>.</summary>
    public double? Margin { get; init; }

    /// <summary>Seeds answers, split and Monte Carlo draws. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>The reward model that scores answers; null for none.</summary>
    public RewardModelSpec? RewardModel { get; init; }

    /// <summary>The particle methods to compare; null for none.</summary>
    public ParticleSpec? Particles { get; init; }

    /// <summary>
    /// What an hour of a device costs, in any currency, for the cost of the report; null for unknown. Answers do not depend on it; an evaluation with
    /// another price is another evaluation, since its report says other things.
    /// </summary>
    public double? PricePerDeviceHour { get; init; }

    /// <summary>What is redrawn every night and compared with the baseline; null for nothing.</summary>
    public NightlySpec? Nightly { get; init; }

    /// <summary>Reads and checks an <c>evaluation.json</c>.</summary>
    /// <param name="json">Its content.</param>
    /// <param name="name">What to call the file in an error.</param>
    /// <exception cref="InvalidDataException">The file is not JSON, has an unknown field, or a field has an impossible value.</exception>
    public static EvaluationSpec Parse(ReadOnlyMemory<byte> json, string name)
    {
        EvaluationSpec spec;
        try
        {
            spec = JsonSerializer.Deserialize<EvaluationSpec>(json.Span, Json.Compact)
                ?? throw new InvalidDataException($"{name} holds null; it must be a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{name} is not a valid evaluation: {Reason(exception)}", exception);
        }

        spec.Validate(name);
        return spec;
    }

    /// <summary>This spec as the bytes of an <c>evaluation.json</c>.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json.Indented);

    /// <summary>How sampled answers are drawn; null when none are wanted. The seed is set per variant.</summary>
    internal Decoding? Sampling => SamplesPerProblem == 0
        ? null
        : new Decoding { Temperature = Temperature, TopP = TopP, TopK = TopK, MaxTokens = MaxTokens, Stop = Stop };

    /// <summary>How greedy answers are drawn; null when none are wanted.</summary>
    internal Decoding? GreedyDecoding => Greedy ? new Decoding { MaxTokens = MaxTokens, Stop = Stop } : null;

    private static string Reason(JsonException exception)
    {
        var field = exception.Path is { Length: > 2 } path ? $"field '{path[2..]}'" : $"line {exception.LineNumber + 1}";
        return exception.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"it has an unknown {field}."
            : exception.Message.Contains("could not be converted", StringComparison.Ordinal) ? $"{field} {Wanted(exception.Message)}."
            : $"{field} cannot be read ({exception.Message.Split(" Path:")[0].TrimEnd('.')}).";
    }

    /// <summary>What a field must be whose value could not be converted: the names that there are, if it has one.</summary>
    private static string Wanted(string message)
    {
        var names = new[] { typeof(PopulationKind), typeof(PotentialKind), typeof(FinalChoice), typeof(Aggregation) }
            .FirstOrDefault(type => message.Contains(type.FullName!, StringComparison.Ordinal));
        return names is null ? "cannot be read: its value is not of the kind, or not in the range, that it must have"
            : $"must be one of {string.Join(", ", Enum.GetNames(names).Select(JsonNamingPolicy.CamelCase.ConvertName))}";
    }

    private void Validate(string name)
    {
        Check(Suite is null || Names.IsSafe(Suite), "suite", "must be a plain name such as 'gsm8k'");
        Check(SamplesPerProblem is >= 0 and <= 65536, "samplesPerProblem", "must be between 0 and 65536");
        Check(SamplesPerProblem > 0 || Greedy, "samplesPerProblem", "is 0 and greedy is false, so there is nothing to draw");
        Check(Temperature is >= 0.01 and <= 10, "temperature", "must be between 0.01 and 10");
        Check(Temperatures is null || (Temperatures.Count is > 0 and <= 16 && Temperatures.All(item => item is >= 0.01 and <= 10)), "temperatures", "must be 1 to 16 numbers from 0.01 to 10, or left out");
        Check(Temperatures is null || SamplesPerProblem > 0, "temperatures", "are for sampled answers, and samplesPerProblem is 0");
        Check(TopP is > 0 and <= 1, "topP", "must be above 0 and at most 1");
        Check(TopK >= 0, "topK", "must not be negative");
        Check(MaxTokens is >= 1 and <= 1 << 20, "maxTokens", "must be between 1 and 1048576");
        Check(Stop is not null && Stop.Count <= 16 && Stop.All(text => text is { Length: > 0 and <= 256 }), "stop", "must be at most 16 texts of 1 to 256 characters");
        Check(Prompt is not null && Prompt.Contains("{question}", StringComparison.Ordinal), "prompt", "must contain {question}");
        Check(Checkpoints is null || Checkpoints.Count > 0, "checkpoints", "must name at least one checkpoint, or be left out");
        Check(Checkpoints is null || Checkpoints.All(item => item is not null && Names.IsSafe(item)), "checkpoints", "must be plain folder names such as 'checkpoint-500'");
        Check(Checkpoints is null || Checkpoints.Distinct().Count() == Checkpoints.Count, "checkpoints", "names a checkpoint twice");
        Check(EarlyWeights is not null && EarlyWeights.Count <= 101 && EarlyWeights.All(weight => weight is >= 0 and <= 1), "earlyWeights", "must be at most 101 numbers from 0 to 1");
        Check(Early is null || Names.IsSafe(Early), "early", "must be a plain folder name");
        Check(Late is null || Names.IsSafe(Late), "late", "must be a plain folder name");
        Check(PrecisionNames.IsKnown(Precision), "precision", $"must be one of {PrecisionNames.Listed}");
        Check(TrainingText is null || TrainingText.Count is > 0 and <= Workflow.TrainingText.MostFiles, "trainingText", $"must name 1 to {Workflow.TrainingText.MostFiles} files, or be left out");
        Check(TrainingText is null || TrainingText.All(item => item is not null && Names.IsSafe(item)), "trainingText", "must be plain names of files such as 'train.jsonl'");
        Check(TrainingText is null || TrainingText.Distinct().Count() == TrainingText.Count, "trainingText", "names a file twice");
        Check(TrainingText?.Contains(EvaluationFreezer.FileName) != true, "trainingText", $"cannot be {EvaluationFreezer.FileName} itself");
        Check(Margin is null or (>= 0 and < 1), "margin", "must be at least 0 and below 1");
        Check(SelectShare is > 0 and < 1, "selectShare", "must be above 0 and below 1");
        Check(PricePerDeviceHour is null || (double.IsFinite(PricePerDeviceHour.Value) && PricePerDeviceHour >= 0), "pricePerDeviceHour", "must be a number of 0 or more");
        Check(Nightly is null || SamplesPerProblem > 0, "nightly", "redraws sampled answers, and samplesPerProblem is 0");
        Check(RewardModel?.Mistake is null, RewardModel?.Mistake?.Field ?? "", RewardModel?.Mistake?.Rule ?? "");
        Check(Particles?.Mistake is null, Particles?.Mistake?.Field ?? "", Particles?.Mistake?.Rule ?? "");
        Check(
            Particles is null || RewardModel is not null || (Particles.Potential is null or PotentialKind.SelfCertainty && Particles.Methods.Count == 0),
            "particles", "needs a rewardModel, unless the potential is selfCertainty and there are no other methods");
        Check(Particles is not { LookAhead: true } || RewardModel is not null, "particles.lookAhead", "needs a rewardModel");
        Check(Particles is null || SamplesPerProblem > 0, "particles", "is compared with sampled answers, and samplesPerProblem is 0");
        Check(Nightly?.Mistake is null, Nightly?.Mistake?.Field ?? "", Nightly?.Mistake?.Rule ?? "");

        void Check(bool holds, string field, string rule)
        {
            if (!holds)
            {
                throw new InvalidDataException($"{name} is not a valid evaluation: field '{field}' {rule}.");
            }
        }
    }
}
