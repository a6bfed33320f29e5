using System.Text.Json;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

public class AdapterEngineTests
{
    private static readonly EngineOptions Small = new() { MaxLength = 256, MostRows = 16, Threads = 2 };

    [Fact]
    public void Rows_of_one_batch_under_different_adapters_answer_as_their_merged_weights_do()
    {
        using var model = new AdaptedModel();
        using var engine = new DecodingEngine(model.Weights, Small, model.Stack);
        var prompts = Reference.Answers("lora-qwen2-qv-r4", "golden");
        var golden = Assert.IsType<List<(int[], int[])>>(prompts.ToList());
        var requests = golden.SelectMany(row => Enumerable.Range(-1, model.Stack.Slots + 1).Select(slot => Request(row.Item1, slot < 0 ? null : slot))).ToList();
        var answers = engine.Generate(requests, Reference.Letters, []).ToList();

        // Slot 0 is the adapter of the goldens; the bare base has goldens of its own.
        foreach (var (prompt, greedy) in golden)
        {
            Assert.Equal(greedy, Answer(prompt, 0).Ids);
        }

        foreach (var (prompt, greedy) in Reference.Answers("qwen2-tied", "golden").Where(row => golden.Any(other => other.Item1.SequenceEqual(row.Prompt))))
        {
            Assert.Equal(greedy, Answer(prompt, null).Ids);
        }

        foreach (var slot in Enumerable.Range(0, model.Stack.Slots))
        {
            using var merged = Weights.Merge(model.Checkpoint, model.Updates[slot]);
            using var alone = new DecodingEngine(merged, Small);
            foreach (var answer in alone.Generate(golden.Select(row => Request(row.Item1, null)), Reference.Letters, []))
            {
                var beside = Answer(answer.Request.PromptIds, slot);
                Assert.Equal(answer.Ids, beside.Ids);
                Assert.All(answer.TokenLogProbabilities.Zip(beside.TokenLogProbabilities), pair => Assert.Equal(pair.First, pair.Second, 4e-4));
            }
        }

        Completion Answer(IReadOnlyList<int> prompt, int? slot) =>
            answers.Single(answer => answer.Request.PromptIds.SequenceEqual(prompt) && answer.Request.Adapter == slot);
    }

    [Fact]
    public void An_answer_is_the_same_bit_for_bit_alone_and_beside_other_adapters()
    {
        using var model = new AdaptedModel();
        var requests = new[] { 1, 3, 40, 129 }.SelectMany(length => Enumerable.Range(-1, model.Stack.Slots + 1).Select(slot =>
            Request([.. Enumerable.Range(0, length).Select(place => place % 300)], slot < 0 ? null : slot) with
            {
                Samples = [0, 1, 2], Decoding = new Decoding { Temperature = 1, MaxTokens = 9, IgnoreEos = true },
            })).ToList();
        using var engine = new DecodingEngine(model.Weights, Small, model.Stack);
        var together = engine.Generate(requests, Reference.Letters, []).ToDictionary(Key, Bits);
        foreach (var request in requests)
        {
            var alone = engine.Generate([request with { Samples = [1] }], Reference.Letters, []).Single();
            Assert.Equal(together[Key(alone)], Bits(alone));
        }

        // In a stack of its own, and the bare base without a stack.
        using var other = AdapterStack.Create(model.Checkpoint.Config, [model.Updates[1]]);
        using var small = new DecodingEngine(model.Weights, Small with { MostRows = 5 }, other);
        foreach (var answer in small.Generate(requests.Where(request => request.Adapter == 1).Select(request => request with { Adapter = 0 }), Reference.Letters, []))
        {
            Assert.Equal(together[Key(answer with { Request = answer.Request with { Adapter = 1 } })], Bits(answer));
        }

        using var bare = new DecodingEngine(model.Weights, Small);
        foreach (var answer in bare.Generate(requests.Where(request => request.Adapter is null), Reference.Letters, []))
        {
            Assert.Equal(together[Key(answer)], Bits(answer));
        }

        static string Key(Completion answer) => $"{answer.Request.PromptIds.Count}/{answer.Request.Adapter}/{answer.Sample}";

        static string Bits(Completion answer) =>
            $"{string.Join(' ', answer.Ids)}/{string.Join(' ', answer.TokenLogProbabilities.Select(BitConverter.SingleToInt32Bits))}";
    }

