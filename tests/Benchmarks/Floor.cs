using System.Runtime.InteropServices;
using Google.Protobuf;
using Hindsight.Models;
using Hindsight.Models.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Hindsight.Benchmarks;

/// <summary>
/// What the machine can do at best: one big matrix product, [side, side] times [side, side], through ONNX Runtime, and plain reading of
/// memory larger than the caches. No step can be shorter than its multiplications at the one rate, nor than its weights at the other.
/// </summary>
internal sealed unsafe class Floor : IDisposable
{
    private const int Side = 2048;
    private const long ReadBytes = 1L << 30;

    private readonly Precision precision;
    private readonly int threads;
    private readonly InferenceSession session;
    private readonly OrtValue left;
    private readonly RunOptions options = new();
    private readonly byte* memory;

    public Floor(Precision precision, int threads)
    {
        (this.precision, this.threads) = (precision, threads);
        using var sessionOptions = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
        session = new InferenceSession(Product(precision), sessionOptions);
        left = OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance, precision == Precision.Int8 ? TensorElementType.UInt8 : TensorElementType.Float, [Side, Side]);
        if (precision == Precision.Int8)
        {
            left.GetTensorMutableDataAsSpan<byte>().Fill(3);
        }
        else
        {
            left.GetTensorMutableDataAsSpan<float>().Fill(0.5f);
        }

        memory = (byte*)NativeMemory.Alloc((nuint)ReadBytes);
        NativeMemory.Fill(memory, (nuint)ReadBytes, 1);
    }

    /// <summary>Operations of one product.</summary>
    public static double Operations => 2.0 * Side * Side * Side;

    /// <summary>Bytes of one reading.</summary>
    public static double Bytes => ReadBytes;

    public void Multiply()
    {
        using var results = session.Run(options, ["left"], [left], session.OutputNames);
    }

    public void Read()
    {
        var part = ReadBytes / threads;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            var values = new ReadOnlySpan<ulong>(memory + (thread * part), (int)(part / sizeof(ulong)));
            if (System.Numerics.Tensors.TensorPrimitives.Sum(values) == 0)
            {
                throw new InvalidOperationException("Memory was not filled.");
            }
        });
    }

    /// <summary>The least seconds of a step for a batch of rows.</summary>
    /// <param name="multiply">Of <see cref="Multiply"/>.</param>
    /// <param name="read">Of <see cref="Read"/>.</param>
    public double SecondsOfStep(RandomModel model, int rows, double multiply, double read)
    {
        var bytesPerWeight = precision == Precision.Int8 ? sizeof(sbyte) : sizeof(float);
        return Math.Max(
            rows * model.FlopsPerToken / (Operations / multiply),
            model.Parameters * bytesPerWeight / (Bytes / read));
    }

    public void Dispose()
    {
        left.Dispose();
        options.Dispose();
        session.Dispose();
        NativeMemory.Free(memory);
    }

    private static byte[] Product(Precision precision)
    {
        var (type, leftType, rightType, product) = precision == Precision.Int8
            ? ("MatMulInteger", TensorProto.Types.DataType.Uint8, TensorProto.Types.DataType.Int8, TensorProto.Types.DataType.Int32)
            : ("MatMul", TensorProto.Types.DataType.Float, TensorProto.Types.DataType.Float, TensorProto.Types.DataType.Float);
        var right = precision == Precision.Int8 ? new byte[Side * Side] : MemoryMarshal.AsBytes<float>(Enumerable.Repeat(0.5f, Side * Side).ToArray()).ToArray();
        var graph = new GraphProto
        {
            Name = "product",
            Node = { new NodeProto { OpType = type, Input = { "left", "right" }, Output = { "product" } } },
            Initializer = { new TensorProto { Name = "right", DataType = rightType, Dims = { Side, Side }, RawData = ByteString.CopyFrom(right) } },
            Input = { Value("left", leftType) },
            Output = { Value("product", product) },
        };
        return new ModelProto { IrVersion = 8, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 17 } } }.ToByteArray();
    }

    private static ValueInfoProto Value(string name, TensorProto.Types.DataType type) => new()
    {
        Name = name,
        Type = new() { TensorType = new() { ElemType = type, Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = Side }, new TensorShapeProto.Types.Dimension { DimValue = Side } } } } },
    };
}
