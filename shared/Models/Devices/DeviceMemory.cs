using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Hindsight.Models;

/// <summary>The memory that a device computes on. Addresses are the device's; only the processor's can be read by this program.</summary>
public abstract class DeviceMemory
{
    /// <summary>How ONNX Runtime calls this memory.</summary>
    public abstract OrtMemoryInfo Info { get; }

    /// <summary>What the device is called.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes that this process may hope for now.</summary>
    public abstract long Available { get; }

    /// <exception cref="InvalidDataException">There is no GPU that can be used; the message says what is missing.</exception>
    public static DeviceMemory Of(Device device) => device == Device.Cuda ? CudaMemory.OfFirstGpu : HostMemory.OfProcess;

    /// <summary>Memory of zeros.</summary>
    /// <exception cref="InvalidDataException">The device has not so much.</exception>
    public abstract nint Allocate(long bytes);

    public abstract void Free(nint address);

    /// <summary>Copies from this program's memory.</summary>
    public abstract void Write(nint target, nint source, long bytes);

    /// <summary>
    /// Copies within the device: <paramref name="count"/> stretches of <paramref name="bytes"/> bytes that lie <paramref name="pitch"/>
    /// bytes apart, to places as far apart. They are there after <see cref="Finish"/>.
    /// </summary>
    public abstract void Copy(nint source, nint target, long bytes, long count, long pitch);

    /// <summary>Waits for copies that were begun.</summary>
    public abstract void Finish();

    /// <summary>Has this program's memory stay where it is, so that the device can write there at full speed.</summary>
    public abstract void Lock(nint address, long bytes);

    public abstract void Unlock(nint address);
}

/// <summary>The processor's own memory; the system gives it page by page, as it is written.</summary>
internal sealed unsafe class HostMemory : DeviceMemory
{
    public static HostMemory OfProcess { get; } = new();

    public override OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

    public override string Name => RuntimeInformation.ProcessArchitecture.ToString();

    public override long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public override nint Allocate(long bytes) => (nint)NativeMemory.AllocZeroed((nuint)bytes);

    public override void Free(nint address) => NativeMemory.Free((void*)address);

    public override void Write(nint target, nint source, long bytes) => Buffer.MemoryCopy((void*)source, (void*)target, bytes, bytes);

    public override void Copy(nint source, nint target, long bytes, long count, long pitch)
    {
        for (var index = 0L; index < count; index++)
        {
            Write(target + (nint)(index * pitch), source + (nint)(index * pitch), bytes);
        }
    }

    public override void Finish()
    {
    }

    public override void Lock(nint address, long bytes)
    {
    }

    public override void Unlock(nint address)
    {
    }
}
