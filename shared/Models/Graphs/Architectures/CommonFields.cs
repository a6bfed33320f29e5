namespace Hindsight.Models;

/// <summary>The fields that the families after GPT-2 share by name.</summary>
internal static class CommonFields
{
    /// <param name="family">Whose config it is.</param>
    /// <param name="fields">The config.</param>
    /// <param name="headSize">The size of a head where head_dim is absent; null where it is hidden_size / num_attention_heads.</param>
    /// <param name="tied">What an absent tie_word_embeddings means.</param>
    /// <param name="epsilon">What an absent rms_norm_eps means.</param>
    /// <param name="partialRotary">A part of each head may be turned.</param>
    /// <returns>A config without biases, windows or caps.</returns>
    public static ModelConfig Read(
        Family family, JsonFields fields, int? headSize = null, bool tied = false, double epsilon = 1e-6, bool partialRotary = false)
    {
        if (fields.Find("pretraining_tp") is { } parts && fields.Positive("pretraining_tp", most: double.MaxValue) != 1)
        {
            throw fields.NotSupported("pretraining_tp", parts, "only 1 is supported");
        }

        var hidden = fields.Size("hidden_size", ModelConfig.MostWidth);
        var layers = fields.Size("num_hidden_layers", ModelConfig.MostLayers);
        var heads = fields.Size("num_attention_heads", ModelConfig.MostWidth);
        var keyValueHeads = fields.Size("num_key_value_heads", ModelConfig.MostWidth, absent: heads);
        if (heads % keyValueHeads != 0)
        {
            throw new InvalidDataException($"{fields.File} has num_attention_heads = {heads}, which num_key_value_heads = {keyValueHeads} does not divide.");
        }

        if (fields.Find("head_dim") is null && headSize is null && hidden % heads != 0)
        {
            throw new InvalidDataException($"{fields.File} has hidden_size = {hidden}, which num_attention_heads = {heads} does not divide.");
        }

        var size = fields.Size("head_dim", ModelConfig.MostWidth, absent: headSize ?? hidden / heads);
        if (size % 2 != 0)
        {
            throw new InvalidDataException($"{fields.File} has heads of size {size}; rotary embedding needs an even head_dim.");
        }

        if ((long)heads * size > ModelConfig.MostWidth)
        {
            throw new InvalidDataException($"{fields.File} has num_attention_heads = {heads} times head_dim = {size}, more than {ModelConfig.MostWidth} together.");
        }

        var (rotary, maxPositions) = RotaryFields.Read(fields, size, fields.Size("max_position_embeddings", ModelConfig.MostPositions), partialRotary);
        return new ModelConfig
        {
            Architecture = family.Architecture,
            VocabularySize = fields.Size("vocab_size", ModelConfig.MostVocabulary),
            HiddenSize = hidden,
            IntermediateSize = fields.Size("intermediate_size", ModelConfig.MostWidth),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = size,
            MaxPositions = maxPositions,
            Rotary = rotary,
            Windows = [.. Enumerable.Repeat<int?>(null, layers)],
            AttentionScale = 1 / Math.Sqrt(size),
            NormEpsilon = (float)fields.Positive("rms_norm_eps", most: 0.1, absent: epsilon),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", absent: tied),
            AttentionBias = false,
            OutputBias = false,
            MlpBias = false,
        };
    }

    /// <summary>Refuses every activation but those named, which mean the same function.</summary>
    public static void RequireActivation(JsonFields fields, string field, params string[] names)
    {
        if (fields.Text(field) is { } activation && !names.Contains(activation))
        {
            throw new InvalidDataException($"{fields.File} has {field} = {StrictJson.Quoted(activation)}; only {string.Join(" or ", names)} is supported.");
        }
    }
}
