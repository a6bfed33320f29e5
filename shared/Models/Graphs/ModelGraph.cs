using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Models;

/// <summary>
/// An architecture as an ONNX model without weights. It depends on the config alone, so every checkpoint of a shape, and every sequence
/// length, runs on the same bytes.
/// </summary>
/// <remarks>
/// Inputs of both forms: <see cref="Ids"/> int64 [batch, sequence]; <see cref="Selected"/> int64 [selected], the places batch·sequence
/// whose logits are wanted; where <see cref="TakesRotary"/>, <see cref="Cosines"/> and <see cref="Sines"/> of the rotary angles, as
/// <see cref="Rotary(int)"/> gives them; where <see cref="TakesPositions"/>, <see cref="Positions"/> int64 [batch, sequence], each new
/// token's position.
/// The plain form takes whole sequences, with as many rows of cosines as tokens. The fused form has a cache for each of
/// <see cref="Caches"/>: inputs Past(layer, "key" or "value") float [batch, keyValueHeads, capacity, <see cref="HeadWidth"/>], outputs Present
/// of the same, which may be the same memory; <see cref="LastPositions"/> int32 [batch], each row's length with the new tokens less one;
/// <see cref="GreatestLength"/> int32, the greatest of these lengths.
/// Where the rotary frequencies depend on the length (<see cref="RotaryEmbedding.FrequenciesChangeAfter"/>), the fused form takes for positions
/// the rows of a table that may hold several lengths, and the keys that are cached for a sequence must have been turned with the frequencies
/// of its present length. Over adapters there is the input <see cref="AdapterStack.Adapters"/>.
/// "Float" above is the type of the precision, <see cref="ElementType"/>. Output: <see cref="Logits"/> float32 [selected, <see cref="ModelConfig.Outputs"/>].
/// </remarks>
public sealed partial class ModelGraph
{
    public const string Ids = "input_ids";
    public const string Selected = "selected";
    public const string LastPositions = "last_positions";
    public const string GreatestLength = "greatest_length";
    public const string Cosines = "rotary_cosines";
    public const string Sines = "rotary_sines";
    public const string Positions = "positions";
    public const string Logits = "logits";

    private static readonly ConcurrentDictionary<(ModelConfig, Target, Precision, string), ModelGraph> Known = new();

    // Read by ONNX Runtime when a session is made. Its tiled attention is the slower one for single tokens over any cache that was
    // measured (100 to 1500 tokens): the others make steps in int8 1.1 to 1.2 times as fast.
    private const string NoTiledAttention = "ORT_GQA_DISABLE_FLASH_ATTENTION";

    private readonly byte[] onnx;

    private ModelGraph(ModelConfig config, Target target, Precision precision, AdapterStack? stack)
    {
        var graph = new Graph();
        Caches = Describe(config, target, graph, precision, stack);
        Config = config;
        Target = target;
        TakesRotary = graph.Takes(Cosines);
        TakesPositions = graph.Takes(Positions);
        TakesAdapters = graph.Takes(AdapterStack.Adapters);
        Precision = precision;
        Adaptable = AdaptableModules.Of(graph);
        FloatParameters = [.. graph.Parameters];
        Int8Parameters = [.. graph.Int8Parameters];
        onnx = OnnxWriter.Write(graph, target);
    }

    public ModelConfig Config { get; }

    public Target Target { get; }

    public Precision Precision { get; }

    /// <summary>The type of all floating-point inputs: tables, keys and values, adapters.</summary>
    public TensorElementType ElementType => Precision.FloatType().ElementType();

    /// <summary>Bytes of an element of <see cref="ElementType"/>.</summary>
    public int ElementSize => Precision.FloatType().Size();

    /// <summary>The names of the layers that keep keys and values.</summary>
    public IReadOnlyList<string> Caches { get; }

    /// <summary>The size of a head inside the graph; more than the config's where an operator needs it.</summary>
    public int HeadWidth => Target == Target.Fused ? CachedContext.WidthOf(Config.HeadSize, Config.Rotary) : Config.HeadSize;

