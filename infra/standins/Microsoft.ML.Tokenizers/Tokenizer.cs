namespace Microsoft.ML.Tokenizers;

/// <summary>Text to token ids.</summary>
public abstract class Tokenizer
{
    /// <summary>
    /// The ids of a text. The stand-in has neither normalizers nor pre-tokenizers, so both flags must be false: the text is
    /// one word.
    /// </summary>
    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (considerPreTokenization || considerNormalization)
            throw new NotSupportedException("This stand-in encodes single words: pass considerPreTokenization: false, considerNormalization: false.");
        return text.Length == 0 ? [] : EncodeWord(text);
    }

    private protected abstract IReadOnlyList<int> EncodeWord(string word);
}
