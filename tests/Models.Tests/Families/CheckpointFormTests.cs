using System.Text.Json.Nodes;
using Hindsight.Models.Tests.Checkpoints;

namespace Hindsight.Models.Tests.Families;

/// <summary>The forms in which trainers and releases save the same model.</summary>
public class CheckpointFormTests
{
    private static readonly int[] Ids = [3, 41, 0, 17, 17, 8];

    [Fact]
    public void GPT2_tensors_are_found_with_and_without_their_prefix_beside_the_masks_of_released_files()
    {
        using var model = FamilyCases.Of("GPT-2");
        var expected = Logits(model.Folder);
        model.Save(tensor => tensor with { Name = tensor.Name["transformer.".Length..] });
        model.Folder.EditTensors(tensors => tensors.AddRange(
            [RawTensor.Of("h.0.attn.bias", [1, 1, 2, 2], 1, 0, 1, 1), RawTensor.Of("h.1.attn.masked_bias", [], -1e4f)]));

        Assert.Equal(expected, Logits(model.Folder));

        model.Folder.EditTensors(tensors => tensors.RemoveAll(tensor => tensor.Name is "h.1.ln_2.bias"));
        Assert.Contains("lacks the tensor \"transformer.h.1.ln_2.bias\"", model.Folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void GPT2_shards_without_the_prefix_merge_with_a_checkpoint_that_has_it()
    {
        using var late = FamilyCases.Of("GPT-2", seed: 1);
        using var early = FamilyCases.Of("GPT-2", seed: 2);
        late.Save(tensor => tensor with { Name = tensor.Name["transformer.".Length..] });
        var tensors = late.Folder.Tensors();
        File.Delete(late.Folder.PathOf("model.safetensors"));
        var map = new JsonObject();
        foreach (var (shard, part) in new[] { ("model-1.safetensors", tensors[..9]), ("model-2.safetensors", tensors[9..]) })
        {
            late.Folder.WriteTensors(part, shard);
            part.ForEach(tensor => map[tensor.Name] = shard);
        }

        File.WriteAllText(late.Folder.PathOf("model.safetensors.index.json"), new JsonObject { ["weight_map"] = map }.ToJsonString());
        using var merged = ModelFolder.Empty();
        Merge.Write(early.Folder.Path, late.Folder.Path, 0.25, merged.Path);

        using var written = merged.Load();
        Assert.Equal(28, written.Names.Count);
        var (a, b) = (early.Tensors["transformer.h.1.mlp.c_fc.weight"].Values, late.Tensors["transformer.h.1.mlp.c_fc.weight"].Values);
        Assert.All(written.Span("transformer.h.1.mlp.c_fc.weight").ToArray().Select((value, i) => Math.Abs(value - ((0.25 * a[i]) + (0.75 * b[i])))), error => Assert.InRange(error, 0, 1e-6));
    }

    [Fact]
    public void One_checkpoint_may_hold_tensors_of_all_three_types()
    {
        using var model = FamilyCases.Of("Phi-3");
        var number = 0;
        StoredType[] types = [StoredType.F32, StoredType.F16, StoredType.BF16];
        model.Save(tensor => types[number++ % 3] is var type and not StoredType.F32 ? tensor.As(type) : tensor);
        foreach (var tensor in model.Folder.Tensors())
        {
            var values = model.Tensors[tensor.Name].Values;
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = tensor.Type switch
                {
                    StoredType.F16 => (float)(Half)values[i],
                    StoredType.BF16 => BitConverter.UInt32BitsToSingle((uint)RawTensor.Truncated(values[i]) << 16),
                    _ => values[i],
                };
            }
        }

        Assert.Equal(3, model.Folder.Tensors().Select(tensor => tensor.Type).Distinct().Count());
        Assert.All(model.ReferenceLogits(Ids).Zip(Logits(model.Folder), (a, b) => Math.Abs(a - b)), error => Assert.InRange(error, 0, 1e-4));
    }

    [Theory]
    [MemberData(nameof(FamilyCases.Names), MemberType = typeof(FamilyCases))]
    public void Each_tensor_is_demanded_in_its_shape_and_no_other_is_taken(string name)
    {
        using var model = FamilyCases.Of(name);
        var first = model.Folder.Tensors()[^2];
        model.Folder.EditTensors(tensors => tensors.RemoveAll(tensor => tensor.Name == first.Name));
        Assert.Contains($"lacks the tensor \"{first.Name}\"", model.Folder.Refusal(), StringComparison.Ordinal);

        model.Folder.EditTensors(tensors => tensors.Add(first with { Shape = [.. first.Shape, 1] }));
        Assert.Contains($"holds {first.Name} with the shape", model.Folder.Refusal(), StringComparison.Ordinal);

        model.Save(tensor => tensor);
        model.Folder.EditTensors(tensors => tensors.Add(RawTensor.Of(first.Name + "_2", [1], 0)));
        Assert.Contains($"holds the tensor \"{first.Name}_2\", for which", model.Folder.Refusal(), StringComparison.Ordinal);
    }

    private static float[] Logits(ModelFolder folder)
    {
        using var weights = folder.Load();
        using var model = new Transformer(weights, Target.Fused, threads: 1);
        return model.Logits(Ids);
    }
}