    /// <summary>The graph has the inputs <see cref="Cosines"/> and <see cref="Sines"/>.</summary>
    public bool TakesRotary { get; }

    /// <summary>The graph has the input <see cref="Positions"/>.</summary>
    public bool TakesPositions { get; }

    /// <summary>The graph has the input <see cref="AdapterStack.Adapters"/>.</summary>
    public bool TakesAdapters { get; }

    /// <summary>The weights in floating point, by Hugging Face name.</summary>
    internal IReadOnlyList<Parameter> FloatParameters { get; }

    /// <summary>The weights of linear maps in 8-bit integers; none but in int8.</summary>
    internal IReadOnlyList<Int8Parameter> Int8Parameters { get; }

    /// <summary>The bytes of all weights, and of those of linear maps, of which ONNX Runtime keeps a copy in an order of its own.</summary>
    public (long Weights, long Linear) WeightBytes
    {
        get
        {
            var codes = Int8Parameters.Sum(weight => (long)weight.From * weight.To);
            var floats = FloatParameters.Sum(parameter => ElementSize * parameter.Shape.Size.Factor) + (sizeof(float) * Int8Parameters.Sum(weight => (long)weight.To));
            return (floats + codes, codes > 0 ? codes : ElementSize * Adaptable.Linears.Sum(linear => linear.From * linear.To));
        }
    }

    /// <summary>What an adapter can change.</summary>
    internal AdaptableModules Adaptable { get; }

    /// <summary>The ONNX model.</summary>
    public ReadOnlyMemory<byte> Bytes => onnx;

    /// <summary>The weights that a config demands, by Hugging Face name, in the order in which they are used.</summary>
    internal static IReadOnlyList<Parameter> Parameters(ModelConfig config)
    {
        var graph = new Graph();
        Describe(config, Target.Plain, graph, Precision.Float32, stack: null);
        return [.. graph.Parameters];
    }

    /// <param name="config">The model.</param>
    /// <param name="target">The form of the graph.</param>
    /// <param name="precision">Of the linear maps.</param>
    /// <param name="stack">Adapters, one of which each row may have; the graph depends on their shape alone.</param>
    public static ModelGraph For(ModelConfig config, Target target, Precision precision = Precision.Float32, AdapterStack? stack = null) =>
        Known.GetOrAdd((config, target, precision, stack?.ShapeKey ?? ""), key => new(config, target, precision, stack));

    /// <summary>
    /// What to give as <see cref="Cosines"/> and <see cref="Sines"/>, where the graph takes them: for each length one table, one behind the
    /// other. More than one makes sense only where the frequencies depend on the length.
    /// </summary>
    /// <param name="positions">Rows of each table.</param>
    /// <param name="lengths">Tokens of the sequences.</param>
    public RotaryTable Rotary(int positions, params ReadOnlySpan<int> lengths)
    {
        var rotary = Config.Rotary ?? throw new InvalidOperationException($"{Config.Architecture} has no rotary embedding.");
        return new(rotary, positions, lengths, Target == Target.Fused ? CachedContext.HalfOf(rotary) : rotary.Size / 2);
    }

    /// <summary>The table for all sequences of up to that many tokens, where their frequencies are the same.</summary>
    public RotaryTable Rotary(int positions) => Rotary(positions, [positions]);

    public static string Past(string layer, string part) => $"{layer}.past_{part}";

    public static string Present(string layer, string part) => $"{layer}.present_{part}";

    /// <summary>Refuses what the model cannot read.</summary>
    /// <exception cref="InvalidDataException">There are no ids, more than the model has positions, or one outside the vocabulary.</exception>
    public void CheckIds(IReadOnlyList<int> ids)
    {
        if (ids.Count == 0)
        {
            throw new InvalidDataException("The prompt has no tokens; the model needs at least one to go on from.");
        }

        if (ids.Count > Config.MaxPositions)
        {
            throw new InvalidDataException($"The text has {ids.Count} tokens, but the model has positions for {Config.MaxPositions}.");
        }

        var outside = ids.Where(id => id < 0 || id >= Config.VocabularySize).ToList();
        if (outside.Count > 0)
        {
            throw new InvalidDataException($"Token id {outside[0]} is outside the model's vocabulary of {Config.VocabularySize}: the tokenizer does not belong to the model.");
        }
    }

