using System.Numerics.Tensors;
using Hindsight.Models;

namespace Hindsight.Generation.Tests;

public class PrecisionTests
{
    private static readonly EngineOptions Small = new() { MaxLength = 64, MostRows = 8, Threads = 1 };

    [SkippableTheory]
    [InlineData("stories260k-real", Precision.Float16, Device.Cpu)]
    [InlineData("qwen2-tied", Precision.Float16, Device.Cpu)]
    [InlineData("stories260k-real", Precision.Float16, Device.Cuda)]
    [InlineData("stories260k-real", Precision.BFloat16, Device.Cuda)]
    [InlineData("qwen2-tied", Precision.Float16, Device.Cuda)]
    [InlineData("gemma2", Precision.BFloat16, Device.Cuda)]
    public void Rows_in_16_bits_go_on_as_the_whole_text_would_in_float32(string model, Precision precision, Device device)
    {
        using var weights = Load(model, precision);
        SkipWithout(device, weights);
        using var exact = Load(model, Precision.Float32);
        using var whole = new Transformer(exact, Target.Fused, threads: 1);
        using var batch = new DecodingBatch(weights, rows: 4, maxLength: 64, threads: 1, device: device);
        void Close(ReadOnlySpan<float> last, float[] all) => PrecisionTests.Close(last, all, precision == Precision.Float16 ? 0.005 : 0.04);
        List<int>[] texts = [[3, 41, 7, 250, 99], [11, 12, 13]];
        for (var row = 0; row < texts.Length; row++)
        {
            batch.Begin(texts[row]);
            batch.ReadPiece();
            Close(batch.PromptLogits, whole.Logits(texts[row]));
            batch.Place(row);
        }

        // Row 2 goes on as row 0 does, which changes places with row 1.
        batch.Fork(0, 2);
        batch.Swap(0, 1);
        texts = [texts[1], [.. texts[0]], texts[0]];
        for (var step = 0; step < 5; step++)
        {
            int[] next = [20 + step, 30 + step, 40 + step];
            batch.Step(next);
            for (var row = 0; row < texts.Length; row++)
            {
                texts[row].Add(next[row]);
                Close(batch.Logits(row), whole.Logits(texts[row]));
            }
        }
    }

    [Fact]
    public void Rows_in_float16_have_adapters_of_their_own()
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        using var adapter = Adapter.Open(TestData.PathTo("models", "lora-qwen2-qv-r4", "adapter"), checkpoint.Config);
        using var weights = Weights.Load(checkpoint, Precision.Float16);
        using var stack = AdapterStack.Create(checkpoint.Config, [new AdapterUpdate(adapter)], Precision.Float16);
        using var whole = new Transformer(weights, Target.Fused, threads: 1, stack);
        using var batch = new DecodingBatch(weights, rows: 2, maxLength: 64, threads: 1, stack);
        int[] prompt = [5, 6, 7, 8];
        foreach (var (row, slot) in new[] { (0, (int?)null), (1, 0) })
        {
            batch.Begin(prompt, slot);
            batch.ReadPiece();
            batch.Place(row);
        }

        batch.Step([9, 9]);
        int[] text = [.. prompt, 9];
        Close(batch.Logits(0), whole.Logits(text, null), 0.002);
        Close(batch.Logits(1), whole.Logits(text, 0), 0.002);
        Assert.NotEqual(batch.Logits(0).ToArray(), batch.Logits(1).ToArray());

