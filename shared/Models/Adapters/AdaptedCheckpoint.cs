using System.Buffers;
using System.Numerics.Tensors;

namespace Hindsight.Models;

/// <summary>A base model with what adapters add to it, tensor by tensor and block by block.</summary>
internal sealed class AdaptedCheckpoint
{
    private const string Head = $"{AdaptableModules.Head}.weight";

    private readonly AdapterUpdate update;
    private readonly Dictionary<string, StoredTensor> stored;
    private readonly ILookup<string, (WeightUpdate Update, double Weight)> updates;

    /// <exception cref="InvalidDataException">The adapters were opened for another base, or have another tokenizer.</exception>
    public AdaptedCheckpoint(Checkpoint original, AdapterUpdate update)
    {
        foreach (var (adapter, _) in update.Parts)
        {
            Interpolation.CheckSame(original.Config, adapter.BaseConfig, original.Folder, adapter.Folder, "used together");
        }

        // Two adapters of which one uses the base's tokenizer; two with tokenizers of their own have been compared.
        if (update.Parts is [var (early, _), var (late, _)] && early.HasTokenizer != late.HasTokenizer)
        {
            Interpolation.CheckTokenizers(original.Folder, (early.HasTokenizer ? early : late).Folder);
        }

        this.update = update;
        updates = update.Parts
            .SelectMany(part => part.Adapter.Updates.Select(change => (change, part.Weight)))
            .ToLookup(part => part.change.Tensor, StringComparer.Ordinal);

        // An adapter that trains embedding or head apart from the other unties them: each keeps the base's weight where it is not trained.
        var embedding = $"{ModelGraph.For(original.Config, Target.Fused).Adaptable.TokenEmbedding}.weight";
        var unties = original.Config.TieWordEmbeddings && (Changes(embedding) || Changes(Head));
        Config = unties ? original.Config with { TieWordEmbeddings = false } : original.Config;
        UntiedHead = unties ? original[embedding].Info with { Name = Head } : null;
        Tensors = [.. original.Names.Select(name => (name, original[name])), .. unties ? [(Head, original[embedding])] : Array.Empty<(string, StoredTensor)>()];
        stored = Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Stored, StringComparer.Ordinal);
    }

    public ModelConfig Config { get; }

    /// <summary>The head that the base has not, as a tensor of the embedding's type and shape; null where nothing is untied.</summary>
    public TensorInfo? UntiedHead { get; }

    /// <summary>The weights by name, and where the base's values lie.</summary>
    public IReadOnlyList<(string Name, StoredTensor Stored)> Tensors { get; }

    /// <summary>The tensor as it is kept in one file, base or adapter; null where it must be computed.</summary>
    public StoredTensor? Unchanged(string name)
    {
        var parts = update.Parts.Select(part => Of(part.Adapter, name)).Distinct().ToList();
        return parts.Count == 1 && !updates.Contains(name) ? parts[0] : null;
    }

    /// <summary>Computes the elements of a tensor from <paramref name="start"/> on: sums in double, rounded once to float32.</summary>
    /// <exception cref="InvalidDataException">A weight or a result is not finite; the message names the tensor.</exception>
    public void Read(string name, long start, Span<float> target)
    {
        ReadWhole(name, start, target);
        if (!updates.Contains(name))
        {
            return;
        }

        var sums = ArrayPool<double>.Shared.Rent(target.Length);
        try
        {
            var part = sums.AsSpan(0, target.Length);
            TensorPrimitives.ConvertTruncating<float, double>(target, part);
            foreach (var (change, weight) in updates[name])
            {
                change.AddTo(part, start, weight);
            }

            TensorPrimitives.ConvertTruncating<double, float>(part, target);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(sums);
        }

        if (!ElementWise.AllFinite(target))
        {
            throw new InvalidDataException($"{update} makes a weight of {name} larger than float32 can hold; the adapter is damaged.");
        }
    }

    // Weights that adapters replace as a whole. An adapter that does not replace one counts with the base's.
    private void ReadWhole(string name, long start, Span<float> target)
    {
        var first = Of(update.Parts[0].Adapter, name);
        if (update.Parts is not [_, var (late, _)] || Of(late, name) is var second && second == first)
        {
            first.ReadInto(start, target);
            return;
        }

        var buffer = ArrayPool<float>.Shared.Rent(target.Length);
        try
        {
            var ofEarly = first.Read(start, target.Length, buffer);
            ElementWise.Interpolate(ofEarly, second.Read(start, target.Length, target), update.Parts[0].Weight, target);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private StoredTensor Of(Adapter adapter, string name) => adapter.Replaced.GetValueOrDefault(name) ?? stored[name];

    private bool Changes(string tensor) => updates.Contains(tensor) || update.Parts.Any(part => part.Adapter.Replaced.ContainsKey(tensor));
}
