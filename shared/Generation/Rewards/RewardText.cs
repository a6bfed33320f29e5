using System.Globalization;
using Hindsight.Models;

namespace Hindsight.Generation;

/// <summary>
/// How a reward model reads a conversation that ends with an answer: by its own tokenizer and chat template, so that its vocabulary need
/// not be that of the model which wrote the answer.
/// </summary>
public sealed class RewardText
{
    /// <summary>The separator of Qwen2.5-Math-PRM, taken where none is named.</summary>
    public const string DefaultSeparator = "<extra_0>";

    // Stands for the answer while the template is rendered; two characters of a private use area that no text should have.
    private const string Answer = "\uE0F2\uF8E1";

    private readonly TextTokenizer tokenizer;
    private readonly ChatTemplate? template;
    private readonly bool scoresSteps;
    private readonly string separator;
    private readonly int separatorId;

    /// <param name="tokenizer">The reward model's.</param>
    /// <param name="template">The reward model's; null to put the answer behind the question and a line break.</param>
    /// <param name="head">What the model scores.</param>
    /// <param name="separator">Of a process reward model the token behind each step; null for <see cref="DefaultSeparator"/>.</param>
    /// <exception cref="InvalidDataException">The separator is not one token.</exception>
    public RewardText(TextTokenizer tokenizer, ChatTemplate? template, RewardHead head, string? separator = null)
    {
        (this.tokenizer, this.template, scoresSteps, this.separator) = (tokenizer, template, head.ScoresSteps, separator ?? DefaultSeparator);
        if (!scoresSteps)
        {
            return;
        }

        var ids = tokenizer.Encode(this.separator, addSpecialTokens: false);
        separatorId = ids[^1];
        if (ids.Count != 1)
        {
            throw new InvalidDataException(
                $"The step separator '{this.separator}' is {ids.Count} tokens ({string.Join(' ', ids)}) to the reward model's tokenizer; it must be one: name the one that the model was trained with as rewardModel.separator.");
        }
    }

    /// <summary>Reads tokenizer and template of a reward model's folder.</summary>
    /// <exception cref="InvalidDataException">A file is broken, or the separator is not one token.</exception>
    public static RewardText Load(string folder, RewardHead head, string? separator = null) =>
        new(TextTokenizer.Load(folder), ChatTemplate.Load(folder), head, separator);

    /// <summary>Renders a conversation, once for all answers to it.</summary>
    /// <param name="conversation">All turns before the answer.</param>
    /// <exception cref="InvalidDataException">The template refuses the conversation, or leaves the answer out.</exception>
    public RewardPrompt Read(IReadOnlyList<ChatMessage> conversation)
    {
        ChatMessage[] turns = [.. conversation.Select(turn => turn with { Content = Plain(turn.Content) })];
        if (template is null)
        {
            return new(string.Concat(turns.Select(turn => turn.Content + "\n")), "");
        }

        var text = template.Render([.. turns, new ChatMessage("assistant", Answer)], addGenerationPrompt: false);
        var place = text.IndexOf(Answer, StringComparison.Ordinal);
        return place >= 0 && text.IndexOf(Answer, place + 1, StringComparison.Ordinal) < 0
            ? new(text[..place], text[(place + Answer.Length)..])
            : throw new InvalidDataException("The reward model's chat template does not show an assistant's answer once; use a model with another template.");
    }

    /// <summary>The ids up to where the answer begins: what all answers share.</summary>
    internal IReadOnlyList<int> Write(RewardPrompt prompt) => tokenizer.Encode(prompt.Before, addSpecialTokens: template is null);

    /// <summary>The ids up to where the answer's newest score stands.</summary>
    /// <param name="prompt">All turns before the answer.</param>
    /// <param name="steps">
    /// The answer so far in steps. A process reward model gets its separator behind each of them, in place of blank space; any other model gets them one behind the
    /// other, and what its template puts behind an answer.
    /// </param>
    internal IReadOnlyList<int> Write(RewardPrompt prompt, IReadOnlyList<string> steps)
    {
        if (!scoresSteps)
        {
            return tokenizer.Encode(prompt.Before + Plain(string.Concat(steps)) + prompt.After, addSpecialTokens: template is null);
        }

        string[] texts = [.. steps.Select(step => Plain(step).Trim())];
        texts[0] = prompt.Before + texts[0];
        if (tokenizer.IsSpecial(separatorId))
        {
            var whole = tokenizer.Encode(string.Concat(texts.Select(text => text + separator)), addSpecialTokens: template is null);
            return [.. whole.Take(whole.ToList().LastIndexOf(separatorId) + 1)];
        }

        // Written out, an ordinary token such as a line break could become one with the text before it. TRL, whose models have these, puts them in by id.
        var opening = tokenizer.Encode(separator, addSpecialTokens: template is null).TakeWhile(id => id != separatorId);
        return [.. opening, .. texts.SelectMany(text => tokenizer.Encode(text, addSpecialTokens: false).Append(separatorId))];
    }

    /// <summary>A text in which special tokens that are spelt out, the separator among them, are left out: they are for the template alone.</summary>
    private string Plain(string text)
    {
        var plain = scoresSteps && !string.IsNullOrWhiteSpace(separator) ? text.Replace(separator, "", StringComparison.Ordinal) : text;
        var ids = tokenizer.Encode(plain, addSpecialTokens: false);
        return ids.Any(tokenizer.IsSpecial) ? Plain(tokenizer.Decode(ids, skipSpecialTokens: true)) : plain;
    }
}

/// <summary>A conversation as a reward model's template renders it, around the answer that is to be scored.</summary>
/// <param name="Before">What stands before the answer.</param>
/// <param name="After">What stands behind it.</param>
public sealed record RewardPrompt(string Before, string After);

/// <summary>What a reward model says of an answer so far.</summary>
/// <param name="Value">The label's logit where there is one label, else its probability. NaN where the model computed NaN.</param>
/// <param name="Probability">In [0, 1]: of a single label its logit's logistic function.</param>
public readonly record struct Reward(double Value, double Probability)
{
    /// <param name="outputs">The head's numbers for a token.</param>
    /// <param name="label">Of several labels the one that means good.</param>
    internal static Reward Of(ReadOnlySpan<float> outputs, int label)
    {
        if (outputs.Length == 1)
        {
            return new(outputs[0], 1 / (1 + Math.Exp(-outputs[0])));
        }

        var (most, sum) = (double.NegativeInfinity, 0.0);
        foreach (var output in outputs)
        {
            most = Math.Max(most, output);
        }

        foreach (var output in outputs)
        {
            sum += Math.Exp(output - most);
        }

        var probability = Math.Exp(outputs[label] - most) / sum;
        return new(probability, probability);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Value:0.####}");
}
