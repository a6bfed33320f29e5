using System.Text.Json;

namespace Hindsight.Models;

/// <summary>
/// What a reward model has in place of a language model's head. A <c>…ForSequenceClassification</c> scores a text at its last token by one
/// linear map; Qwen2.5-Math-RM (arXiv 2409.12122) does so by two with a ReLU between them. A process reward model scores a text at every
/// step separator: Qwen2.5-Math-PRM (arXiv 2501.07301) by two maps, a <c>…ForTokenClassification</c> by one; its labels are classes, and
/// a step's reward is the probability of the last of them.
/// </summary>
/// <param name="Labels">Numbers for each token.</param>
/// <param name="ScoresSteps">A process reward model.</param>
/// <param name="HasHiddenLayer">There are two linear maps, with biases.</param>
/// <param name="HasBias">The only linear map has a bias.</param>
public sealed record RewardHead(int Labels, bool ScoresSteps, bool HasHiddenLayer, bool HasBias)
{
    private const string Text = "ForSequenceClassification";
    private const string Steps = "ForTokenClassification";
    private const string QwenText = "Qwen2ForRewardModel";
    private const string QwenSteps = "Qwen2ForProcessRewardModel";

    private const int MostLabels = 1024;

    internal static string Listed => $"their …{Text} and …{Steps}, {QwenText} and {QwenSteps}";

    /// <summary>Whether an architecture is a reward model with a family's layers.</summary>
    internal static bool IsOf(Family family, string architecture) =>
        architecture == $"{family.Stem}{Text}"
        // GPT-2's has a head of another name.
        || (architecture == $"{family.Stem}{Steps}" && family is not Gpt2)
        || (family is Qwen2 && MayNameCode(architecture));

    /// <summary>Qwen's reward models are published with code of their own, which computes what stands here.</summary>
    internal static bool MayNameCode(string architecture) => architecture is QwenText or QwenSteps;

    internal static RewardHead Read(string architecture, JsonFields fields) => architecture switch
    {
        QwenText => new(Labels: 1, ScoresSteps: false, HasHiddenLayer: true, HasBias: true),
        QwenSteps => new(Labels: 2, ScoresSteps: true, HasHiddenLayer: true, HasBias: true),
        _ when architecture.EndsWith(Steps, StringComparison.Ordinal) => new(LabelsOf(fields), ScoresSteps: true, HasHiddenLayer: false, HasBias: true),
        _ => new(LabelsOf(fields), ScoresSteps: false, HasHiddenLayer: false, HasBias: false),
    };

    /// <summary>A head is small and its result is what counts: it stays in floating point.</summary>
    internal Layer Layer(int hidden) => HasHiddenLayer
        ? new Sequential(
            new Linear("score.0", hidden, hidden, Bias: true, MayBeInt8: false),
            new Activation(new Relu()),
            new Linear("score.2", hidden, Labels, Bias: true, MayBeInt8: false))
        : new Linear("score", hidden, Labels, HasBias, MayBeInt8: false);

    /// <summary>transformers writes the labels' names, and leaves them out where there are two.</summary>
    private static int LabelsOf(JsonFields fields)
    {
        if (fields.Find("id2label") is not { } names)
        {
            return fields.Size("num_labels", MostLabels, absent: 2);
        }

        return names.ValueKind == JsonValueKind.Object && names.EnumerateObject().Count() is > 0 and <= MostLabels and var labels
            ? labels
            : throw fields.Wrong("id2label", names, $"an object of 1 to {MostLabels} labels");
    }
}
