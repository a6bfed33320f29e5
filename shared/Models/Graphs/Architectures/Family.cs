namespace Hindsight.Models;

/// <summary>
/// A model family: what its config.json means, and how its decoder is composed of the shared layers under the tensor names of its
/// checkpoints.
/// </summary>
/// <param name="ModelType">model_type in config.json.</param>
/// <param name="Architecture">The name in "architectures" of its language model.</param>
internal abstract record Family(string ModelType, string Architecture)
{
    /// <summary>Every family that can be run.</summary>
    public static IReadOnlyList<Family> All { get; } =
        [new Llama(), new Mistral(), new Qwen2(), new Qwen3(), new Gemma2(), new Phi3(), new Gpt2()];

    /// <summary>What the names of the family's architectures begin with.</summary>
    public string Stem => Architecture.Replace("ForCausalLM", "", StringComparison.Ordinal).Replace("LMHeadModel", "", StringComparison.Ordinal);

    /// <summary>Whether an auto_map, which names code that transformers would run, does no harm: that code computes what stands here.</summary>
    public virtual bool MayNameCode => false;

    /// <summary>What the names of all tensors but the head begin with; a checkpoint of the bare model is saved without it.</summary>
    public virtual string Prefix => "model.";

    /// <exception cref="InvalidDataException">A size is missing or impossible, or a feature is not supported.</exception>
    public abstract ModelConfig Read(JsonFields fields);

    public abstract Decoder Describe(ModelConfig config);
}
