namespace Hindsight.Models;

/// <summary>
/// A model family: what its config.json means, and how its decoder is composed of the shared layers under the tensor names of its
/// checkpoints.
/// </summary>
/// <param name="ModelType">model_type in config.json.</param>
/// <param name="Architecture">The name in "architectures".</param>
internal abstract record Family(string ModelType, string Architecture)
{
    /// <summary>Every family that can be run.</summary>
    public static IReadOnlyList<Family> All { get; } =
        [new Llama(), new Mistral(), new Qwen2(), new Qwen3(), new Gemma2(), new Phi3(), new Gpt2()];

    public static Family Of(string architecture) => All.Single(family => family.Architecture == architecture);

    /// <summary>What the names of all tensors but the head begin with; a checkpoint of the bare model is saved without it.</summary>
    public virtual string Prefix => "model.";

    /// <exception cref="InvalidDataException">A size is missing or impossible, or a feature is not supported.</exception>
    public abstract ModelConfig Read(JsonFields fields);

    public abstract Decoder Describe(ModelConfig config);
}