        using var exact = AdapterStack.Create(checkpoint.Config, [new AdapterUpdate(adapter)]);
        Assert.Throws<ArgumentException>(() => new DecodingBatch(weights, rows: 2, maxLength: 64, threads: 1, exact));
    }

    [Theory]
    [InlineData(Precision.Float16, Device.Cpu, "float16")]
    [InlineData(Precision.BFloat16, Device.Cpu, "bfloat16")]
    [InlineData(Precision.Float32, Device.Cuda, "float32")]
    [InlineData(Precision.Int8, Device.Cuda, "int8")]
    public void A_precision_that_the_device_cannot_compute_in_is_refused(Precision precision, Device device, string name)
    {
        using var weights = Load("qwen2-tied", precision);
        var refusal = Assert.Throws<InvalidDataException>(() => new DecodingEngine(weights, Small with { Device = device })).Message;
        Assert.Contains($" {name} ", refusal, StringComparison.Ordinal);
        Assert.Contains(device == Device.Cpu ? "needs a GPU" : "for the CPU", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_in_16_bits_take_half_the_memory_and_a_gpu_keeps_one_copy_of_the_weights()
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", "qwen2-tied", "model"));
        var options = Small with { Memory = 8L << 30 };
        var cpu = EngineMemory.Plan(checkpoint.Config, Precision.Float32, options);
        var gpu = EngineMemory.Plan(checkpoint.Config, Precision.BFloat16, options with { Device = Device.Cuda });
        Assert.Equal(cpu.Weights, 2 * gpu.Weights);
        Assert.Equal(0, gpu.Prepared);
        var logits = checkpoint.Config.VocabularySize * sizeof(float);
        Assert.Equal(cpu.Row - logits, 2 * (gpu.Row - logits - (logits / 2)));
        Assert.Contains("GPU with more memory", Assert.Throws<InvalidDataException>(
            () => EngineMemory.Plan(checkpoint.Config, Precision.BFloat16, options with { Device = Device.Cuda, Memory = 1 << 20 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cpu_promises_the_same_bits_whatever_the_batch()
    {
        using var weights = Load("qwen2-tied", Precision.Float32);
        using var engine = new DecodingEngine(weights, Small);
        Assert.True(engine.IsBatchInvariant);
        Assert.StartsWith("CPU (", engine.ComputedOn, StringComparison.Ordinal);
    }

    private static Weights Load(string model, Precision precision)
    {
        using var checkpoint = Checkpoint.Open(TestData.PathTo("models", model, "model"));
        return Weights.Load(checkpoint, precision);
    }

    [SkippableFact]
    public void A_gpu_gives_the_greedy_answers_of_transformers_and_promises_no_bits()
    {
        using var weights = Load("stories260k-real", Precision.Float16);
        SkipWithout(Device.Cuda, weights);
        using var engine = new DecodingEngine(weights, Small with { Device = Device.Cuda });
        Assert.False(engine.IsBatchInvariant);
        Assert.StartsWith("GPU (", engine.ComputedOn, StringComparison.Ordinal);
        var requests = Reference.Answers("stories260k-real", "golden")
            .Select(answer => new GenerationRequest(answer.Prompt, [0, 1, 2], new() { MaxTokens = 16, IgnoreEos = true }) { Tag = answer.Greedy })
            .Where(request => request.PromptIds.Count + 16 < Small.MaxLength);
        var answers = engine.Generate(requests, Reference.Letters, []).ToList();
        Assert.NotEmpty(answers);
        Assert.True(answers.Count(answer => answer.Ids.SequenceEqual(((int[])answer.Request.Tag!)[..16])) >= 0.8 * answers.Count);
    }

    [Fact]
    public void A_profile_names_the_operators_of_the_steps()
    {
        var folder = Directory.CreateTempSubdirectory("profile-");
        try
        {
            using var weights = Load("qwen2-tied", Precision.Float32);
            using (var batch = new DecodingBatch(weights, rows: 1, maxLength: 64, threads: 1, profile: Path.Combine(folder.FullName, "profile")))
            {
                batch.Begin([1, 2, 3]);
                batch.ReadPiece();
            }

            Assert.Contains("\"op_name\" : \"GroupQueryAttention\"", File.ReadAllText(Assert.Single(folder.GetFiles()).FullName), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Skips the test where there is no such device, or ONNX Runtime's provider for it is not beside the tests.</summary>
    private static void SkipWithout(Device device, Weights weights)
    {
        try
        {
            new Transformer(weights, Target.Fused, threads: 1, device: device).Dispose();
        }
        catch (InvalidDataException missing)
        {
            Skip.If(true, missing.Message);
        }
    }

    private static void Close(ReadOnlySpan<float> last, float[] all, double part)
    {
        var expected = all.AsSpan(all.Length - last.Length);
        var spread = TensorPrimitives.Max(expected) - TensorPrimitives.Min(expected);
        Assert.InRange(TensorPrimitives.Distance(last, expected) / Math.Sqrt(last.Length), 0, part * spread);
    }
}
