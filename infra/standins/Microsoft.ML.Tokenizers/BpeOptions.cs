namespace Microsoft.ML.Tokenizers;

/// <summary>What a <see cref="BpeTokenizer"/> is made of.</summary>
public sealed class BpeOptions(IEnumerable<KeyValuePair<string, int>> vocabulary)
{
    public IEnumerable<KeyValuePair<string, int>> Vocabulary { get; } = vocabulary ?? throw new ArgumentNullException(nameof(vocabulary));

    /// <summary>Pairs to merge, the first ones first, each as two tokens of the vocabulary with a blank between.</summary>
    public IEnumerable<string>? Merges { get; set; }

    /// <summary>The token for a character that the vocabulary lacks; without one such characters are left out.</summary>
    public string? UnknownToken { get; set; }

    /// <summary>Whether unknown characters side by side become one unknown token.</summary>
    public bool FuseUnknownTokens { get; set; }
}
