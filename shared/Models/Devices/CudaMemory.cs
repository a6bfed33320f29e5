using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models;

/// <summary>
/// The first GPU's memory, by the CUDA runtime (docs.nvidia.com/cuda/cuda-runtime-api, "Memory Management"). Copies go through the
/// default stream and those of ONNX Runtime through its own: each side waits for its work before the other begins.
/// </summary>
internal sealed partial class CudaMemory : DeviceMemory
{
    private const string Runtime = "cudart";
    private const string Driver = "cuda";
    private const int OutOfMemory = 2;
    private const int HostToDevice = 1;
    private const int DeviceToDevice = 3;

    // ONNX Runtime's providers are built for one of these.
    private static readonly string[] Runtimes = ["libcudart.so.13", "libcudart.so.12", "cudart64_13.dll", "cudart64_12.dll"];
    private static readonly string[] Drivers = ["libcuda.so.1", "nvcuda.dll"];

    private static readonly Lazy<CudaMemory> Opened = new(() => new());

    static CudaMemory() => NativeLibrary.SetDllImportResolver(typeof(CudaMemory).Assembly, Resolve);

    private CudaMemory()
    {
        Require(Driver, Drivers, "an NVIDIA driver");
        Require(Runtime, Runtimes, "the CUDA runtime (libcudart), version 12 or 13, on the library path");
        var error = CountDevices(out var count);
        if (error != 0 || count == 0)
        {
            throw new InvalidDataException($"There is no GPU that CUDA can use: {(error == 0 ? "none is visible" : Text(error))}.");
        }
    }

    /// <exception cref="InvalidDataException">There is none that can be used; the message says what is missing.</exception>
    public static CudaMemory OfFirstGpu => Opened.Value;

    public override OrtMemoryInfo Info { get; } = new("Cuda", OrtAllocatorType.DeviceAllocator, deviceId: 0, OrtMemType.Default);

    public override long Available
    {
        get
        {
            Check(GetInfo(out var free, out _));
            return (long)free;
        }
    }

    public override string Name
    {
        get
        {
            var name = new byte[256];
            return Initialise(0) == 0 && GetDevice(out var device, 0) == 0 && GetName(name, name.Length, device) == 0
                ? Encoding.UTF8.GetString(name.AsSpan(0, Array.IndexOf<byte>(name, 0)))
                : "unnamed";
        }
    }

    public override nint Allocate(long bytes)
    {
        var error = Malloc(out var address, (nuint)bytes);
        if (error == OutOfMemory)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"The GPU's memory is full: {bytes / (double)(1 << 30):0.00} GiB are wanted and {Available / (double)(1 << 30):0.00} GiB free. Give the engine less memory, or let nothing else run there."));
        }

        Check(error);
        Check(Set(address, 0, (nuint)bytes));
        Finish();
        return address;
    }

    public override void Free(nint address) => Check(FreeMemory(address));

    public override void Write(nint target, nint source, long bytes) => Check(CopyFlat(target, source, (nuint)bytes, HostToDevice));

    public override void Copy(nint source, nint target, long bytes, long count, long pitch) =>
        Check(CopyStrided(target, (nuint)pitch, source, (nuint)pitch, (nuint)bytes, (nuint)count, DeviceToDevice));

    public override void Finish() => Check(SynchroniseStream(0));

    public override void Lock(nint address, long bytes) => Check(Register(address, (nuint)bytes, 0));

    public override void Unlock(nint address) => Check(Unregister(address));

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new InvalidOperationException($"CUDA reports: {Text(error)}.");
        }
    }

    private static string Text(int error) => Marshal.PtrToStringUTF8(ErrorText(error)) ?? string.Create(CultureInfo.InvariantCulture, $"error {error}");

    private static void Require(string library, string[] files, string what)
    {
        if (Resolve(library, typeof(CudaMemory).Assembly, null) == 0)
        {
            throw new InvalidDataException($"The GPU cannot be used: {what} is not there (looked for {string.Join(", ", files)}).");
        }
    }

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? path)
    {
        var files = library switch { Runtime => Runtimes, Driver => Drivers, _ => [] };
        return files.Select(file => NativeLibrary.TryLoad(file, out var handle) ? handle : 0).FirstOrDefault(handle => handle != 0);
    }

    [LibraryImport(Runtime, EntryPoint = "cudaGetDeviceCount")]
    private static partial int CountDevices(out int count);

    [LibraryImport(Runtime, EntryPoint = "cudaMemGetInfo")]
    private static partial int GetInfo(out nuint free, out nuint total);

    [LibraryImport(Runtime, EntryPoint = "cudaMalloc")]
    private static partial int Malloc(out nint address, nuint bytes);

    [LibraryImport(Runtime, EntryPoint = "cudaFree")]
    private static partial int FreeMemory(nint address);

    [LibraryImport(Runtime, EntryPoint = "cudaMemset")]
    private static partial int Set(nint address, int value, nuint bytes);

    [LibraryImport(Runtime, EntryPoint = "cudaMemcpy")]
    private static partial int CopyFlat(nint target, nint source, nuint bytes, int kind);

    [LibraryImport(Runtime, EntryPoint = "cudaMemcpy2D")]
    private static partial int CopyStrided(nint target, nuint targetPitch, nint source, nuint sourcePitch, nuint width, nuint height, int kind);

    [LibraryImport(Runtime, EntryPoint = "cudaStreamSynchronize")]
    private static partial int SynchroniseStream(nint stream);

    [LibraryImport(Runtime, EntryPoint = "cudaHostRegister")]
    private static partial int Register(nint address, nuint bytes, uint flags);

    [LibraryImport(Runtime, EntryPoint = "cudaHostUnregister")]
    private static partial int Unregister(nint address);

    [LibraryImport(Runtime, EntryPoint = "cudaGetErrorString")]
    private static partial nint ErrorText(int error);

    [LibraryImport(Driver, EntryPoint = "cuInit")]
    private static partial int Initialise(uint flags);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGet")]
    private static partial int GetDevice(out int device, int ordinal);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGetName")]
    private static partial int GetName([Out] byte[] name, int length, int device);
}
