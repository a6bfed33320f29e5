namespace Hindsight.Models;

/// <summary>
/// GPT-2 (Radford et al. 2019): learned positions, norms with mean and bias, one matrix for queries, keys and values, a feed-forward
/// without gate. Weights lie as [in, out]. Config fields and tensors have names of their own.
/// </summary>
internal sealed record Gpt2() : Family("gpt2", "GPT2LMHeadModel")
{
    public override string Prefix => "transformer.";

    public override ModelConfig Read(JsonFields fields)
    {
        CommonFields.RequireActivation(fields, "activation_function", "gelu_new", "gelu_pytorch_tanh");
        foreach (var field in new[] { "scale_attn_by_inverse_layer_idx", "add_cross_attention" })
        {
            if (fields.Flag(field, absent: false))
            {
                throw new InvalidDataException($"{fields.File} has {field} = true; only false is supported.");
            }
        }

        var (hidden, layers, heads) = (
            fields.Size("n_embd", ModelConfig.MostWidth),
            fields.Size("n_layer", ModelConfig.MostLayers),
            fields.Size("n_head", ModelConfig.MostWidth));
        if (hidden % heads != 0)
        {
            throw new InvalidDataException($"{fields.File} has n_embd = {hidden}, which n_head = {heads} does not divide.");
        }

        return new ModelConfig
        {
            Architecture = Architecture,
            VocabularySize = fields.Size("vocab_size", ModelConfig.MostVocabulary),
            HiddenSize = hidden,
            IntermediateSize = fields.Size("n_inner", ModelConfig.MostWidth, absent: 4 * hidden),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / heads,
            MaxPositions = fields.Size("n_positions", ModelConfig.MostPositions),
            Rotary = null,
            Windows = [.. Enumerable.Repeat<int?>(null, layers)],
            AttentionScale = fields.Flag("scale_attn_weights", absent: true) ? 1 / Math.Sqrt(hidden / heads) : 1,
            NormEpsilon = (float)fields.Positive("layer_norm_epsilon", most: 0.1, absent: 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", absent: true),
            AttentionBias = true,
            OutputBias = true,
            MlpBias = true,
        };
    }

    public override Decoder Describe(ModelConfig config) => new(
        new PositionedEmbedding(
            new Embedding("transformer.wte", config.VocabularySize, config.HiddenSize),
            new Embedding("transformer.wpe", config.MaxPositions, config.HiddenSize)),
        [.. Enumerable.Range(0, config.Layers).SelectMany(layer => Block(config, $"transformer.h.{layer}", layer))],
        new LayerNorm("transformer.ln_f", config.HiddenSize, config.NormEpsilon),
        new Linear(config.TieWordEmbeddings ? "transformer.wte" : "lm_head", config.HiddenSize, config.VocabularySize));

    private static IEnumerable<Layer> Block(ModelConfig config, string name, int layer)
    {
        var width = config.HiddenSize;
        Linear Map(string part, int from, int to) => new($"{name}.{part}", from, to, Bias: true, Transposed: true);
        LayerNorm Norm(string part) => new($"{name}.{part}", width, config.NormEpsilon);
        var all = Map("attn.c_attn", width, 3 * width);
        return
        [
            new Residual(Norm("ln_1"), new Attention(
                $"{name}.attn", Heads.Of(config, layer),
                new Part(all, 0, width), new Part(all, width, width), new Part(all, 2 * width, width), Map("attn.c_proj", width, width))),
            new Residual(Norm("ln_2"), new Sequential(
                Map("mlp.c_fc", width, config.IntermediateSize),
                new Activation(new TanhGelu()),
                Map("mlp.c_proj", config.IntermediateSize, width))),
        ];
    }
}