    [Fact]
    public void An_adapter_that_changes_nothing_is_refused_by_name_and_the_others_answer()
    {
        using var model = new AdaptedModel(change: 0);
        using var engine = new DecodingEngine(model.Weights, Small, model.Stack);
        Assert.Equal(default, engine.Work);
        var (slot, why) = Assert.Single(engine.WithoutEffect);
        Assert.Equal(1, slot);
        Assert.Contains("changed-0 does not change", why, StringComparison.Ordinal);
        Assert.Equal(why, Assert.Throws<InvalidDataException>(() => engine.Generate([Request([1, 2, 3], 1)], Reference.Letters, []).ToList()).Message);

        var (prompt, greedy) = Reference.Answers("lora-qwen2-qv-r4", "golden")[0];
        Assert.Equal(greedy, Assert.Single(engine.Generate([Request(prompt, 0)], Reference.Letters, [])).Ids);
        Assert.Equal(prompt.Length, engine.Work.PromptTokens);
    }

    private static GenerationRequest Request(IReadOnlyList<int> prompt, int? adapter) =>
        new(prompt, [0], new Decoding { MaxTokens = 32, IgnoreEos = true }, Adapter: adapter);

    /// <summary>A base, its published adapter, one with other factors, and an interpolation of the two.</summary>
    private sealed class AdaptedModel : IDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("adapter-").FullName;
        private readonly Adapter[] adapters;

        public AdaptedModel(float change = -1.5f)
        {
            var published = TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter");
            Checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
            Weights = Weights.Load(Checkpoint);
            adapters = [Adapter.Open(published, Checkpoint.Config), Adapter.Open(Changed(published, change), Checkpoint.Config)];
            Updates = [new(adapters[0]), new(adapters[1]), new(adapters[0], adapters[1], 0.3)];
            Stack = AdapterStack.Create(Checkpoint.Config, Updates);
        }

        public Checkpoint Checkpoint { get; }

        public Weights Weights { get; }

        public IReadOnlyList<AdapterUpdate> Updates { get; }

        public AdapterStack Stack { get; }

        public void Dispose()
        {
            Stack.Dispose();
            Weights.Dispose();
            Array.ForEach(adapters, adapter => adapter.Dispose());
            Checkpoint.Dispose();
            Directory.Delete(folder, recursive: true);
        }

        /// <summary>The adapter with one factor of each update times a number (almost none of it left for 0, so that its file is not refused).</summary>
        private string Changed(string published, float factor)
        {
            var target = Path.Combine(folder, $"changed-{factor}");
            Directory.CreateDirectory(target);
            File.Copy(Path.Combine(published, "adapter_config.json"), Path.Combine(target, "adapter_config.json"));
            var bytes = File.ReadAllBytes(Path.Combine(published, "adapter_model.safetensors"));
            var start = 8 + (int)BitConverter.ToInt64(bytes);
            using var header = JsonDocument.Parse(bytes.AsMemory(8, start - 8));
            foreach (var tensor in header.RootElement.EnumerateObject().Where(tensor => tensor.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)))
            {
                var offsets = tensor.Value.GetProperty("data_offsets");
                for (var place = start + offsets[0].GetInt32(); place < start + offsets[1].GetInt32(); place += sizeof(float))
                {
                    var value = BitConverter.ToSingle(bytes, place) * (factor == 0 ? 1e-30f : factor);
                    BitConverter.TryWriteBytes(bytes.AsSpan(place), value);
                }
            }

            File.WriteAllBytes(Path.Combine(target, "adapter_model.safetensors"), bytes);
            return target;
        }
    }
}
