namespace Hindsight.Generation;

/// <summary>What a tokenizer.json describes.</summary>
/// <param name="Tokens">Every id, those of added tokens included, with its token.</param>
/// <param name="Before">Ids put before a text.</param>
/// <param name="After">Ids put after a text.</param>
internal sealed record TokenizerParts(
    IReadOnlyList<AddedToken> AddedTokens,
    TextNormalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    BpeModel Model,
    IReadOnlyDictionary<int, string> Tokens,
    IReadOnlyList<int> Before,
    IReadOnlyList<int> After,
    TokenDecoder? Decoder);
