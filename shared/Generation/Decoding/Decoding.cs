using System.Globalization;
using System.Text.Json.Serialization;

namespace Hindsight.Generation;

/// <summary>How answers are drawn. Temperature comes first, then top-k, then top-p, each renormalising what the one before left.</summary>
public sealed record Decoding
{
    /// <summary>Divides the logits; 0 takes the most probable token (greedy), the lowest id where several are equal.</summary>
    public double Temperature { get; init; }

    /// <summary>Keeps the fewest most probable tokens whose probabilities sum to this or more; 1 keeps all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keeps that many most probable tokens, lower ids first where several are equal; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>The most tokens an answer has, an end-of-text token included.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Texts that end an answer; they are searched in the decoded text, where special tokens do not appear.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Goes on past end-of-text tokens.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>With the prompt, the sample index and the token's position, fixes every random number of an answer.</summary>
    public ulong Seed { get; init; }

    [JsonIgnore]
    public bool IsGreedy => Temperature == 0;

    /// <exception cref="InvalidDataException">A field is out of its range; the message names it.</exception>
    public void Validate()
    {
        Require(double.IsFinite(Temperature) && Temperature >= 0, "temperature", Temperature, "0 (greedy) or a positive number");
        Require(TopP is > 0 and <= 1, "top_p", TopP, "more than 0 and at most 1");
        Require(TopK >= 0, "top_k", TopK, "0 (off) or a positive whole number");
        Require(MaxTokens > 0, "max_tokens", MaxTokens, "a positive whole number");
        Require(!Stop.Any(string.IsNullOrEmpty), "stop", "\"\"", "texts of at least one character");
    }

    private static void Require(bool holds, string field, IConvertible value, string range)
    {
        if (!holds)
        {
            throw new InvalidDataException($"{field} is {value.ToString(CultureInfo.InvariantCulture)}; it must be {range}.");
        }
    }
}