    /// <summary>A session that computes the graph with these weights, which must outlive it and not change.</summary>
    /// <param name="weights">Tensors by Hugging Face name.</param>
    /// <param name="threads">Threads that one run uses.</param>
    /// <param name="stack">The adapters; they must outlive the session too.</param>
    /// <param name="device">What computes it.</param>
    /// <param name="profile">Where a profile is to be written: a path that gets an ending; null for none.</param>
    /// <exception cref="InvalidDataException">There is no GPU that can be used; the message says what is missing.</exception>
    public InferenceSession Open(Weights weights, int threads, AdapterStack? stack = null, Device device = Device.Cpu, string? profile = null)
    {
        SetEnvironmentVariable(NoTiledAttention, "1");
        // ONNX Runtime looks for the file that the initialisers name before it takes the values that are handed over.
        var folder = Directory.CreateTempSubdirectory("hindsight-");
        try
        {
            File.Create(Path.Combine(folder.FullName, OnnxWriter.WeightsFile)).Dispose();
            using var options = new SessionOptions
            {
                IntraOpNumThreads = threads,
                InterOpNumThreads = 1,
                // The plain form is what the fused one is checked against: it is to be computed as it is written.
                GraphOptimizationLevel = Target == Target.Plain ? GraphOptimizationLevel.ORT_DISABLE_ALL : GraphOptimizationLevel.ORT_ENABLE_ALL,
            };
            if (device == Device.Cuda)
            {
                AppendCuda(options);
            }

            if (profile is not null)
            {
                (options.ProfileOutputPathPrefix, options.EnableProfiling) = (profile, true);
            }

            options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            // These would read weights from the empty file.
            options.AddSessionConfigEntry("optimization.disable_specified_optimizers", "ConstantFolding;FuseFp16InitializerToFp32NodeTransformer");
            options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder.FullName);
            foreach (var name in FloatParameters.Select(parameter => parameter.Name).Concat(Int8Parameters.SelectMany(parameter => new[] { parameter.Codes, parameter.Scales })))
            {
                options.AddInitializer(name, weights.On(device, name));
            }

            foreach (var (name, value) in stack?.On(device) ?? [])
            {
                options.AddInitializer(name, value);
            }

            var session = new InferenceSession(onnx, options);
            weights.ReleaseMapped();
            return session;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void AppendCuda(SessionOptions options)
    {
        // Tells what is missing in better words than the provider's.
        DeviceMemory.Of(Device.Cuda);
        try
        {
            using var cuda = new OrtCUDAProviderOptions();
            // The engine has counted what it needs: the runtime takes no more than it is asked for.
            cuda.UpdateOptions(new() { ["device_id"] = "0", ["arena_extend_strategy"] = "kSameAsRequested" });
            options.AppendExecutionProvider_CUDA(cuda);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new InvalidDataException($"The GPU cannot be used: ONNX Runtime's CUDA provider does not load ({exception.Message.Split('\n')[0]}).", exception);
        }
    }

    private static IReadOnlyList<string> Describe(ModelConfig config, Target target, Graph graph, Precision precision, AdapterStack? stack)
    {
        Context context = target == Target.Fused ? new CachedContext(graph, precision, stack) : new WholeContext(graph, precision, stack);
        var decoder = config.Family.Describe(config);
        graph.Output(Logits, (config.Reward is { } reward ? decoder with { Head = reward.Layer(config.HiddenSize) } : decoder).Logits(context).As(DType.Float32));
        return context.Caches;
    }

    /// <summary>Sets a variable for native code, which on Unix does not see what .NET sets.</summary>
    private static void SetEnvironmentVariable(string name, string value)
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(name, value);
        }
        else
        {
            _ = SetVariable(name, value, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
