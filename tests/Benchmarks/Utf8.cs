using System.Runtime.InteropServices;

namespace Hindsight.Benchmarks;

/// <summary>A text as a C function takes it.</summary>
internal sealed unsafe class Utf8(string text) : IDisposable
{
    public byte* Pointer { get; } = (byte*)Marshal.StringToCoTaskMemUTF8(text);

    public void Dispose() => Marshal.FreeCoTaskMem((nint)Pointer);
}
