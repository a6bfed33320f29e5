using System.Globalization;
using Hindsight.Models;

namespace Hindsight.Generation;

/// <summary>
/// The bytes that an engine will take, known from a model's config before anything is loaded.
/// </summary>
/// <param name="Weights">All weights as the precision has them, mapped files included; on a GPU their copy there.</param>
/// <param name="Prepared">The copy of the linear maps' weights that ONNX Runtime makes on the CPU in the order in which it reads them.</param>
/// <param name="Adapters">The factors of the adapters, and on the CPU their copy.</param>
/// <param name="Workspace">Intermediate results, the prompt's keys and values, scratch memory and the runtime itself.</param>
/// <param name="Row">Keys, values and logits of one row.</param>
/// <param name="Rows">How many rows there is room for.</param>
public sealed record EngineMemory(long Weights, long Prepared, long Adapters, long Workspace, long Row, int Rows)
{
    /// <summary>.NET, ONNX Runtime and the process around them.</summary>
    private const long Runtime = 256L << 20;

    /// <summary>What ONNX Runtime's CUDA provider takes beside tensors: cuBLAS's workspaces and the code of the kernels.</summary>
    private const long CudaRuntime = 1L << 30;

    public long Total => Weights + Prepared + Adapters + Workspace + (Row * Rows);

    /// <summary>Plans an engine.</summary>
    /// <param name="config">The model.</param>
    /// <param name="precision">What it is computed in.</param>
    /// <param name="options">The room there is.</param>
    /// <param name="adapterBytes">Of a stack of adapters.</param>
    /// <exception cref="InvalidDataException">There is not room for a single row; the message has the numbers.</exception>
    public static EngineMemory Plan(ModelConfig config, Precision precision, EngineOptions options, long adapterBytes = 0)
    {
        var graph = ModelGraph.For(config, Target.Fused, precision);
        var isGpu = options.Device == Device.Cuda;
        // Put in order on the CPU, like the weights of linear maps.
        adapterBytes *= isGpu ? 1 : 2;
        var (weights, prepared) = graph.WeightBytes;
        prepared = isGpu ? 0 : prepared;
        var length = Math.Min(options.MaxLength, config.MaxPositions);
        var least = adapterBytes > 0 ? DecodingBatch.LeastRowsWithAdapters(options.Threads) : 1;
        var cache = KeyValueCache.RowSize(graph, DecodingBatch.Capacity(length, least));
        // Logits are cast to float32 on their way out.
        var row = cache + (config.Outputs * (sizeof(float) + (graph.ElementSize == sizeof(float) ? 0L : graph.ElementSize)));
        // At the widest point of a layer there are its input and residual, the queries, keys and values, or gate and up; the runtime's
        // memory grows by doubling.
        var tokens = Math.Max(options.MostRows, DecodingBatch.PromptPiece);
        var widths = (4L * config.HiddenSize) + (3L * config.IntermediateSize) + (2L * (config.Heads + (2 * config.KeyValueHeads)) * graph.HeadWidth);
        var scores = 2L * DecodingBatch.PromptPiece * length * config.Heads;
        var workspace = (isGpu ? CudaRuntime : Runtime) + (2 * sizeof(float) * ((tokens * widths) + scores)) + (2 * cache)
            + ((options.Threads + 1L) * 2 * config.Outputs * sizeof(float));
        var (memory, where) = (options.Memory, isGpu ? "GPU with more memory" : "machine with more memory");
        var left = memory - weights - prepared - adapterBytes - workspace;
        if (left < least * row)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"The model does not fit: its weights take {GiB(weights)} and their prepared copy {GiB(prepared)}, adapters {GiB(adapterBytes)}, the workspace {GiB(workspace)} and each answer of up to {length} tokens {GiB(row)}, of {GiB(memory)} there are. Take a {where}, fewer tokens{(precision == Precision.Float32 ? ", or the precision int8" : "")}."));
        }

        return new(weights, prepared, adapterBytes, workspace, row, (int)Math.Clamp(left / row, least, Math.Max(least, options.MostRows)));
    }

    private static string GiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):0.00} GiB");
}
