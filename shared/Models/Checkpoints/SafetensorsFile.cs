using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Hindsight.Models;

/// <summary>A safetensors file mapped into memory: opening reads the header alone, a tensor's bytes are paged in when touched.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly SafeMemoryMappedViewHandle view;
    private readonly byte* start;

    private SafetensorsFile(string path, SafetensorsHeader header, SafeMemoryMappedViewHandle view, byte* start)
    {
        Path = path;
        Header = header;
        this.view = view;
        this.start = start;
    }

    public string Path { get; }

    public SafetensorsHeader Header { get; private set; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="InvalidDataException">The header breaks a rule of the format, or the file is cut off.</exception>
    public static SafetensorsFile Open(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var length = stream.Length;
        var prefix = new byte[Math.Min(length, SafetensorsHeader.LengthBytes)];
        stream.ReadExactly(prefix);
        prefix = new byte[SafetensorsHeader.PrefixLength(prefix, length, path)];
        stream.Position = 0;
        stream.ReadExactly(prefix);
        var header = SafetensorsHeader.Parse(prefix, length, path);

        using var mapping = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        // The view outlives the mapping object and the stream; its handle alone keeps the memory.
        var view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read).SafeMemoryMappedViewHandle;
        byte* start = null;
        view.AcquirePointer(ref start);
        return new SafetensorsFile(path, header, view, start);
    }

    /// <summary>Gives the tensors other names than the file does.</summary>
    internal void Rename(Func<string, string> name) => Header = Header.Renamed(name);

    /// <summary>The first byte of a tensor; valid while this file, or a <see cref="Hold"/> on it, lives.</summary>
    internal byte* Pointer(TensorInfo tensor) => start + tensor.Start;

    /// <summary>Keeps the mapping alive beyond <see cref="Dispose"/> until the result is disposed.</summary>
    internal IDisposable Hold() => new Mapping(view);

    public void Dispose()
    {
        if (!view.IsClosed)
        {
            view.ReleasePointer();
            view.Dispose();
        }
    }

    private sealed class Mapping : IDisposable
    {
        private SafeMemoryMappedViewHandle? view;

        public Mapping(SafeMemoryMappedViewHandle view)
        {
            byte* start = null;
            view.AcquirePointer(ref start);
            this.view = view;
        }

        public void Dispose() => Interlocked.Exchange(ref view, null)?.ReleasePointer();
    }
}
